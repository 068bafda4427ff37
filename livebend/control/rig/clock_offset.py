"""The clock of another machine, by round trips.

offset = t_there − (t_sent + t_back)/2 is off by at most half of the round trip's time. The median
of the quicker half of the last WINDOW trips is taken, so that neither a late answer nor one odd one
moves it. Source: NTP, RFC 5905, section 10 (the clock filter), with a median for its minimum.
"""

import statistics
from collections import deque
from typing import NamedTuple

WINDOW = 16  # round trips
SPAN = 240  # estimates that the drift is of


class Trip(NamedTuple):
    """A question and its answer, in s: the time there less the middle of both here, and how long it
    took."""

    offset: float
    seconds: float


class ClockOffset:
    """How far the other clock is ahead of this one. Used by one thread; any may read."""

    def __init__(self) -> None:
        self._trips: deque[Trip] = deque(maxlen=WINDOW)
        self._estimates: deque[tuple[float, float]] = deque(maxlen=SPAN)
        self.seconds: float | None = None  # to add to the time here; None = not known yet
        self.drift = 0.0  # s that it gains in a second

    def add(self, sent: float, there: float, back: float) -> None:
        """Take a round trip: sent and back by this clock, answered at `there` by the other."""
        self._trips.append(Trip(there - (sent + back) / 2.0, max(back - sent, 0.0)))
        quick = sorted(self._trips, key=lambda trip: trip.seconds)[: len(self._trips) // 2 + 1]
        self.seconds = statistics.median(trip.offset for trip in quick)
        if len(self._trips) == WINDOW:
            self._estimates.append((back, self.seconds))
        if len(self._estimates) > 1:
            (first, before), (last, now) = self._estimates[0], self._estimates[-1]
            self.drift = (now - before) / (last - first) if last > first else 0.0

    @property
    def trip(self) -> float:
        """How long the quickest of the last round trips took, in s."""
        return min((trip.seconds for trip in tuple(self._trips)), default=0.0)
