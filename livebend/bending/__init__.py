"""Bends: where an operator meets a tensor of the network.

apply (one bend on one tensor) · channels, clusters (which of them) · mask_cache (where in the
picture) · feedback_state (what a bend made last) · frame_bends (all bends of a frame, at their
sites)
"""
