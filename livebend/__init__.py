"""livebend: a live visualizer that bends a diffusion network with sound and by hand.

Thirteen wings, low to high; each imports only those before it, and each `__init__` says what is in
its files. Read `flow` first: the loop, and the values that travel.

    flow         the loop; Features, Tick, Frame; what is plugged in at its ends
    core         errors, ranges, specs, sites, clocks, mailboxes, workers, files, status
    device       GPU calls, copies, torch's threads, remembered outputs
    audio        sound becomes Features
    video        cameras and files become the pictures that painting begins at
    operators    what can be done to a tensor; masks
    models       a checkpoint becomes named stages, and backends run them
    outputs      frames and status go to a window and to files
    scene        what a performer wants: values, paths, edits, commands, presets
    modulation   Features and a Scene give the values of parameters
    control      OSC, keys and cue files become commands
    bending      an operator meets a tensor of the network
    rendering    a Scene, Features and a Tick become a Frame
    cli          one file a command; live and render only plug the others together
"""

__version__ = "0.1.0"
