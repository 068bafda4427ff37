"""A recording made as fast as frames come, every one of them, in step with its sound."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from livebend.flow import Frame, Samples
from livebend.outputs.movie_file import MovieFile


class Recording:
    """Write frame i at i/fps seconds, with `sound` = (mono samples or blocks of them, their rate).

    `size` is (width, height). `write` blocks until the frame is encoded. Sound past the end of the
    picture is left out, so that both end within one frame of each other. Used by one thread; as a
    context, an error inside aborts. Raises: Refused where the file cannot be written.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        fps: float,
        sound: tuple[Samples | Iterable[Samples], int] | None = None,
        *,
        note: str = "",
    ) -> None:
        blocks, self._rate = (iter(()), 1) if sound is None else (_blocks(sound[0]), sound[1])
        self.frames = 0
        self._fps = fps
        self._blocks: Iterator[Samples] = blocks
        self._rest: Samples = np.zeros(0, np.float32)
        self._heard = 0
        self._movie = MovieFile(path, size, fps, None if sound is None else self._rate, note=note)
        self._open = True

    def write(self, frame: Frame) -> None:
        """Add the next frame, and the sound up to its end."""
        self._movie.picture(frame.pixels, self.frames / self._fps, 1.0 / self._fps)
        self.frames += 1
        self._sound_until(self.frames / self._fps)

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        self._sound_until((self.frames + 1) / self._fps)
        self._movie.finish()

    def abort(self) -> None:
        """Remove what was written; after `close` it does nothing."""
        if self._open:
            self._open = False
            self._movie.abort()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _sound_until(self, moment: float) -> None:
        """Pass on the sound up to `moment` seconds of the recording."""
        wanted = round(moment * self._rate) - self._heard
        while wanted > 0:
            if not len(self._rest):
                block = next(self._blocks, None)
                if block is None:
                    return
                self._rest = np.asarray(block, np.float32)
            piece, self._rest = self._rest[:wanted], self._rest[wanted:]
            self._movie.sound(piece)
            self._heard += len(piece)
            wanted -= len(piece)


def _blocks(sound: Samples | Iterable[Samples]) -> Iterator[Samples]:
    return iter((sound,)) if isinstance(sound, np.ndarray) else iter(sound)
