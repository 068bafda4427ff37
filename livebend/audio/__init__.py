"""Sound: where it comes from, and what it is. Nothing here imports torch.

sound (a recording in memory, of any format) · demo (the built-in loop) · portaudio (devices) ·
capture (a device as blocks, lost and found) · monitor (playing aloud) · inputs (hop by hop) ·
analyzer (a hop -> Features), with levels, beat and paper · listener (Features at a time) ·
opening (a name -> all of that)
"""
