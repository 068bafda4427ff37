"""Homes of people: each with settings of his own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygame
import pytest


class Homes:
    """Several people on one machine; `at` is where one's settings are."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, patch

    def at(self, who: str) -> Path:
        """Return the folder of somebody's settings, which may not exist yet."""
        return self._folder / who / ".config" / "livebend"

    @contextmanager
    def of(self, who: str) -> Iterator[Path]:
        """Be somebody for a while; yields the folder of his settings."""
        with self._patch.context() as patch:
            patch.setenv("HOME", str(self._folder / who))
            patch.setenv("XDG_CONFIG_HOME", str(self.at(who).parent))
            yield self.at(who)


def write(file: Path, data: str | bytes) -> Path:
    """Write a file, with its folder; return it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def picture(file: Path, side: int = 8, level: int = 255) -> Path:
    """Draw a mask of one grey; return its file."""
    surface = pygame.Surface((side, side))
    surface.fill((level,) * 3)
    file.parent.mkdir(parents=True, exist_ok=True)
    pygame.image.save(surface, file)
    return file
