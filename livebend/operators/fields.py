"""Gain that varies over the picture: y = x·(1 + a·f(p)), −1 ≤ f ≤ 1. x is [B, C, H, W].

Places are −1..1 along the longer side, 0 in the middle.
"""

import math
from typing import Annotated

import torch
from torch import Tensor

from livebend.core.ranges import Degrees, Range, Signed
from livebend.operators.coordinates import plane
from livebend.operators.random_draws import CloudSize, Draw, Phase, Roll
from livebend.operators.random_draws import clouds as cloud_field
from livebend.operators.registry import operator

Depth = Annotated[Signed, "how deep; below 0, bright and dark are exchanged"]
Count = Annotated[float, Range(0.25, 32, "across the picture", curve="log", soft=(1, 8))]


@operator("field", amounts=["amount"], matched=False)
def shade(
    x: Tensor,
    *,
    amount: Depth = 0.0,
    angle: Annotated[Degrees, "where it grows: 0 = right, 90 = down"] = 0.0,
) -> Tensor:
    """Shade from one side to the other: f = u·cos θ + v·sin θ, held within −1..1.

    Source: field gain, after the spatial masks of Broad et al. 2021.
    """
    u, v = plane(*x.shape[-2:], x.device, x.dtype)
    theta = math.radians(math.fmod(angle, 360.0))
    f = (math.cos(theta) * u + math.sin(theta) * v).clamp(-1.0, 1.0)
    return x * (1.0 + amount * f)


@operator("field", amounts=["amount"], matched=False)
def rings(
    x: Tensor,
    *,
    amount: Depth = 0.0,
    count: Annotated[Count, "rings from the middle to the edge"] = 3.0,
    phase: Phase = 0.0,
) -> Tensor:
    """Shade in rings round the middle: f = cos(2π·n·r − φ), r = sqrt(u² + v²).

    Source: field gain, after the spatial masks of Broad et al. 2021.
    """
    u, v = plane(*x.shape[-2:], x.device, x.dtype)
    shift = math.radians(math.fmod(phase, 360.0))
    f = torch.cos((math.tau * count) * torch.hypot(u, v) - shift)
    return x * (1.0 + amount * f)


@operator("field", amounts=["amount"], matched=False)
def stripes(
    x: Tensor,
    *,
    amount: Depth = 0.0,
    count: Annotated[Count, "stripes along the longer side"] = 4.0,
    angle: Annotated[Degrees, "across the stripes: 0 = right, 90 = down"] = 0.0,
    phase: Phase = 0.0,
) -> Tensor:
    """Shade in stripes: f = cos(π·n·(u·cos θ + v·sin θ) − φ).

    Source: field gain, after the spatial masks of Broad et al. 2021.
    """
    u, v = plane(*x.shape[-2:], x.device, x.dtype)
    theta, shift = (math.radians(math.fmod(a, 360.0)) for a in (angle, phase))
    across = math.cos(theta) * u + math.sin(theta) * v
    return x * (1.0 + amount * torch.cos((math.pi * count) * across - shift))


@operator("field", amounts=["amount"], matched=False)
def clouds(
    x: Tensor,
    *,
    amount: Depth = 0.0,
    size: CloudSize = 0.3,
    phase: Phase = 0.0,
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Shade in random clouds: f = tanh(n), n a smooth random field of deviation 1.

    Source: field gain; the field after Rahimi and Recht 2007, algorithm 1.
    """
    return x * (1.0 + amount * torch.tanh(cloud_field(x, seed, roll, size, phase)))
