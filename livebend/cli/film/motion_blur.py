"""From painted pictures to those of a film: motion blur."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from livebend.core.clock import OfflineClock
from livebend.flow import Frame, Output, Pixels

STEPS = 1 << 14  # of light, when it becomes one of 256 levels again


class Blur:
    """Averages `each` pictures, in light, to one frame: a shutter that is open all the time.

    first: the number of the first frame that comes out; frames are at a film's `fps`.
    """

    def __init__(self, outputs: Sequence[Output], each: int, fps: float, first: int) -> None:
        self._outputs, self._each, self._clock = outputs, each, OfflineClock(fps, 0.0)
        self._index, self._count = first, 0
        self._sum: NDArray[np.float32] | None = None

    def write(self, frame: Frame) -> None:
        """Take a picture; after the last one of a frame, give that."""
        pixels = frame.pixels
        if self._each > 1:
            light = _light().take(pixels)
            self._sum = light if self._sum is None else np.add(self._sum, light, out=light)
            self._count += 1
            if self._count < self._each:
                return
            pixels = levels_of(self._sum / np.float32(self._each))
            self._sum, self._count = None, 0
        tick = self._clock.tick(self._index)
        self._index += 1
        made = Frame(pixels, tick.index, tick.time, frame.sound_time, tick.presentation)
        for output in self._outputs:
            output.write(made)

    def close(self) -> None:
        """Nothing to close."""


def levels_of(light: NDArray[np.float32]) -> Pixels:
    """Return light 0..1 as levels 0..255. Source: IEC 61966-2-1, sRGB."""
    return _levels().take((light * np.float32(STEPS) + np.float32(0.5)).astype(np.intp))


@cache
def _light() -> NDArray[np.float32]:
    v = np.arange(256) / 255.0
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _levels() -> Pixels:
    x = np.arange(STEPS + 1) / STEPS
    v = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.rint(255.0 * v).astype(np.uint8)
