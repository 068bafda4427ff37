"""A recording of a live show: it never holds the show up, and counts what it had to drop."""

import queue
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from livebend.core.errors import Refused
from livebend.core.priority import step_back
from livebend.core.worker import Worker
from livebend.flow import Frame, Samples
from livebend.outputs.movie_file import MovieFile

TimedSamples = tuple[Samples, float]
GAP = 0.1  # s: sound further off than this is moved to its time, with silence or by cutting
WAITING = 8  # pictures that may wait for the encoder


class LiveRecording:
    """Write frames as they come, each at its `presentation`, with the sound that was heard.

    The render worker calls `write`, the audio worker `hear`; neither waits: an encoder thread does
    the work. `dropped` counts the pictures and `lost` the blocks of sound that were left out.
    `on_failure` is called, in the encoder's thread, with the fault that stopped a recording.
    Raises: Refused where the file cannot be written.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        fps: float,
        sample_rate: int | None = None,
        *,
        note: str = "",
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.dropped = self.lost = 0
        self._movie = MovieFile(path, size, fps, sample_rate, live=True, note=note)
        self._rate = sample_rate
        self._items: queue.Queue[Frame | TimedSamples | None] = queue.Queue(4096)
        self._room = threading.Semaphore(WAITING)
        self._open = True
        self._ended = threading.Event()
        self._track = _Track(self._movie, fps, sample_rate)
        self._worker = Worker("recording", self._encode, on_failure).start()

    def write(self, frame: Frame) -> None:
        """Queue a frame for the encoder, or drop and count it."""
        if not (self._open and self._worker.alive and self._room.acquire(blocking=False)):
            self.dropped += 1
        elif not self._put(frame):
            self._room.release()
            self.dropped += 1

    def hear(self, block: Samples, time: float) -> None:
        """Queue sound [channels, n] or [n] that ended at `time` s on the clock of the show."""
        if (
            self._rate is None
            or not (self._open and self._worker.alive)
            or not self._put((block, time))
        ):
            self.lost += 1

    def close(self) -> None:
        """Encode what waits and give the file its name.

        Raises: Refused where the recording had stopped; the part file can be played.
        """
        if not self._open:
            return
        self._open = False
        self._end()
        if (failure := self._worker.failure) is not None:
            raise Refused(
                f"{self._movie.path}: recording stopped: {failure}; see {self._movie.partial}"
            ) from failure
        self._track.finish()

    def abort(self) -> None:
        """Stop and remove the file; after `close` it does nothing."""
        if self._open:
            self._open = False
            self._worker.stopping.set()
            self._end()
            self._movie.abort()

    def _put(self, item: Frame | TimedSamples | None) -> bool:
        try:
            self._items.put_nowait(item)
        except queue.Full:
            return False
        return True

    def _end(self) -> None:
        """Queue the end, and wait until the encoder has reached it or failed."""
        while self._worker.alive and not self._put(None):
            self._ended.wait(0.05)
        while self._worker.alive and not self._ended.wait(0.05):
            pass
        self._worker.stop()

    def _encode(self, stop: threading.Event) -> None:
        """Encode what is queued up to the end, or nothing more once `stop` is set."""
        step_back()
        while (item := self._items.get()) is not None and not stop.is_set():
            if isinstance(item, Frame):
                self._room.release()
                self._track.picture(item)
            else:
                self._track.sound(*item)
        self._ended.set()


class _Track:
    """Puts pictures and sound of a show at their times in a movie. The encoder's thread owns it.

    The first picture sets when the recording begins on the clock of the show; up to then the last
    few seconds of sound are held. A picture is written when the next one ends it.
    """

    def __init__(self, movie: MovieFile, fps: float, rate: int | None) -> None:
        self._movie, self._fps, self._rate = movie, fps, rate
        self._before: deque[TimedSamples] = deque(maxlen=1024)
        self._begin: float | None = None  # s on the clock of the show
        self._first = 0.0  # presentation of the first picture
        self._last: Frame | None = None
        self._heard = 0

    def picture(self, frame: Frame) -> None:
        if self._begin is None:
            self._first = frame.presentation
            self._begin = frame.time - 1.0 / self._fps
            for block, time in self._before:
                self.sound(block, time)
            self._before.clear()
        if self._last is not None:
            if frame.presentation <= self._last.presentation:
                return
            self._write(self._last, frame.presentation - self._last.presentation)
        self._last = frame

    def sound(self, block: Samples, time: float) -> None:
        if self._begin is None or self._rate is None:
            self._before.append((block, time))
            return
        count = block.shape[-1]
        missing = round((time - self._begin) * self._rate) - count - self._heard
        if self._heard == 0 or abs(missing) > GAP * self._rate:
            block = _padded(block, missing)
        self._movie.sound(block)
        self._heard += block.shape[-1]

    def finish(self) -> None:
        if self._last is not None:
            self._write(self._last, 1.0 / self._fps)
        self._movie.finish()

    def _write(self, frame: Frame, duration: float) -> None:
        self._movie.picture(frame.pixels, frame.presentation - self._first, duration)


def _padded(block: Samples, missing: int) -> Samples:
    """Return the block with `missing` samples of silence before it, or with −`missing` cut off."""
    if missing < 0:
        return block[..., -missing:]
    return np.concatenate([np.zeros((*block.shape[:-1], missing), np.float32), block], axis=-1)
