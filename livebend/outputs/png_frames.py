"""Frames as a folder of PNG pictures."""

from pathlib import Path

import numpy as np
import pygame

from livebend.core.errors import Refused
from livebend.core.files import check_place
from livebend.flow import Frame, Pixels


def surface_of(pixels: Pixels) -> pygame.Surface:
    """Return a surface that shares the memory of pixels uint8 [H, W, 3]."""
    height, width = pixels.shape[:2]
    return pygame.image.frombuffer(np.ascontiguousarray(pixels).data, (width, height), "RGB")


class PngFrames:
    """Write frame_000000.png, frame_000001.png, … into `folder`, which is made if missing.

    first: the number of the first one: frames before it are another's.
    Used by one thread. Raises: Refused where the folder holds frames already, unless it is another
    that writes some of them, or cannot be written.
    """

    def __init__(self, folder: Path | str, first: int | None = None) -> None:
        self.folder = Path(folder)
        self._first, self._shares = first or 0, first is not None
        self.frames = 0
        try:
            self.folder.mkdir(exist_ok=True)
            if not self._shares:
                self._check_empty()
        except OSError as refusal:
            raise Refused(f"{folder}: cannot be written: {refusal.strerror}") from refusal

    @staticmethod
    def check(folder: Path) -> None:
        """Raises: Refused where no frames can be written into a folder; makes nothing."""
        if not folder.is_dir():
            check_place(folder, "--frames")
        elif (old := next(folder.glob("frame_*.png"), None)) is not None:
            raise Refused(f"{folder}: holds frames already ({old.name}); expected none")

    def write(self, frame: Frame) -> None:
        """Write one picture; block until it is written."""
        try:
            pygame.image.save(surface_of(frame.pixels), self._path(self.frames))
        except (pygame.error, OSError) as refusal:
            raise Refused(f"{self.folder}: cannot be written: {refusal}") from refusal
        self.frames += 1

    def close(self) -> None:
        """Do nothing: no file is open."""

    def abort(self) -> None:
        """Remove the pictures written."""
        for index in range(self.frames):
            self._path(index).unlink(missing_ok=True)

    def _check_empty(self) -> None:
        old = next(self.folder.glob("frame_*.png"), None)
        if old is not None:
            raise Refused(f"{self.folder}: holds frames already ({old.name}); expected none")
        probe = self.folder / ".livebend"
        probe.touch()
        probe.unlink()

    def _path(self, index: int) -> Path:
        return self.folder / f"frame_{self._first + index:06d}.png"
