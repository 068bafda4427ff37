"""The size of the picture: what a performer asks for, moved to what a network paints."""

import math
from itertools import product

from livebend.core import limits
from livebend.core.notify import Notify, ignore

LEAST = 8  # elements along a side of the latent
LONGEST = 4.0  # of a picture's longer side to its shorter one, where nobody asked for a size


def painted_size(asked: tuple[int, int], factor: int, notify: Notify = ignore) -> tuple[int, int]:
    """Return the size (W, H) in pixels nearest to what was asked for, with a notice if it differs.

    factor: pixels along a side of an element of the latent; both sides are multiples of it, and at
        least LEAST times as long. The aspect is kept as far as that allows.

    >>> painted_size((500, 281), 8)
    (496, 280)
    """
    wide, high = asked
    least = LEAST * factor
    grown = max(1.0, least / min(asked))
    size = min(
        product(_multiples(wide * grown, factor, least), _multiples(high * grown, factor, least)),
        key=lambda size: (_distance(size, (wide * grown, high * grown)), size),
    )
    if size != asked:
        notify(f"size {wide}x{high}: {size[0]}x{size[1]} is the nearest in steps of {factor}")
    return size


def shaped_size(short: int, shape: tuple[int, int]) -> tuple[int, int]:
    """Return the size (W, H) of the shape of another whose shorter side is given: the picture of a
    display. Beyond LONGEST to one it is no longer.

    >>> shaped_size(256, (1920, 1080))
    (455, 256)
    """
    long = round(short * min(max(shape) / min(shape), LONGEST))
    return (long, short) if shape[0] >= shape[1] else (short, long)


def _multiples(side: float, factor: int, least: int) -> list[int]:
    """The multiples next to a side, within bounds."""
    most = limits.SIDE // factor * factor
    both = (math.floor(side / factor) * factor, math.ceil(side / factor) * factor)
    return [min(max(one, least), most) for one in both]


def _distance(size: tuple[int, int], asked: tuple[float, float]) -> float:
    """How far a size is from another: of each side, and of the aspect, in equal ratios."""
    wide, high = (math.log(a / b) for a, b in zip(size, asked, strict=True))
    return abs(wide) + abs(high) + abs(wide - high)
