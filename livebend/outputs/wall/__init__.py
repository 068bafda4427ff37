"""What becomes of the picture on its way to the wall, and what lies over it. Streams and films get
the picture as it is before.

settings (what a performer sets) · shape (fit, tiles and mirrors: the picture as flat pieces) ·
corner_pin (four corners moved, as a fine mesh) · wall_frame (the wall upright, sent through the
mesh) · wall_painter (what draws the picture on a window) · wall (the newest picture, and black)
"""
