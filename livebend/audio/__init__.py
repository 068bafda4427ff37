"""Sound: where it comes from, and its features. Nothing here imports torch.

sound (a recording in memory, of any format) · demo (the built-in loop) · portaudio (devices) ·
capture (a device as blocks, lost and found) · monitor (loudspeakers) · inputs (hop by hop) ·
analyzer (a hop -> Features), with levels, beat and paper_features · feature_sources (Features at a
time) · open_input (a name -> all of that)
"""
