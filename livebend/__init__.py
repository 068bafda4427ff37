"""livebend: a live visualizer that bends a diffusion network with sound and hands.

Read in this order: `flow` (the loop and what travels), `scene` (what a performer wants, and the
commands), `operators` (what can be done to a tensor), `models` (the network as named stages),
`bending` (where an operator meets a tensor), `sampler`, `renderer`, `audio`, `modulation`,
`control`, `outputs`, and last `live` and `offline`, which only plug these together.
"""

__version__ = "0.1.0"
