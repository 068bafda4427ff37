"""The automatic gain: a level measured against the loud moments of its own last seconds."""

import math
from bisect import bisect_left, insort
from collections import deque

from livebend.scene.values import Agc

LOUD = 0.9  # the quantile that is brought to 1
BUCKET = 0.1  # s, over which the loudest value is kept


class AutoGain:
    """One level's memory: the loudest value of every tenth of a second in which there was sound."""

    def __init__(self) -> None:
        self._buckets: deque[tuple[int, float]] = deque()
        self._ordered: list[float] = []  # their levels

    def step(self, level: float, time: float, sounding: bool, agc: Agc) -> float:
        """Return the level after its gain, 0..1; 0 where it is not `sounding`.

        gain = min(ceiling, 1 / 90 % quantile of the window); silence is not remembered.
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
