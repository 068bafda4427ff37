"""One film of a live show: its pictures and sound, each at its time."""

import math
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from livebend.core import clock
from livebend.flow import Frame, Samples
from livebend.outputs.codecs import fitted
from livebend.outputs.fitted_picture import as_shown
from livebend.outputs.movie import open_movie
from livebend.outputs.movie_file import FRAGMENT
from livebend.outputs.wall.settings import Fit

GAP = 0.1  # s: sound further off than this is moved to its time, with silence or by cutting
LOOK = 1.0  # s between looks at how much room the disk has
LOW = 600.0  # s of room that are worth a warning


class TimedFrame(NamedTuple):
    """A picture, and the moment on the clock of the show at which `presentation` is 0."""

    frame: Frame
    origin: float


class TimedSamples(NamedTuple):
    """Sound [channels, n] or [n] that ended at `time` s on the clock of the show."""

    block: Samples
    time: float


Item = TimedFrame | TimedSamples


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of a film from outside: its size and rate, the sound's rate, and its comment.

    The film is written as `path`, with the ending that its kind has, or as NAME-2, NAME-3 … where
    that is in use. Pictures of another size are brought to its own as the window shows them.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    sample_rate: int | None = None
    note: str = ""


class Take:
    """One film. Puts pictures and sound of a show at their times. The encoder's thread owns it.

    The first picture sets when the film begins on the clock of the show; up to then the last few
    seconds of sound are held. A picture is shown in pieces of a fragment at most, and without gaps,
    because a container that writes fragments joins what lies apart.
    """

    def __init__(
        self, film: Film, codec: str, warn: Callable[[str], None], fits: Callable[[], Fit]
    ) -> None:
        self.codec = codec
        self.movie = open_movie(
            fitted(film.path, codec), film.size, film.fps, film.sample_rate,
            codec=codec, live=True, note=film.note,
        )  # fmt: skip
        self._size, self._fits = film.size, fits
        self.seconds = 0.0  # up to the end of the last picture
        self._fps, self._rate, self._warn = film.fps, film.sample_rate, warn
        self._before: deque[TimedSamples] = deque(maxlen=1024)
        self._begin: float | None = None  # s on the clock of the show
        self._last: Frame | None = None
        self._heard = 0
        self._looked, self._left = -LOOK, 0.0

    def add(self, item: Item) -> None:
        """Add a picture or sound. Raises: Refused."""
        if isinstance(item, TimedFrame):
            self._picture(*item)
        elif self._begin is None or self._rate is None:
            self._before.append(item)
        else:
            self._sound(*item, self._begin, self._rate)

    def finish(self) -> bool:
        """Finish the film, and return whether there is one: without a picture there is not."""
        if self._last is None:
            self.movie.abort()
        else:
            if self._rate is not None:  # the network may hang to the end
                self._bridge(self._last, self._heard / self._rate)
            self.movie.finish()
        return self._last is not None

    def finish_early(self) -> bool:
        """Finish the film without its encoder, which gave up; return whether there is one."""
        if self._last is None:
            self.movie.abort()
        else:
            self.movie.finish()
        return self._last is not None

    def rescue(self) -> bool:
        """Keep what there is after a fault, and return whether there is anything."""
        if self._last is None or not self.movie.end:
            self.movie.abort()
            return False
        self.movie.rescue()
        return True

    def state(self) -> str:
        """How long the film is, and how long there is room for more, as it was found lately."""
        if self.seconds and clock.now() - self._looked >= LOOK:
            self._looked = clock.now()
            before, self._left = self._left, self._room()
            if self._left < LOW <= before or (not before and self._left < LOW):
                self._warn(f"recording: room for {spoken(self._left)} more")
        return f"{spoken(self.seconds)}, room for {spoken(self._left)}"

    def _room(self) -> float:
        """How many seconds more the disk has room for, if they take as much as those before."""
        free = shutil.disk_usage(self.movie.path.parent).free
        return free * self.seconds / max(self.movie.end, 1)

    def _picture(self, frame: Frame, origin: float) -> None:
        if self._begin is None:
            self._begin = origin + frame.presentation
            for held in self._before:
                self.add(held)
            self._before.clear()
        if self._last is not None:
            if frame.presentation <= self._last.presentation:
                return
            self._bridge(self._last, origin + frame.presentation - self._begin)
        start = max(origin + frame.presentation - self._begin, self.seconds)
        end = frame.time - self._begin
        self._show(frame, start, end if end > start else start + 1.0 / self._fps)
        self._last = frame

    def _bridge(self, last: Frame, until: float) -> None:
        """Show the last picture up to the next, where one was dropped or the network hung and the
        sound has gone on without it."""
        ahead = (self._heard / self._rate if self._rate else 0.0) - self.seconds
        if until - self.seconds > 0 and max(until - self.seconds, ahead) > FRAGMENT / 2:
            self._show(last, self.seconds, until)

    def _show(self, frame: Frame, start: float, end: float) -> None:
        """Show a picture from `start` to `end`, in s of the film, in equal pieces."""
        count = max(1, math.ceil((end - start) / FRAGMENT))
        piece = (end - start) / count
        pixels = as_shown(frame.pixels, self._size, 1.0, self._fits())
        for index in range(count):
            self.movie.picture(pixels, start + index * piece, piece)
        self.seconds = end

    def _sound(self, block: Samples, time: float, begin: float, rate: int) -> None:
        count = block.shape[-1]
        missing = round((time - begin) * rate) - count - self._heard
        if self._heard == 0 or abs(missing) > GAP * rate:
            block = _padded(block, missing)
        self.movie.sound(block)
        self._heard += block.shape[-1]


def spoken(seconds: float) -> str:
    """Return a time as a performer reads it.

    >>> spoken(75.2), spoken(7260.0)
    ('1:15', '2:01:00')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _padded(block: Samples, missing: int) -> Samples:
    """Return the block with `missing` samples of silence before it, or with −`missing` cut off."""
    if missing < 0:
        return block[..., -missing:]
    return np.concatenate([np.zeros((*block.shape[:-1], missing), np.float32), block], axis=-1)
