"""Sound: where it comes from, and its features. Nothing here imports torch.

sound (what a recording is) · sound_file (decoded while it is read) · joined_files (their parts) ·
resampler (to one rate) · demo (the built-in loop) · portaudio (devices) · capture (a device as
blocks, lost and found) · monitor (loudspeakers) · inputs (hop by hop) · analyzer (a hop ->
Features), with channels, spectrum, bands, levels, tempo, beat and paper_features · feature_sources
(Features at a time) · look_ahead (of a song that was heard to its end before) · song_tags ·
song_packets (as they are encoded) · open_input (a name -> all of that)
"""
