"""Pictures that a page sends, as drawn masks: decoded, written anew, and named by us.

Nothing of what was sent reaches the disk: its pixels are, as a PNG of ours. The sender gives no
name.
"""

import io
import threading
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from livebend.core import limits
from livebend.core.errors import Refused
from livebend.core.files import write_file

TOO_MANY = Image.DecompressionBombError, Image.DecompressionBombWarning  # pixels
FORMATS = ("PNG", "JPEG", "WEBP")
LARGEST = 1024  # pixels a side of what is kept
STEM = "remote"


class Uploads:
    """The folder of drawn masks that pages add to. Any thread may call `take`, one at a time.

    folder: it may not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()

    def take(self, data: bytes) -> str:
        """Keep a picture; return the name by which a mask finds it.

        Raises: Refused for what is no picture, is too large, or where there are too many.
        """
        with self._lock:
            picture = decoded(data)
            name = self._free()
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                write_file(self._folder / f"{name}.png", lambda at: picture.save(at, "PNG"))
            except OSError as why:
                raise Refused(f"the picture cannot be kept: {why.strerror}") from why
            return name

    def _free(self) -> str:
        names = (f"{STEM}-{number}" for number in range(1, limits.UPLOADS + 1))
        for name in names:
            if not (self._folder / f"{name}.png").exists():
                return name
        raise Refused(f"{limits.UPLOADS} pictures are kept: remove some of {STEM}-*.png")


def decoded(data: bytes) -> Image.Image:
    """Return a picture that was sent, in RGBA, at most LARGEST pixels a side. Raises: Refused."""
    if len(data) > limits.UPLOAD:
        raise Refused(f"a picture of more than {limits.UPLOAD >> 20} MiB")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if max(opened.size) > limits.SIDE:  # by its header, before any of it is decoded
                width, height = opened.size
                raise Refused(f"{width}x{height}: expected up to {limits.SIDE} a side")
            opened.draft("RGB", (LARGEST, LARGEST))
            picture = opened.convert("RGBA")
    except UnidentifiedImageError as why:
        raise Refused("this is no picture: expected PNG, JPEG or WebP") from why
    except (OSError, ValueError, SyntaxError, *TOO_MANY) as why:
        raise Refused("this picture cannot be read") from why
    picture.thumbnail((LARGEST, LARGEST))
    return picture
