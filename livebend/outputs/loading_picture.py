"""The picture while the model loads: a slow glow, so that the output is not black."""

import math

import numpy as np

from livebend.flow import Pixels

SIDE = 64


def loading_picture(time: float) -> Pixels:
    """Return a dim picture uint8 [64, 64, 3] for `time` seconds; it pulses once in 6 s."""
    axis = np.linspace(-1.0, 1.0, SIDE)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    turn = 2 * math.pi * time / 6.0
    near = np.exp(-2.5 * ((x - 0.35 * math.cos(turn / 2)) ** 2 + (y - 0.2 * math.sin(turn)) ** 2))
    far = np.exp(-1.2 * ((x + 0.4 * math.sin(turn / 2)) ** 2 + (y + 0.3) ** 2))
    breath = 0.75 + 0.25 * math.sin(turn)
    colour = 6 + breath * (near[..., None] * (24, 76, 88) + far[..., None] * (44, 24, 72))
    return colour.astype(np.uint8)
