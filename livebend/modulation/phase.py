"""A running phase: the number of periods so far, continuous when the rate changes."""

from dataclasses import dataclass, replace


@dataclass(eq=False)
class Phase:
    """Counts periods, whole and part. Owned by the render thread.

    At a constant rate it is exactly rate·time, at every frame rate, so that two phases of the same
    rate stay in step. When the rate changes it goes on from where it is.
    """

    _rate: float | None = None
    _offset: float = 0.0  # to rate·time, in periods

    def advance(self, rate: float, time: float, dt: float) -> float:
        """Return the number of periods at `time`.

        rate: Hz, since the last call.
        time: s, on the clock of the show.
        dt: s, since the last call.
        """
        if self._rate is not None and rate != self._rate:
            self._offset += (self._rate - rate) * (time - dt)
        self._rate = rate
        return rate * time + self._offset

    def copy(self) -> "Phase":
        """Return a phase that goes on from the same position."""
        return replace(self)


def rate_of(period: float) -> float:
    """Return the rate in Hz of a period in s; a period of 0 stands still."""
    return 1.0 / period if period else 0.0
