"""Pictures that come in: where they come from, each at its time. Nothing here imports torch.

still, film (files) · devices (cameras and screens) · streams (of other programs) · naming (which
is meant) · camera (one of them, lost and found) · reducing (to about the size of the frame) ·
open_picture (a name -> its pictures)
"""
