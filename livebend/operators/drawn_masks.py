"""Drawn masks: PNG files in folders called masks, found by name.

A name is looked up in the list of files and never becomes a path. The last few masks used are kept
decoded.
"""

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
        return sorted(self._files())

    def get(self, name: str) -> Tensor:
        """Return a mask [1, 1, H, W], float32, 0..1: luminance × opacity.

        Raises: UnknownName, Refused for a file that cannot be read.
        """
        if name not in self._kept:
            files = self._files()
            if name not in files:
                raise UnknownName("drawn mask", name, files)
            self._kept[name] = _decoded(files[name])
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]

    def _files(self) -> dict[str, Path]:
        found = (file for folder in self._folders for file in sorted(folder.glob("*.png")))
        return {file.stem: file for file in found if NAME.fullmatch(file.stem)}


def _check_size(file: Path) -> None:
    """Refuse a picture that is too large by its header, before any of it is decoded."""
    with file.open("rb") as opened:
        head = opened.read(24)
    if len(head) < 24 or not head.startswith(b"\x89PNG"):
        raise Refused(f"{short(file)}: cannot be read as a PNG: it is none")
    width, height = struct.unpack(">II", head[16:])
    if max(width, height) > limits.SIDE:
        raise Refused(f"{short(file)}: {width}x{height}: expected up to {limits.SIDE} a side")


def _decoded(file: Path) -> Tensor:
    import pygame  # noqa: PLC0415 - slow, and seldom needed

    try:
        _check_size(file)
        surface = pygame.image.load(file, "x.png")
        size = surface.get_size()
        rgba = np.frombuffer(pygame.image.tobytes(surface, "RGBA"), np.uint8)
    except (pygame.error, OSError) as why:
        raise Refused(f"{short(file)}: cannot be read as a PNG: {why}") from why
    red, green, blue, opacity = rgba.reshape(size[1], size[0], 4).astype(np.float32).T / 255.0
    light = (0.2126 * red + 0.7152 * green + 0.0722 * blue) * opacity
    return torch.from_numpy(np.ascontiguousarray(light.T))[None, None]
