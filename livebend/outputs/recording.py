"""A recording made as fast as frames come, every one of them, in step with its sound."""

from pathlib import Path

from livebend.audio.sound import Tape
from livebend.flow import Frame
from livebend.outputs.codecs import DEFAULT
from livebend.outputs.fitted_picture import as_shown
from livebend.outputs.movie import open_movie


class Recording:
    """Write frame i at i/fps seconds, with the sound of a tape, at its own rate and in stereo.

    `size` is (width, height), `codec` one of CODECS. `write` blocks until the frame is encoded.
    Sound past the end of the picture is left out, so that both end within one frame of each other.
    `threads` are the encoder's, see `Encoder`; `first` is of pictures, see `PngPictures`. Used by
    one thread.
    Raises: Refused where the file cannot be written.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        fps: float,
        sound: Tape | None = None,
        *,
        codec: str = DEFAULT,
        note: str = "",
        threads: int | None = None,
        first: int = 0,
    ) -> None:
        self.frames = 0
        self._size, self._fps, self._sound, self._heard = size, fps, sound, 0
        rate = sound.sample_rate if sound else None
        self._movie = open_movie(
            path, size, fps, rate, codec=codec, note=note, threads=threads, first=first
        )
        self._open = True

    def write(self, frame: Frame) -> None:
        """Add the next frame, and the sound up to its end."""
        pixels = as_shown(frame.pixels, self._size, 1.0, "fit")
        self._movie.picture(pixels, self.frames / self._fps, 1.0 / self._fps)
        self.frames += 1
        self._write_sound(self.frames / self._fps)

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing."""
        if self._open:
            self._open = False
            self._write_sound((self.frames + 1) / self._fps)
            self._movie.finish()

    def abort(self) -> None:
        """Remove the file; after `close` it does nothing."""
        if self._open:
            self._open = False
            self._movie.abort()

    def _write_sound(self, until: float) -> None:
        """Add the sound up to `until` seconds of the recording."""
        if self._sound is not None:
            end = round(until * self._sound.sample_rate)
            self._movie.sound(self._sound.read(end - self._heard))
            self._heard = end
