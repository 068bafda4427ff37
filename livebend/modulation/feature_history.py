"""The recent past of the features, for masks that draw it. Owned by the render thread."""

from collections import deque
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from livebend.flow import TRACE_LENGTH, TRACED, Features

LONGEST = 31.0  # s: the longest span of a mask, and a margin
_levels = attrgetter(*TRACED)


@dataclass(eq=False)
class FeatureHistory:
    """The features of each frame, after the automatic gain, of the last LONGEST seconds."""

    _frames: deque[tuple[float, ...]] = field(default_factory=deque)  # (time, values of TRACED)

    def add(self, time: float, features: Features) -> None:
        """Add the features of the frame at `time`, in s on the clock of the show."""
        self._frames.append((time, *_levels(features)))
        while self._frames[0][0] < time - LONGEST:
            self._frames.popleft()

    def trace(self, name: str, span: float) -> tuple[float, ...]:
        """Return TRACE_LENGTH values 0..1 of a feature over the last `span` s, newest first.

        They are interpolated between frames, and 0 before the first frame.
        """
        if not self._frames:
            return (0.0,) * TRACE_LENGTH
        times, values = np.array(self._frames)[:, [0, 1 + TRACED.index(name)]].T
        moments = times[-1] - np.linspace(0.0, span, TRACE_LENGTH)
        trace = np.interp(moments, times, values, left=0.0)
        return tuple(trace.clip(0.0, 1.0).tolist())
