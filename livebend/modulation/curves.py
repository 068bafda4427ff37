"""Curves, which shape a source, and edges, which keep a target in its range."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from livebend.core.ranges import Range, eased
from livebend.scene.values import Edge, Shape


class Curve(NamedTuple):
    """A function from 0..1 to 0..1, and what it is good for."""

    shape: Callable[[float], float]
    doc: str


CURVES: Mapping[Shape, Curve] = {
    "linear": Curve(lambda x: x, "x: as it comes"),
    "square": Curve(lambda x: x * x, "x²: what is quiet does less"),
    "cube": Curve(lambda x: x * x * x, "x³: only what is loud does much"),
    "root": Curve(math.sqrt, "√x: what is quiet does more"),
    "smooth": Curve(eased, "x²·(3 − 2x): soft at both ends"),
    "step": Curve(lambda x: float(x >= 0.5), "0 below one half, 1 from there on"),
    "inverse": Curve(lambda x: 1.0 - x, "1 − x: most when it is quiet"),
}
EDGES: Mapping[Edge, str] = {
    "fit": "as the target does: an angle goes round, everything else stops",
    "clip": "stop at the end of the range",
    "wrap": "come in again at the other end",
    "fold": "turn back at the end",
}


def shaped(value: float, curve: Shape) -> float:
    """Return a value, clamped to 0..1, after its curve; NaN counts as 0."""
    clamped = min(max(value, 0.0), 1.0) if value == value else 0.0  # noqa: PLR0124
    return CURVES[curve].shape(clamped)


def edged(value: float, edge: Edge, limits: Range) -> float:
    """Return a value brought into its range, of width w = high − low.

    fit: wrapped by 360° on a circle, otherwise clamped.
    clip: clamped.
    wrap: low + (v − low) mod w; on a circle, by 360°.
    fold: low + |((v − low + w) mod 2w) − w|.
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
