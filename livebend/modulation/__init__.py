"""From features to the values of parameters.

sources (what a route can follow) · curves (and edges) · follower (attack and release) · auto_gain ·
phase (of LFOs and walks) · band_time (beats, bars and phrases) · beats (where they are at a moment)
· looped (what automation plays) · feature_history · heard (features as numbers) · plan (which route
drives what) · modulator (all of it, once a frame)
"""
