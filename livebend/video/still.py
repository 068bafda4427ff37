"""One picture from a file."""

from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image, ImageOps

from livebend.core import limits
from livebend.core.errors import PictureError, one_line
from livebend.core.files import short
from livebend.flow import InputFrame

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


class Still:
    """The same picture at every time, turned as its camera was held. What is transparent in it is
    what its file has there."""

    def __init__(self, file: Path) -> None:
        """Raises: PictureError where it cannot be read, or is larger than a side may be."""
        try:
            with Image.open(file) as opened:
                if max(opened.size) > limits.SIDE:
                    wide, high = opened.size
                    raise PictureError(
                        f"{short(file)}: {wide}x{high}: expected up to {limits.SIDE} a side"
                    )
                upright = ImageOps.exif_transpose(opened).convert("RGB")
        except PictureError:
            raise
        except Exception as why:  # noqa: BLE001 - every format has faults of its own
            _refuse(file, why)
        pixels = np.array(upright)
        pixels.setflags(write=False)
        self._frame = InputFrame(pixels, 0)

    def at(self, time: float) -> InputFrame:  # noqa: ARG002 - what a PictureSource takes
        """Return the picture."""
        return self._frame

    def close(self) -> None:
        """Do nothing: no file is open."""


def _refuse(file: Path, why: Exception) -> NoReturn:
    said = getattr(why, "strerror", None) or one_line(why)
    raise PictureError(f"{short(file)}: cannot be read as a picture: {said}") from why
