"""`livebend bench`: the benchmark, and how far its figures hold.

One process, nothing else running. Before a kind of frame is timed it is painted until only the
stages run that it should; those that ran are checked. Figures are medians and interquartile ranges,
with the device synchronised inside the timing; seeds, versions, threads, backend and size belong to
the result. What is compared is timed alternately, round after round, so that a drifting machine
affects all alike: ratios within a run mean more than milliseconds. Losses are printed like wins.

    frames    by what changed: everything, only what depends on unet.mid …, the decoder alone,
              nothing; and everything with each kind of reuse
    peers     the same weights, steps and size in diffusers' StableDiffusionPipeline and in a plain
              loop of unet(…) and vae.decode(…), in float32, in the network's own precision, and
              with both modules compiled by OpenVINO
    load      everything, quiet and beside busy processes
    stages    milliseconds, operations, and their rate relative to a measured matrix product
    bends     what four at mixed sites add, and every operator at the largest tensor
    inputs    one hop of sound, the paper's features, one OSC command
    overhead  what a frame costs besides its network and its bends
    start     the phases of a start
    wall      a picture drawn at 1080p through each kind of output processing
    farm      frames/s of workers side by side beside one process, and of sleeper's, which wait as
              long as a frame takes
"""
