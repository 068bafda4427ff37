"""Sound: where it comes from, and what it is. Nothing here imports torch.

sound (a recording in memory, of any format) · demo (the built-in loop) · portaudio (devices) ·
capture (a device as blocks) · analyzer (hop -> Features), with beat, levels and paper ·
listener (Features at a time) · monitor (hearing what is played) · inputs (a name -> all of that)
"""
