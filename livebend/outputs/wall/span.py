"""Which part of the wall each display shows, and where two of them overlap: pure geometry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livebend.outputs.monitors import Monitor
from livebend.outputs.wall.settings import Span

LARGEST = 8192  # pixels of a side of the wall: any more are drawn by fewer


@dataclass(frozen=True, slots=True)
class Part:
    """What a display shows of the wall, in pixels of the wall."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """Strips of a display that a neighbour shows as well, in parts of its width or height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


NOTHING = Overlap()


@dataclass(frozen=True, slots=True)
class Place:
    """A display's place: the size of its wall, its part of that, and its strips."""

    wall: tuple[int, int]
    part: Part
    overlap: Overlap = NOTHING


def alone(size: tuple[int, int]) -> Place:
    """Return the place of a display that shows all of a wall of its own."""
    return Place(size, Part(0, 0, *size))


def places(monitors: Sequence[Monitor], span: Span) -> list[Place]:
    """Return the place of each of the displays of a wall.

    They are where the desktop has them; between neighbours lies `gap`, or they share `overlap`, in
    parts of the narrowest display's width and of the lowest one's height.
    """
    if not span.span or len(monitors) < 2:
        return [alone(one.size) for one in monitors]
    parts = _parts(monitors, span.gap - span.overlap)
    least = parts[:, :2].min(axis=0)
    parts[:, :2] -= least
    wide, high = (parts[:, :2] + parts[:, 2:]).max(axis=0)
    scale = min(1.0, LARGEST / max(wide, high))
    wall = round(wide * scale), round(high * scale)
    return [
        Place(wall, Part(*(part * scale).tolist()), _overlap(index, parts))
        for index, part in enumerate(parts)
    ]


def _parts(monitors: Sequence[Monitor], between: float) -> NDArray[np.float64]:
    """x, y, width and height of each, moved apart by so much of a display."""
    boxes = np.array([(one.x, one.y, *one.size) for one in monitors], np.float64)
    for axis in (0, 1):
        step = between * boxes[:, 2 + axis].min()
        boxes[:, axis] += step * _ranks(boxes[:, axis], boxes[:, 2 + axis])
    return boxes


def _ranks(begins: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many displays come one after another before each."""
    ranks = np.zeros(len(begins))
    for index in np.argsort(begins):
        before = begins + sizes <= begins[index]
        ranks[index] = ranks[before].max() + 1 if before.any() else 0
    return ranks


def _overlap(own: int, parts: NDArray[np.float64]) -> Overlap:
    """The strips of a display: of a neighbour that ends or begins within it, on one axis alone."""
    (x, y, wide, high), found = parts[own], dict.fromkeys(("left", "top", "right", "bottom"), 0.0)
    for index, (other_x, other_y, w, h) in enumerate(parts):
        across = min(x + wide, other_x + w) - max(x, other_x)
        down = min(y + high, other_y + h) - max(y, other_y)
        if index == own or min(across, down) <= 0:
            continue
        if across / wide < down / high:
            side, share = ("left" if other_x < x else "right"), across / wide
        else:
            side, share = ("top" if other_y < y else "bottom"), down / high
        found[side] = max(found[side], share)
    return Overlap(**{side: min(float(share), 1.0) for side, share in found.items()})


def ramp(gamma: float, length: int = 256) -> NDArray[np.uint8]:
    """Return how opaque black is across a strip, from its outer edge inwards, uint8 [length].

    The light of two projectors of that gamma, whose strips run against each other, adds up to one.
    """
    t = (np.arange(length) + 0.5) / length
    light = t * t * (3 - 2 * t)
    made: NDArray[np.uint8] = np.round(255 * (1 - light ** (1 / gamma))).astype(np.uint8)
    return made
