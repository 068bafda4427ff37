"""Operators in the plane of the picture. x is [B, C, H, W]."""

import math
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from livebend.core.ranges import Degrees, Fraction, Range
from livebend.operators.coordinates import rolled
from livebend.operators.registry import operator

Zoom = Annotated[float, Range(0.25, 4, "times", curve="log", soft=(0.5, 2))]
FlipAxis = Literal["sides", "height", "both"]


@operator("spatial", amounts=["angle", "zoom", "x_shift", "y_shift"], matched=False)
def transform(
    x: Tensor,
    *,
    angle: Annotated[Degrees, "turn, counter-clockwise"] = 0.0,
    zoom: Annotated[Zoom, "above 1 comes closer"] = 1.0,
    x_shift: Annotated[Fraction, "to the right"] = 0.0,
    y_shift: Annotated[Fraction, "downwards"] = 0.0,
) -> Tensor:
    """Turn, zoom and shift about the middle, bilinear, mirrored at the edges.

    The output at p reads x at R(−angle)·(p − shift)/zoom, in units of half the shorter side, so a
    turn does not shear pictures that are wider than high.
    Source: the affine transforms of Broad et al. 2021, on activations.
    """
    H, W = x.shape[-2:]
    theta = math.radians(math.fmod(angle, 360.0))
    c, s = math.cos(theta) / zoom, math.sin(theta) / zoom
    ratio = W / H
    tx, ty = -2.0 * x_shift, -2.0 * y_shift
    rows = [
        [c, -s / ratio, c * tx - s / ratio * ty],
        [s * ratio, c, s * ratio * tx + c * ty],
    ]
    matrix = torch.tensor(rows, dtype=x.dtype).to(x.device, non_blocking=True)
    grid = F.affine_grid(matrix.expand(x.shape[0], 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, "bilinear", padding_mode="reflection", align_corners=False)


@operator("spatial", matched=False)
def flip(
    x: Tensor,
    *,
    along: Annotated[FlipAxis, "sides exchanged, or top and bottom, or both"] = "sides",
) -> Tensor:
    """Mirror the picture: y(h, w) = x(h, W − 1 − w), x(H − 1 − h, w), or both.

    Source: Broad et al. 2021 (reflection).
    """
    return x.flip({"sides": (3,), "height": (2,), "both": (2, 3)}[along])


@operator("spatial", amounts=["right", "down"], matched=False)
def scroll(
    x: Tensor,
    *,
    right: Annotated[Fraction, "to the right; what leaves comes back on the left"] = 0.0,
    down: Annotated[Fraction, "downwards; what leaves comes back at the top"] = 0.0,
) -> Tensor:
    """Roll the picture round: y(h, w) = x(h − d·H, w − r·W), indices taken round.

    Between whole elements the two neighbours are blended, so that it glides.
    Source: torch.roll as bending systems use it on latents, made continuous.
    """
    return rolled(rolled(x, right * x.shape[3], 3), down * x.shape[2], 2)
