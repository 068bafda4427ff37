"""Clocks: the only place that asks the system for the time.

A `Time` gives the time of the show, and waits; a clock is an iterable of ticks.
"""

import math
import threading
import time as system
from collections.abc import Iterator
from itertools import count
from typing import Protocol

from livebend.flow import Tick

now = system.perf_counter
"""Seconds on the system's steady clock; only differences mean anything."""


worked = system.thread_time
"""Seconds for which the thread that asks has kept a processor busy."""

sleep = system.sleep
"""Wait so many seconds; for a thread that rests. Who waits for a moment uses a `Time`."""

GAP = 2.0  # s without a look at the time: longer than anything that a running show waits for


def calendar() -> float:
    """Seconds since 1970 on the system's calendar clock, which may be set while a show runs; only
    for messages that other machines date."""
    return system.time()


class Time(Protocol):
    """The time of the show, in seconds since it began."""

    def now(self) -> float: ...

    def wait_until(self, moment: float, stop: threading.Event) -> bool:
        """Wait until `moment`; return True, or False as soon as `stop` is set."""


class SystemTime:
    """Real time since this object was made, when it was at `begin` s, but for that in which the
    process stood still: stopped, suspended, or on a machine that was. Any thread may use it.

    A show asks for the time a hundred times a second, so a longer pause than GAP between two looks
    is such a time. The show goes on from where it was: there is nothing to be made up for, so no
    burst of sound, beats or cues, and a film has neither the picture nor the sound of it.
    """

    def __init__(self, begin: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._looked = now()
        self._start = self._looked - begin
        self._missed = 0.0

    def now(self) -> float:
        """Seconds since the show began, without those in which it stood still."""
        with self._lock:
            moment = now()
            if (gap := moment - self._looked) > GAP:
                self._start += gap
                self._missed += gap
            self._looked = moment
            return moment - self._start

    def missed(self) -> float:
        """Return how many seconds the process has stood still since this was asked last."""
        self.now()
        with self._lock:
            missed, self._missed = self._missed, 0.0
            return missed

    def wait_until(self, moment: float, stop: threading.Event) -> bool:
        """Wait until `moment`; return True, or False as soon as `stop` is set."""
        while (left := moment - self.now()) > 0:
            if stop.wait(min(left, GAP / 4)):  # a thread that waits looks at the time, too
                return False
        return not stop.is_set()


class LiveClock:
    """Ticks as fast as frames are made, but at most `fps` a second, for `seconds` or until stopped.

    The first tick comes one period after the start, when there is sound to show. After a
    late frame the next tick follows at once, and lost ticks are not made up for.
    """

    def __init__(
        self, time: Time, stop: threading.Event, fps: float, seconds: float | None = None
    ) -> None:
        self._time, self._stop, self._fps, self._seconds = time, stop, fps, seconds
        self._begin: float | None = None
        self._last, self._index = 0.0, 0

    def going_on(self, stop: threading.Event) -> "LiveClock":
        """Return a clock for another thread that goes on where this one is now."""
        clock = LiveClock(self._time, stop, self._fps, self._seconds)
        clock._begin, clock._last, clock._index = self._begin, self._last, self._index
        return clock

    def __iter__(self) -> Iterator[Tick]:
        anchor, slot = self._time.now(), 1
        if self._begin is None:
            self._begin = self._last = anchor
        while self._time.wait_until(anchor + slot / self._fps, self._stop):
            moment, last = self._time.now(), self._last
            if self._seconds is not None and moment - self._begin > self._seconds + 1e-9:
                return
            tick = Tick(self._index, moment, moment - last, last - self._begin)
            self._index, self._last, slot = self._index + 1, moment, slot + 1
            yield tick
            if self._time.now() > anchor + slot / self._fps:  # late: periods count from now on
                anchor, slot = self._time.now(), 0


class OfflineClock:
    """`round(seconds·fps)` ticks, `fps` a second, as fast as they can be rendered; without end for
    an infinite number of seconds.

    Tick i is at (i+1)/fps, when the sound of its period has been heard, but the frame shows from
    i/fps: in the recording, picture and sound are in step although features never look ahead.
    """

    def __init__(self, fps: float, seconds: float) -> None:
        self.fps, self.seconds = fps, seconds

    def __len__(self) -> int:
        return max(1, round(self.seconds * self.fps))

    def __iter__(self) -> Iterator[Tick]:
        return map(self.tick, count() if math.isinf(self.seconds) else range(len(self)))

    def tick(self, index: int) -> Tick:
        """Return the tick of that index."""
        moment, last = (index + 1) / self.fps, index / self.fps
        return Tick(index, moment, moment - last, last)
