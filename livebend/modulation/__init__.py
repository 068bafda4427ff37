"""From features to the values of parameters.

sources (what can drive) · curves (and edges) · follower (attack and release) · auto_gain · phase
(what goes round) · tapped_beat · feature_history · plan (who drives what) · modulator (all of it,
once a frame)
"""
