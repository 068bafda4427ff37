"""Films painted in segments: by one process or by many, stopped and gone on with.

options (what a film is made of) · plan (the film walked without painting, and where it is cut) ·
painter (segments, in whatever process) with segment_outputs (the limit of flashes, files) ·
motion_blur · segment_files (what is kept of an unfinished film),
made_of (whether it is still the same) · work (the segments of a film: which is next, which may
stay) · jobs (what workers are asked and answer), farm (workers side by side), workers (processes of
this machine), process (such a process), ray_workers (of a cluster) · rendering (from options to
films) · album (several films of one command)

The film is the same bytes however many paint it, since three things are fixed by what is rendered:
where it is cut, that nothing painted before a segment's pre-roll counts for it, and that every
segment begins a group of pictures of its own, by an encoder of its own.
"""
