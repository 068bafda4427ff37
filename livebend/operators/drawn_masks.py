"""Drawn masks: PNG files in folders called masks, found by name.

A name is looked up in the list of files and never becomes a path. The last few masks used are kept
decoded.
"""

import io
import re
import struct
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from livebend.core import limits
from livebend.core.errors import Refused, UnknownName
from livebend.core.files import short

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEPT = 16  # decoded masks; the largest have 64 MB


class DrawnMasks:
    """The masks that a show can use, by name; those of a later folder hide those of an earlier.

    Used by the render thread; files added during a show are found.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    def names(self) -> list[str]:
        """Return the names of all masks."""
        return sorted(self.files())

    def get(self, name: str) -> Tensor:
        """Return a mask [1, 1, H, W], float32, 0..1: luminance × opacity.

        Raises: UnknownName, Refused for a file that cannot be read.
        """
        if name not in self._kept:
            files = self.files()
            if name not in files:
                raise UnknownName("drawn mask", name, files)
            self._kept[name] = _decoded(_read(files[name]), short(files[name]))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]

    def files(self) -> dict[str, Path]:
        """Return the files of all masks, by name."""
        found = (file for folder in self._folders for file in sorted(folder.glob("*.png")))
        return {file.stem: file for file in found if NAME.fullmatch(file.stem)}


def check_mask(data: bytes, where: str) -> None:
    """Refuse what is no drawn mask; `where` is what it is called. Raises: Refused."""
    _decoded(data, where)


def _check_size(head: bytes, where: str) -> None:
    """Refuse a picture that is too large by its header, before any of it is decoded."""
    if len(head) < 24 or not head.startswith(b"\x89PNG"):
        raise Refused(f"{where}: cannot be read as a PNG: it is none")
    width, height = struct.unpack(">II", head[16:24])
    if max(width, height) > limits.SIDE:
        raise Refused(f"{where}: {width}x{height}: expected up to {limits.SIDE} a side")


def _read(file: Path) -> bytes:
    """Raises: Refused for a file that is too large or cannot be read."""
    try:
        with file.open("rb") as opened:
            data = opened.read(limits.MASK_BYTES + 1)
    except OSError as why:
        raise Refused(f"{short(file)}: cannot be read as a PNG: {why}") from why
    if len(data) > limits.MASK_BYTES:
        raise Refused(f"{short(file)}: more than {limits.MASK_BYTES >> 20} MiB: expected less")
    return data


def _decoded(data: bytes, where: str) -> Tensor:
    import pygame  # noqa: PLC0415 - slow, and seldom needed

    _check_size(data[:24], where)
    try:
        surface = pygame.image.load(io.BytesIO(data), "x.png")
    except pygame.error as why:
        raise Refused(f"{where}: cannot be read as a PNG: {why}") from why
    size = surface.get_size()
    rgba = np.frombuffer(pygame.image.tobytes(surface, "RGBA"), np.uint8)
    red, green, blue, opacity = rgba.reshape(size[1], size[0], 4).astype(np.float32).T / 255.0
    light = (0.2126 * red + 0.7152 * green + 0.0722 * blue) * opacity
    return torch.from_numpy(np.ascontiguousarray(light.T))[None, None]
