"""Flashes are dangerous to people with photosensitive epilepsy: no more than three in a second.

A place of the picture flashes where its luminance goes up and down, or down and up, by a tenth of
white and is below .8 of white where it is darker; or where a saturated red comes and goes. More
than three flashes in a second are shown over a quarter of the picture at most: a frame that would
show more goes only a part of the way from the one before.

Source: WCAG 2.2, general flash and red flash thresholds; ITU-R BT.1702-3, annex 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livebend.core.notify import Notify
from livebend.flow import Frame, Output, Pixels

FLASHES, SECOND = 3, 1.0
AREA = 0.25  # of the picture
BRIGHT = 0.8  # of white: where it is darker, no change of luminance counts above this
RED, RED_STEP = 0.8, 20.0 / 320.0  # share of red in a saturated one, a change of R − G − B
SIDE, POINTS = 16, 3  # places along a side of the picture, points along a side of a place
HALVINGS = 5  # how finely the part of the way is found: 1/32
QUIET = 10.0  # s without a limit, after which the next one is said again

BELOW = np.array([10.0 * BRIGHT, np.inf], np.float32).reshape(2, 1, 1)
LUMINANCE = np.array([2.126, 7.152, 0.722], np.float32)  # in tenths of white

Measured = NDArray[np.float32]  # [2, SIDE, SIDE]: luminance, red; 1 is a change that counts
Ways = NDArray[np.int8]  # [2, SIDE, SIDE]: 1 up, -1 down, 0 neither


class StrobeLimit:
    """Gives outputs frames that flash no more than is safe.

    on: whether they are limited; asked at every frame.
    notify: is told when it begins to limit, and when it is switched off.
    """

    def __init__(self, outputs: Sequence[Output], on: Callable[[], bool], notify: Notify) -> None:
        self._outputs, self._on, self._notify = outputs, on, notify
        self._limit = FlashLimit()
        self._last: Pixels | None = None  # as it was shown
        self._is_on = True
        self._limited = -np.inf  # when it has limited last, s

    def write(self, frame: Frame) -> None:
        """Give the outputs a frame, or a part of the way to it."""
        shown = self._limited_to(frame)
        for output in self._outputs:
            output.write(shown)

    def close(self) -> None:
        """Close the outputs."""
        for output in self._outputs:
            output.close()

    def _limited_to(self, frame: Frame) -> Frame:
        was_on, self._is_on = self._is_on, self._on()
        if was_on and not self._is_on:
            self._notify("flashes are not limited any more: they can make people ill")
        pixels, last = frame.pixels, self._last
        same_size = last is not None and last.shape == pixels.shape
        part = self._limit.part(points_of(pixels), frame.time, on=self._is_on and same_size)
        if last is None or part == 1.0:
            self._last = pixels
            return frame
        self._say(frame.time)
        self._last = pixels = between(last, pixels, part)
        return replace(frame, pixels=pixels)

    def _say(self, time: float) -> None:
        if time - self._limited > QUIET:
            self._notify("flashes are limited to three a second: output.strobe_limit")
        self._limited = time


class FlashLimit:
    """How much of the way to each frame is shown, from the points of frames alone.

    A part of the way to a picture has the points of that part, so pictures need not be there:
    `state` and `resumed` carry it over to another process.
    """

    def __init__(self) -> None:
        self._flashes = Flashes()
        self._last: Pixels | None = None  # points of what was shown

    def part(self, points: Pixels, time: float, *, on: bool = True) -> float:
        """Return how much of the way from the last picture to the next one, 0..1, is shown.

        points: of the next picture, see `points_of`.
        time: s, rising from call to call.
        on: whether it is limited; otherwise all of it is shown.
        """
        measured, part = measure(points), 1.0
        if on and self._last is not None and not self._is_safe(measured, time):
            part = self._safe_part(self._last, points, time)
            points = between(self._last, points, part)
            measured = measure(points)
        self._last = points
        self._flashes.follow(measured, time)
        return part

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return all that it goes on from, by name; nothing before the first frame."""
        return {} if self._last is None else {"last": self._last, **self._flashes.state()}

    @classmethod
    def resumed(cls, state: Mapping[str, NDArray[Any]]) -> "FlashLimit":
        """Return one that goes on from a state."""
        made = cls()
        if state:
            made._last = state["last"]
            made._flashes = Flashes.resumed(state)
        return made

    def _safe_part(self, begin: Pixels, end: Pixels, time: float) -> float:
        """The part of the way from the last picture, 0..1, that is safe; to stand still always
        is."""
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            safe = self._is_safe(measure(between(begin, end, middle)), time)
            low, high = (middle, high) if safe else (low, middle)
        return low

    def _is_safe(self, measured: Measured, time: float) -> bool:
        return self._flashes.over(measured, time) <= AREA


class Flashes:
    """When every place has turned from rising to falling or back, in luminance and in red."""

    def __init__(self) -> None:
        shape = (2, SIDE, SIDE)
        self._end: Measured | None = None  # the farthest on the way that a place goes
        self._way = np.zeros(shape, np.int8)  # 0 = none yet
        self._turns = np.full((2 * FLASHES + 1, *shape), -np.inf)  # s, the newest first

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return all that it goes on from after its first frame, by name."""
        assert self._end is not None
        return {"end": self._end, "way": self._way, "turns": self._turns}

    @classmethod
    def resumed(cls, state: Mapping[str, NDArray[Any]]) -> "Flashes":
        """Return one that goes on from a state."""
        made = cls()
        made._end, made._way, made._turns = state["end"], state["way"], state["turns"].copy()
        return made

    def over(self, measured: Measured, time: float) -> float:
        """Return how much of the picture, 0..1, has flashed too often if this is shown, in
        luminance or in red."""
        since = np.where(self._turned(measured), self._turns[-2], self._turns[-1])
        return float(np.count_nonzero(since > time - SECOND, axis=(1, 2)).max()) / SIDE**2

    def follow(self, measured: Measured, time: float) -> None:
        """Take what is shown."""
        if self._end is None:
            self._end = measured
            return
        turned = self._turned(measured)
        at = turned != 0
        if at.any():
            self._turns[1:, at] = self._turns[:-1, at]
            self._turns[0, at] = time
            self._way = np.where(at, turned, self._way)
        farther = np.where(self._way > 0, measured > self._end, measured < self._end)
        self._end = np.where(at | (farther & (self._way != 0)), measured, self._end)

    def _turned(self, measured: Measured) -> Ways:
        """The new way of every place that turns. Where there is none yet, the first value counts
        as its end."""
        end = measured if self._end is None else self._end
        change = measured - end
        up = (change >= 1.0) & (end < BELOW) & (self._way <= 0)
        down = (change <= -1.0) & (measured < BELOW) & (self._way >= 0)
        return up.view(np.int8) - down.view(np.int8)


def measure(points: Pixels) -> Measured:
    """Return the relative luminance of every place, in tenths of white, and its R − G − B in
    RED_STEPs where red is saturated, else 0."""
    light = _light().take(points).mean(0)  # [SIDE, SIDE, 3], linear
    made = np.zeros((2, SIDE, SIDE), np.float32)
    np.matmul(light, LUMINANCE, out=made[0])
    red = light[:, :, 0]
    others = light[:, :, 1] + light[:, :, 2]
    np.divide(red - others, RED_STEP, out=made[1], where=red * (1.0 - RED) >= others * RED)
    return made


@cache
def _light() -> NDArray[np.float32]:
    """The light of each of the 256 levels, 0..1. Source: IEC 61966-2-1, sRGB."""
    v = np.arange(256) / 255.0
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


def points_of(pixels: Pixels) -> Pixels:
    """Return the points of a picture that are looked at, evenly spread over every place
    [POINTS², SIDE, SIDE, 3]."""
    height, width, _ = pixels.shape
    return pixels.reshape(-1, 3).take(_spread(height, width), axis=0)


@cache
def _spread(height: int, width: int) -> NDArray[np.intp]:
    """Where the points lie in a picture that is read row by row, [POINTS², SIDE, SIDE]."""
    middles = (np.arange(POINTS * SIDE) + 0.5) / (POINTS * SIDE)
    rows, columns = ((middles * side).astype(np.intp) for side in (height, width))
    at = rows[:, None] * width + columns
    parts = at.reshape(SIDE, POINTS, SIDE, POINTS).transpose(1, 3, 0, 2)
    return np.ascontiguousarray(parts.reshape(POINTS**2, SIDE, SIDE))


def between(last: Pixels, new: Pixels, part: float) -> Pixels:
    """Return the picture a part of the way, 0..1, from the last to the new one; read-only."""
    way = new.astype(np.float32)
    way -= last
    way *= np.float32(part)
    way += last
    made = np.rint(way, out=way).astype(np.uint8)
    made.setflags(write=False)
    return made
