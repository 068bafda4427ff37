"""From what a performer types after --picture to pictures.

the name of a file · camera · camera:NAME · screen · ndi, spout, syphon, each :NAME · echo, which is
the last frame alone
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from livebend.core.errors import PictureError
from livebend.core.notify import Notify
from livebend.core.watchdog import Term
from livebend.flow import PictureSource
from livebend.video.camera import Camera, Device
from livebend.video.devices import find_camera, find_screen
from livebend.video.film import FilmTape, PlayedFilm
from livebend.video.still import SUFFIXES, Still
from livebend.video.streams.kinds import KINDS

ECHO = "echo"
DEVICES: dict[str, Callable[[str], Device]] = {"camera": find_camera, "screen": find_screen}
DEVICES |= {name: kind.find for name, kind in KINDS.items()}


class PlayedPictures(PictureSource, Protocol):
    """Pictures that a thread of their own reads: `name` is the thread's, `work` what it does."""

    name: str

    def work(self, term: Term) -> None: ...


def open_picture(name: str, size: tuple[int, int]) -> PictureSource | None:
    """Return the pictures of a file, for offline; `size` (W, H) is that of frames. None for
    echo.

    Raises: PictureError.
    """
    if name == ECHO:
        return None
    if _device(name) is not None:
        raise PictureError(f"--picture {name}: expected a file: what is rendered has no {name}")
    file = _file(name)
    return Still(file) if _is_still(file) else FilmTape(file, size)


def play_picture(
    name: str, size: tuple[int, int], notify: Notify
) -> PictureSource | PlayedPictures | None:
    """Return the pictures of that name, for live; None for echo. A device that is lost later is
    waited for.

    Raises: PictureError.
    """
    if name == ECHO:
        return None
    if (find := _device(name)) is not None:
        return Camera(find, size, notify)
    file = _file(name)
    return Still(file) if _is_still(file) else PlayedFilm(file, size, notify)


def _device(name: str) -> Callable[[], Device] | None:
    """How to look up the device that a name means; None for a file."""
    kind, _, which = name.partition(":")
    if kind in DEVICES:
        return partial(DEVICES[kind], which)
    return partial(find_camera, name) if Path(name).is_char_device() else None


def _file(name: str) -> Path:
    file = Path(name)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "no such file"
        expected = ", ".join([*DEVICES, ECHO])
        raise PictureError(f"--picture {name}: {what}; expected a file, or one of {expected}")
    return file


def _is_still(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES
