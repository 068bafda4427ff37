"""The automatic gain: a level relative to the loud moments of its own last seconds."""

import math
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field

from livebend.scene.values import Agc

LOUD = 0.9  # the quantile that is scaled to 1
BUCKET = 0.1  # s, of which only the loudest value is kept


@dataclass(eq=False)
class AutoGain:
    """The gain of one level, from the loudest value of each BUCKET in which there was sound."""

    _buckets: deque[tuple[int, float]] = field(default_factory=deque)
    _ordered: list[float] = field(default_factory=list)  # the levels of all buckets, rising

    def apply(self, level: float, time: float, sounding: bool, agc: Agc) -> float:
        """Return the level of a frame after its gain, 0..1.

        gain = min(ceiling, 1 / 90 % quantile of the window)

        level: 0..1, before the gain.
        time: s, rising from call to call.
        sounding: False below the gate: the result is 0, and the window stays as it is.
        agc: window, ceiling, and whether there is a gain at all.
        """
        if not sounding:
            return 0.0
        if not agc.on:
            return level
        index = math.floor(time / BUCKET)
        self._remember(index, level)
        while self._buckets[0][0] < index - agc.window / BUCKET:
            self._forget(self._buckets.popleft())
        return min(level * self._gain(agc.ceiling), 1.0)

    def _remember(self, index: int, level: float) -> None:
        if self._buckets and self._buckets[-1][0] == index:
            if level <= self._buckets[-1][1]:
                return
            self._forget(self._buckets.pop())
        self._buckets.append((index, level))
        insort(self._ordered, level)

    def _forget(self, bucket: tuple[int, float]) -> None:
        del self._ordered[bisect_left(self._ordered, bucket[1])]

    def _gain(self, ceiling: float) -> float:
        loud = self._ordered[math.ceil(LOUD * len(self._ordered)) - 1]
        return ceiling if loud * ceiling <= 1.0 else 1.0 / loud
