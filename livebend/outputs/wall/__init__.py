"""What becomes of the picture on its way to the wall, and what lies over it. Streams and films get
the picture as it is before.

settings (what a performer sets), projectors (and of each display) · shape (fit, tiles and mirrors:
the picture as flat pieces) · corner_pin (four corners moved, as a fine mesh) · span (several
displays as one wall, and strips that overlap) · pixels (gamma, enlargement, glow and grain) ·
overlay (title and logo) · card (the test card) · wall_frame (the wall upright, sent through the
mesh) · wall_painter (what draws on one window) · wall (the newest picture, on all windows) ·
pin_handles (corners dragged with the mouse)
"""
