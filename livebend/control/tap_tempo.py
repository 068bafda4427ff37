"""Taps of a hand, and the tempo that they give."""

import threading
from collections import deque
from collections.abc import Callable

from livebend.core import clock
from livebend.scene.commands import Set
from livebend.scene.values import Scene

PAUSE = 2.0  # s without a tap, after which the next one begins anew
KEPT = 8  # taps that are averaged
MOST = 2**32 - 1


class TapTempo:
    """Turns taps into commands. Any thread may tap."""

    def __init__(self, now: Callable[[], float] = clock.now) -> None:
        self._now, self._lock = now, threading.Lock()
        self._taps: deque[float] = deque(maxlen=KEPT)

    def tap(self, scene: Scene) -> list[Set]:
        """Return what a tap now asks for: a beat here and, from the second on, the tempo in beats a
        minute, the mean of the last KEPT taps."""
        with self._lock:
            moment = self._now()
            if self._taps and moment - self._taps[-1] > PAUSE:
                self._taps.clear()
            self._taps.append(moment)
            count, span = len(self._taps) - 1, moment - self._taps[0]
        asked = [Set("tempo.taps", (scene.tempo.taps + 1) % MOST)]
        if span > 0.0:
            asked.insert(0, Set("tempo.bpm", 60.0 * count / span))
        return asked
