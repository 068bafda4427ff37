"""The recent past of the sound, for masks that show it. Owned by the render thread."""

from collections import deque
from operator import attrgetter

import numpy as np

from livebend.flow import TRACE_LENGTH, TRACED, Features

LONGEST = 31.0  # s: the longest span that a mask may ask for, and a little
_levels = attrgetter(*TRACED)


class FeatureHistory:
    """What every frame heard, after the automatic gain, back to LONGEST seconds ago."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, ...]] = deque()

    def add(self, time: float, features: Features) -> None:
        """Remember the features of the frame at `time`, in seconds on the clock of the show."""
        self._heard.append((time, *_levels(features)))
        while self._heard[0][0] < time - LONGEST:
            self._heard.popleft()

    def trace(self, name: str, span: float) -> tuple[float, ...]:
        """Return TRACE values 0..1 of a feature over the last `span` seconds, newest first.

        Between frames it is interpolated; before the first it was silent.
        """
        if not self._heard:
            return (0.0,) * TRACE_LENGTH
        times, values = np.array(self._heard)[:, [0, 1 + TRACED.index(name)]].T
        moments = times[-1] - np.linspace(0.0, span, TRACE_LENGTH)
        heard = np.interp(moments, times, values, left=0.0)
        return tuple(heard.clip(0.0, 1.0).tolist())
