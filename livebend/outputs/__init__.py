"""Where frames go: a window, a film, pictures, and what the operator sees of the show.

window (the picture, and keys) · display (blackout and the like, whatever the renderer does) ·
operator_view, operator_cards (meters and notices) · drawing, glyphs (what these are drawn with) ·
loading_picture · sdl, sdl_window · key_table · recording, live_recording, movie_file · png_frames ·
sheet (pictures in rows and columns) · headless
"""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # pygame greets on stdout, JSON goes there
