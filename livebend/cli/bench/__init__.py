"""`livebend bench`: the benchmark, and what may be said of its figures.

The contract: one process, nothing else running; each kind of frame is primed until only what it
names runs, and the stages that ran are counted, not supposed; median and interquartile range, the
device's queue emptied inside the timing; seeds, versions, threads, backend and size are part of the
result. Whatever is compared is timed in turn, round after round, so that a drifting machine moves
all alike: ratios within one run mean more than milliseconds. Losses are printed like wins.

    frames   by what changed: everything, only behind unet.mid …, the decoder alone, nothing; and
             everything with what reuse by choice leaves of it
    peers    the same weights, steps and size in diffusers' StableDiffusionPipeline, and in a plain
             loop of unet(…) and vae.decode(…), as anybody would write it: float32, and ours
    stages   milliseconds, operations, and the share of the processor's measured matrix product
    bends    what four at mixed sites add, and every operator at the widest
    senses   one hop of sound, the paper's features where a scene follows them, one OSC command
"""
