"""Where frames go: a window, a film, pictures; and the operator's view of the show.

window (the picture, and keys) · display (its state: blackout, freeze, brightness …) · room (what is
kept of it) · monitors, picture_displays (which displays there are, and where that leaves the
picture) · full_screen · operator_window (where it was left) · operator_view, operator_cards (meters
and notices), operator_faders (what is played), card_area, operator_mouse (the hand on it),
operator_board (both, on a window), operator_screen (which window), drawn with drawing and glyphs ·
loading_picture · strobe_limit (what every output gets), part (what one of several projectors shows)
· sdl, sdl_window · key_table, key_events · recording, live_recording, film_take (one of its films),
with codecs (the table of their kinds), encoders, movie, movie_file, joined_movie (of segments),
png_pictures, sound_track, film_sound (a song's own, or encoded again), kept_file · streams (NDI and
others) · fitted_picture (the picture at their size) · black · sheet (pictures in rows and columns)
· headless · wall (fit, corner pin and what lies over the picture)
"""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # pygame greets on stdout, JSON goes there
