"""Ranges: what a number means, where it may lie, and how 0..1 from a controller maps onto it.

Besides what is allowed a range may say what is played: a fader of 0..1 goes over the musically
useful part, while a value that is typed or sent as it is may lie anywhere in the range.
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
    """A closed interval [low, high] with a unit.

    `curve` "log" maps 0..1 in equal ratios (low must be positive). `wraps` marks a circle: a value
    outside is brought back by whole turns of 360 deg instead of being clamped. `whole` marks counts
    and indices. `scales` marks a value measured in standard deviations of the site it acts on.
    `play` is the part of it that a fader goes over, all of it where there is none.
    Raises: ValueError where `play` is no part of it.
    """

    low: float
    high: float
    unit: str = ""
    curve: Curve = "linear"
    wraps: bool = False
    whole: bool = False
    scales: bool = False
    play: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        low, high = self.play or (self.low, self.high)
        if not self.low <= low < high <= self.high:
            raise ValueError(f"play {low:g}..{high:g}: expected a part of {self}")

    @property
    def played(self) -> "Range":
        """The range that a fader goes over."""
        return replace(self, low=self.play[0], high=self.play[1], play=None) if self.play else self

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

    def between(self, first: float, last: float, share: float) -> float:
        """Return the value `share` (0..1) of the way: the shorter way round a circle, in equal
        ratios on a logarithmic range."""
        if self.wraps:
            return self.fit(first + share * math.remainder(last - first, 360.0))
        if self.curve == "log":
            return self.fit(first * (last / first) ** share)
        return self.fit(first + share * (last - first))

    def fit(self, value: float) -> float:
        """Bring a live value inside: whole turns on a circle, else the nearer end; NaN is low."""
        if not self.low <= value <= self.high:
            value = self._brought(value)
        return float(round(value)) if self.whole else value

    def _brought(self, value: float) -> float:
        if math.isnan(value):
            return self.low
        if self.wraps and math.isfinite(value):
            value = math.fmod(value, 360.0)
        return min(max(value, self.low), self.high)

    def check(self, value: float, where: str) -> float:
        """Return the value if it lies inside.

        Raises: OutOfRange, naming `where`, the value and the range.
        """
        inside = self.low <= value <= self.high
        if not inside or (self.whole and value != round(value)):
            raise OutOfRange(f"{where} = {value:g}: expected {self}")
        return float(value)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{'whole number ' if self.whole else ''}{self.low:g}..{self.high:g}{unit}"


def eased(u: "Number") -> "Number":
    """Return a share 0..1, a number or a tensor, with a soft start and end: u²·(3 − 2u).

    Its slope is 0 at both ends and 3/2 in the middle; eased(1 − u) = 1 − eased(u).
    """
    return u * u * (3.0 - 2.0 * u)


Unit = Annotated[float, Range(0, 1)]
Signed = Annotated[float, Range(-1, 1)]
Degrees = Annotated[float, Range(-360, 360, "deg", wraps=True, play=(-180, 180))]
Seconds = Annotated[float, Range(0, 600, "s", play=(0, 30))]
Gain = Annotated[float, Range(0, 10, play=(0, 2))]
Fraction = Annotated[float, Range(-1, 1, "of the picture", play=(-0.5, 0.5))]
Sigma = Annotated[float, Range(-1000, 1000, "sigma", scales=True, play=(-2, 2))]
Level = Annotated[float, Range(0, 1000, "sigma", scales=True, play=(0, 2))]
Channel = Annotated[int, Range(0, 4095, whole=True, play=(0, 15))]
Seed = Annotated[int, Range(0, 2**32 - 1, whole=True, play=(0, 99))]
