"""The picture as other programs get it while the show plays, each by a thread of its own.

stream (the thread) · kinds (the table of them) ·
ndi, virtual_camera, spout, syphon: each opens one kind of sender, by a library that is an extra.

To add one: a file with a class that is a `kinds.Sender`, a line in KINDS, and a switch in
`display.View` of the same name.
"""
