"""Bends: where an operator meets a tensor of the network.

channels, clusters (which of them) · feedback_state (what a bend made last) · moments (what a bend
measures by) · apply (one bend on one tensor) · mask_cache (where in the picture) · frame_bends (all
bends of a frame, at their sites)
"""
