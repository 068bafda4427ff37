"""Operators that read the picture at displaced places. x is [B, C, H, W].

Places are −1..1 along the longer side, 0 in the middle; bilinear, mirrored at the edges.
"""

import math
from typing import Annotated

import torch
from torch import Tensor

from livebend.core.ranges import Range
from livebend.operators.coordinates import plane, sample
from livebend.operators.random_draws import STREAM, CloudSize, Draw, Phase, Roll, clouds
from livebend.operators.registry import operator

Push = Annotated[float, Range(-0.5, 0.5, "of the picture", soft=(-0.25, 0.25))]
Twist = Annotated[float, Range(-720, 720, "deg", soft=(-180, 180))]
Waves = Annotated[float, Range(0.25, 16, "from the middle to the edge", curve="log", soft=(1, 8))]
Radius = Annotated[float, Range(0.05, 4, "of half the picture", curve="log", soft=(0.2, 2))]


@operator("warp", amounts=["amount"], matched=False)
def warp(
    x: Tensor,
    *,
    amount: Annotated[Push, "how far things are pushed"] = 0.0,
    size: CloudSize = 0.3,
    phase: Phase = 0.0,
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Push the picture about by a smooth random field: y(p) = x(p + 2a·(n₁(p), n₂(p))).

    Source: the warps of Broad et al. 2021; the field after Rahimi and Recht 2007, algorithm 1.
    """
    u, v = plane(*x.shape[-2:], x.device, x.dtype)
    n1 = clouds(x, seed, roll, size, phase)
    n2 = clouds(x, seed + STREAM, roll, size, phase)
    return sample(x, u + 2.0 * amount * n1, v + 2.0 * amount * n2)


@operator("warp", amounts=["angle"], matched=False)
def swirl(
    x: Tensor,
    *,
    angle: Annotated[Twist, "turn of the middle, counter-clockwise"] = 0.0,
    radius: Annotated[Radius, "how far out it reaches"] = 0.5,
) -> Tensor:
    """Twist the middle: y(p) = x(R(θ(r))·p), θ(r) = θ·exp(−r²/(2 s²)).

    Source: the rotations of Broad et al. 2021, fading outwards.
    """
    u, v = plane(*x.shape[-2:], x.device, x.dtype)
    theta = math.radians(angle) * torch.exp((u.square() + v.square()) / (-2.0 * radius**2))
    c, s = torch.cos(theta), torch.sin(theta)
    return sample(x, c * u - s * v, s * u + c * v)


@operator("warp", amounts=["amount"], matched=False)
def ripple(
    x: Tensor,
    *,
    amount: Annotated[Push, "height of the waves"] = 0.0,
    count: Annotated[Waves, "waves from the middle to the edge"] = 3.0,
    phase: Phase = 0.0,
) -> Tensor:
    """Send waves out from the middle: y(p) = x(p·(1 + 2a·sin(2π·n·r − φ)/r)), r = |p|.

    Source: the affine transforms of Broad et al. 2021, as a radial displacement.
    """
    u, v = plane(*x.shape[-2:], x.device, x.dtype)
    r = torch.hypot(u, v)
    shift = math.radians(math.fmod(phase, 360.0))
    push = 2.0 * amount * torch.sin((math.tau * count) * r - shift) / r.clamp_min(1e-6)
    return sample(x, u * (1.0 + push), v * (1.0 + push))
