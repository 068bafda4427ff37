"""Curves between a source and its route, edges between a sum and its target."""

import math
from collections.abc import Callable, Mapping

from livebend.core.ranges import Range, eased
from livebend.scene.values import Edge, Shape

CURVES: Mapping[Shape, Callable[[float], float]] = {
    "linear": lambda x: x,
    "square": lambda x: x * x,
    "cube": lambda x: x * x * x,
    "root": math.sqrt,
    "smooth": eased,
    "step": lambda x: float(x >= 0.5),
    "inverse": lambda x: 1.0 - x,
}


def shaped(value: float, curve: Shape) -> float:
    """Return a value, brought into 0..1, after its curve; NaN counts as 0."""
    return CURVES[curve](min(max(value, 0.0), 1.0) if value == value else 0.0)  # noqa: PLR0124


def edged(value: float, edge: Edge, limits: Range) -> float:
    """Bring a value inside its range: fit = as the range does, clip, wrap round, or fold back.

    wrap: low + (v − low) mod w; on a circle, by whole turns of 360 degrees. fold:
    low + |((v − low + w) mod 2w) − w|, w = high − low.
    """
    low, high = limits.low, limits.high
    if edge == "clip" or not math.isfinite(value):
        value = min(max(value, low), high) if value == value else low  # noqa: PLR0124
    elif edge == "wrap" and not limits.wraps and not low <= value <= high:
        value = low + (value - low) % (high - low)
    elif edge == "fold":
        width = high - low
        value = low + abs((value - low + width) % (2 * width) - width)
    return limits.fit(value)
