"""A running phase: periods gone through, without a jump where the rate changes."""


class Phase:
    """Counts periods, whole and part. Owned by the render thread.

    At a rate that stays it is rate·time exactly, at every frame rate, so that two of one rate go
    together. Where the rate changes it goes on from where it is, at the new rate.
    """

    def __init__(self) -> None:
        self._rate: float | None = None
        self._ahead = 0.0  # of rate·time, in periods

    def step(self, rate: float, time: float, dt: float) -> float:
        """Return the periods at `time`, `dt` s after the last step, at `rate` in Hz since then."""
        if self._rate is not None and rate != self._rate:
            self._ahead += (self._rate - rate) * (time - dt)
        self._rate = rate
        return rate * time + self._ahead

    def copy(self) -> "Phase":
        """Return another one that goes on from the same place."""
        made = Phase()
        made._rate, made._ahead = self._rate, self._ahead
        return made


def rate_of(period: float) -> float:
    """Return the rate in Hz of a period in s; a period of 0 stands still."""
    return 1.0 / period if period else 0.0
