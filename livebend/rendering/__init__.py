"""From a scene, the sound and the time to a frame.

network (stages, bends and a sampler, all remembered), sampler_steps, reuse and ahead (what is taken
from earlier frames by choice), open_network, small_network · renderer (a frame), inputs (noise and
prompts in time), deck (the two sides of the crossfader), picture_input with framing, last_frame and
blending (the picture it begins at), prompts, faults, governor (a frame time that holds),
memory_shortage (lighter frames where it runs out), frame_status, kept (what goes on in another
process) · painter (single pictures) · painted_past (how far back a frame hangs on painted ones)
"""
