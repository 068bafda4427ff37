"""Ranges: what a number means, where it may lie, and how 0..1 from a controller maps onto it.

A range may have a soft range inside it, the musically useful part: a fader of 0..1 covers that
part, while a value that is typed or sent as it is may lie anywhere in the whole range.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from livebend.core.errors import OutOfRange

if TYPE_CHECKING:
    from torch import Tensor

    Number = TypeVar("Number", float, Tensor)

Curve = Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval [low, high] with a unit. Raises: ValueError where `soft` is not inside."""

    low: float
    high: float
    unit: str = ""
    curve: Curve = "linear"  # "log" maps 0..1 in equal ratios; low must be positive
    wraps: bool = False  # a circle: values outside come back by whole turns of 360 deg
    whole: bool = False  # counts and indices
    scales: bool = False  # measured in standard deviations of the site it acts on
    soft: tuple[float, float] | None = None  # the part that a fader covers; None = all of it

    def __post_init__(self) -> None:
        low, high = self.soft or (self.low, self.high)
        if not self.low <= low < high <= self.high:
            raise ValueError(f"soft {low:g}..{high:g}: expected a part of {self}")

    @property
    def soft_range(self) -> "Range":
        """The range that a fader covers."""
        return replace(self, low=self.soft[0], high=self.soft[1], soft=None) if self.soft else self

    def from_unit(self, position: float) -> float:
        """Map 0..1 onto the range."""
        position = min(max(position, 0.0), 1.0)
        if self.curve == "log":
            value = self.low * (self.high / self.low) ** position
        else:
            value = self.low + (self.high - self.low) * position
        return float(round(value)) if self.whole else value

    def to_unit(self, value: float) -> float:
        """Map a value of the range onto 0..1, the inverse of `from_unit`."""
        value = self.fit(math.remainder(value, 360.0) if self.wraps else value)
        if self.curve == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def between(self, first: float, last: float, t: float) -> float:
        """Return the value at t (0..1) of the way from first to last: the shorter way round on a
        circle, in equal ratios on a logarithmic range."""
        if self.wraps:
            return self.fit(first + t * math.remainder(last - first, 360.0))
        if self.curve == "log":
            return self.fit(first * (last / first) ** t)
        return self.fit(first + t * (last - first))

    def fit(self, value: float) -> float:
        """Return a value clamped to the range, on a circle by whole turns; `low` for NaN."""
        if math.isnan(value):
            value = self.low
        elif not self.low <= value <= self.high:
            if self.wraps and math.isfinite(value):
                value = math.fmod(value, 360.0)
            value = min(max(value, self.low), self.high)
        return float(round(value)) if self.whole else value

    def check(self, value: float, where: str) -> float:
        """Return the value if it is inside.

        Raises: OutOfRange, naming `where`, the value and the range.
        """
        inside = self.low <= value <= self.high
        if not inside or (self.whole and value != round(value)):
            raise OutOfRange(f"{where} = {float(value):g}: expected {self}")
        return float(value)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{'whole number ' if self.whole else ''}{self.low:g}..{self.high:g}{unit}"


def eased(u: "Number") -> "Number":
    """Return u (0..1, a number or a tensor) with a soft start and end: u²·(3 − 2u).

    Its slope is 0 at both ends and 3/2 in the middle; eased(1 − u) = 1 − eased(u).
    """
    return u * u * (3.0 - 2.0 * u)


Unit = Annotated[float, Range(0, 1)]
Signed = Annotated[float, Range(-1, 1)]
Degrees = Annotated[float, Range(-360, 360, "deg", wraps=True, soft=(-180, 180))]
Seconds = Annotated[float, Range(0, 600, "s", soft=(0, 30))]
Gain = Annotated[float, Range(0, 10, soft=(0, 2))]
Fraction = Annotated[float, Range(-1, 1, "of the picture", soft=(-0.5, 0.5))]
Sigma = Annotated[float, Range(-1000, 1000, "sigma", scales=True, soft=(-2, 2))]
Level = Annotated[float, Range(0, 1000, "sigma", scales=True, soft=(0, 2))]
Channel = Annotated[int, Range(0, 4095, whole=True, soft=(0, 15))]
Seed = Annotated[int, Range(0, 2**32 - 1, whole=True, soft=(0, 99))]
