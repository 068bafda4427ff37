"""The last frame as a picture to begin at, moved on and on: video feedback through the network."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from livebend.operators.library import find_operator
from livebend.rendering.framing import levels_of
from livebend.scene.values import Echo


def moved(
    pixels: Tensor, picture: Tensor | None, size: tuple[int, int], how: Echo, seconds: float
) -> Tensor:
    """Return what was shown `seconds` ago as a picture [1, 3, H, W], −1..1, over another or black.

    y = b + w·(T(x) − b), w = exp(−Δt/τ), T a turn, zoom, shift and turn of hue by Δt times their
    rates. pixels: uint8 [h, w, 3]. Source: video feedback, Crutchfield 1984.
    """
    x = levels_of(pixels)
    if tuple(x.shape[2:]) != size:
        x = F.interpolate(x, size, mode="bilinear", antialias=True)
    x = find_operator("transform").function(
        x,
        angle=how.angle * seconds,
        zoom=how.zoom**seconds,
        x_shift=how.right * seconds,
        y_shift=how.down * seconds,
    )
    x = 2.0 * turned_hue(x, how.hue * seconds) - 1.0
    below = torch.full_like(x, -1.0) if picture is None else picture
    return below + math.exp(-seconds / how.decay) * (x - below)


def turned_hue(x: Tensor, angle: float) -> Tensor:
    """Return colours [1, 3, H, W], 0..1, turned about the axis of greys by an angle in degrees, red
    towards green. Source: Rodrigues' rotation about (1, 1, 1)/√3."""
    if angle % 360.0 == 0.0:
        return x
    theta = math.radians(math.fmod(angle, 360.0))
    c, s = math.cos(theta), math.sin(theta) / math.sqrt(3.0)
    same, before, after = c + (1 - c) / 3, (1 - c) / 3 - s, (1 - c) / 3 + s
    rows = [[same, before, after], [after, same, before], [before, after, same]]
    matrix = torch.tensor(rows, dtype=x.dtype).to(x.device)
    return torch.einsum("ij,bjhw->bihw", matrix, x).clamp(0.0, 1.0)
