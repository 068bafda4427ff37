"""A recording of any kind: what all of them can do, and how one is begun."""

from pathlib import Path
from typing import Protocol

from livebend.core.errors import OutOfRange
from livebend.flow import Pixels, Samples
from livebend.outputs.codecs import DEFAULT, check_movie, codec_of, format_of
from livebend.outputs.encoders import TRIED, check_encoder
from livebend.outputs.movie_file import MovieFile
from livebend.outputs.png_pictures import PngPictures


class Movie(Protocol):
    """Pictures and sound being written. One thread calls it, any other `sync`. Raises: Refused."""

    path: Path  # which it has, or will have

    @property
    def place(self) -> Path:
        """Where it is while it is written."""

    @property
    def end(self) -> int:
        """How many bytes are written."""

    def picture(self, pixels: Pixels, start: float, duration: float) -> None:
        """Add a picture uint8 [H, W, 3] that shows from `start` seconds for `duration` seconds."""

    def sound(self, samples: Samples) -> None:
        """Add samples float32 [channels, n] or [n] after those added before."""

    def sync(self) -> None:
        """Have the disk hold what is written; may wait for long."""

    def finish(self) -> None:
        """Write what is held back, and give it its name."""

    def rescue(self) -> None:
        """After a fault: add nothing more, and keep what there is."""

    def abort(self) -> None:
        """Remove it."""


def open_movie(
    path: Path | str,
    size: tuple[int, int],
    fps: float,
    sample_rate: int | None = None,
    *,
    codec: str = DEFAULT,
    live: bool = False,
    note: str = "",
    threads: int | None = None,
    first: int = 0,
) -> Movie:
    """Begin a recording of a kind of CODECS: see `MovieFile` and, for `first`, `PngPictures`.

    Raises: Refused.
    """
    path = Path(path)
    if format_of(path, codec):
        return MovieFile(
            path, size, fps, sample_rate, codec=codec, live=live, note=note, threads=threads
        )
    return PngPictures(path, size, fps, sample_rate, codec, live=live, first=first, threads=threads)


def check_recording(
    path: Path | None, option: str, codec: str, size: tuple[int, int] | None
) -> None:
    """Refuse, before a show, a film that cannot be written or encoded here.

    path: None = it has no name yet.
    option: that names it.
    size: (width, height) in pixels that is asked for; None = the picture's own.
    Raises: UnknownName, OutOfRange, Refused, NoEncoder.
    """
    codec_of(codec)
    if size is not None and (size[0] % 2 or size[1] % 2):
        raise OutOfRange(f"--record-size {size[0]}x{size[1]}: expected even sides")
    if path is not None:
        check_movie(path, option, codec)
    if path is not None or codec != DEFAULT:
        check_encoder(codec, size or TRIED)
