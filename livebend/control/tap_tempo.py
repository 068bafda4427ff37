"""Tap tempo."""

import threading
from collections import deque
from collections.abc import Callable

from livebend.core import clock
from livebend.scene.commands import Set
from livebend.scene.values import Scene

PAUSE = 2.0  # s without a tap, after which the next tap starts a new count
KEPT = 8  # taps that are averaged
MOST_TAPS = 2**32 - 1  # of tempo.taps


class TapTempo:
    """Turns taps into commands. Any thread may tap."""

    def __init__(self, now: Callable[[], float] = clock.now) -> None:
        self._now, self._lock = now, threading.Lock()
        self._taps: deque[float] = deque(maxlen=KEPT)

    def tap(self, scene: Scene) -> list[Set]:
        """Return the commands of a tap at this moment: a beat and, from the second tap on, the
        tempo in bpm, the mean of the last KEPT taps."""
        with self._lock:
            moment = self._now()
            if self._taps and moment - self._taps[-1] > PAUSE:
                self._taps.clear()
            self._taps.append(moment)
            count, span = len(self._taps) - 1, moment - self._taps[0]
        beat = Set("tempo.taps", (scene.tempo.taps + 1) % MOST_TAPS)
        return [Set("tempo.bpm", 60.0 * count / span), beat] if span > 0.0 else [beat]
