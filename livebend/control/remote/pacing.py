"""A share of the processor for the remote's thread, whatever is asked of it.

Python lets one thread run at a time, so what a crowd or broken requests cost the remote, they cost
the picture. Its loop therefore rests once it has worked more than its share; who is connected waits
a little longer, and what comes meanwhile waits where the system keeps it.
"""

import selectors
from collections.abc import Callable
from typing import Any

from livebend.core import clock

SHARE = 0.1  # of one core, over time
BURST = 0.004  # s of work at once that no rest follows: what a page, or a few, ask for
LONGEST = 0.05  # s of a rest


class Allowance:
    """How long a thread may work.

    now: the steady clock, in s.
    worked: how long the thread has worked since it began, in s.
    """

    def __init__(self, now: Callable[[], float], worked: Callable[[], float]) -> None:
        self._now, self._worked = now, worked
        self._left, self._seen = BURST, (now(), worked())

    def rest(self) -> float:
        """Return how long to rest now, in s: 0 for one who is within its share."""
        (before, done), self._seen = self._seen, (self._now(), self._worked())
        passed, work = self._seen[0] - before, self._seen[1] - done
        self._left = min(BURST, self._left + SHARE * passed - work)
        return min(LONGEST, max(0.0, -self._left / SHARE))


class PacedSelector(selectors.DefaultSelector):
    """What a loop waits with: it rests before it looks who wants something."""

    def __init__(self) -> None:
        super().__init__()
        self._allowance = Allowance(clock.now, clock.worked)

    def select(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Rest, then wait as any selector does."""
        rest = self._allowance.rest()
        if rest:
            clock.sleep(rest)
        return super().select(timeout if timeout is None else max(0.0, timeout - rest))
