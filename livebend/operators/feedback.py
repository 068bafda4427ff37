"""Operators that mix in their own bend's output of the last frame. x is [B, C, H, W].

They stay pure functions: the network keeps that output and passes it in as `past`. Rates are per
second, so that the motion is the same at any frame rate.
"""

import math
from typing import Annotated

from torch import Tensor

from livebend.core.ranges import Range
from livebend.operators.registry import Past, operator
from livebend.operators.spatial import transform

Trail = Annotated[
    float, Range(0, 30, "s", soft=(0, 2)), "time in which what was fades to a third; 0 = at once"
]
ZoomRate = Annotated[
    float, Range(0.25, 4, "times a second", curve="log", soft=(0.5, 2)), "above 1 flies in"
]
TurnRate = Annotated[float, Range(-360, 360, "deg/s", soft=(-90, 90)), "turn, counter-clockwise"]
Drift = Annotated[float, Range(-1, 1, "of the picture a second", soft=(-0.5, 0.5))]


@operator("recurrent", amounts=["trail"])
def feedback(
    x: Tensor,
    *,
    past: Past | None = None,
    trail: Trail = 0.0,
    zoom: ZoomRate = 1.0,
    angle: TurnRate = 0.0,
    right: Annotated[Drift, "to the right"] = 0.0,
    down: Annotated[Drift, "downwards"] = 0.0,
) -> Tensor:
    """Leave a trail: y_t = (1 − w)·x_t + w·T(y_(t−Δt)), w = exp(−Δt/τ), T a turn, zoom and shift.

    The first frame after a preset or a panic has no past and is x itself.
    Source: video feedback, Crutchfield 1984; on latents, the frame loops of Deforum.
    """
    if past is None or trail == 0.0:
        return x.clone()
    dt = past.seconds
    before = transform(
        past.tensor,
        angle=angle * dt,
        zoom=zoom**dt,
        x_shift=right * dt,
        y_shift=down * dt,
    )
    return x + math.exp(-dt / trail) * (before - x)
