"""Text over the picture, and for how long it is seen."""

from pathlib import Path

import pygame

from livebend.core import limits
from livebend.core.errors import Refused
from livebend.core.files import short
from livebend.outputs.drawing import INK, Canvas
from livebend.outputs.wall.settings import Over

FADE = 0.6  # s in which a title comes, and goes
LINE = 1.25  # heights of the letters from line to line
SHADE = (0, 0, 0)
SIDE = limits.SIDE  # pixels of a logo's side, at most


class Title:
    """Which title is seen, and how much of it. Owned by one thread."""

    def __init__(self) -> None:
        self.text, self.opacity = "", 0.0
        self._since = 0.0

    def follow(self, over: Over, preset: str, moment: float) -> bool:
        """Go on to a moment, in s on a steady clock; return whether anything has changed.

        preset: the title of the scene that plays.
        """
        wanted = over.title or (preset if over.preset_title else "")
        before = self.text, self.opacity
        if wanted != self.text:
            self.text, self._since = wanted, moment
        age = moment - self._since
        self.opacity = min(max(age / FADE, 0.0), 1.0) if self.text else 0.0
        if over.title_time:
            self.opacity = min(self.opacity, max((over.title_time + FADE - age) / FADE, 0.0))
        return before != (self.text, self.opacity)


def drawn_title(text: str, size: float, width: int) -> pygame.Surface:
    """Return a title, its lines divided by |, as letters `size` pixels high with a shadow on
    nothing; at most `width` pixels wide."""
    lines = [line.strip() for line in text.split("|")]
    high = LINE * size
    canvas = Canvas((width, round(high * len(lines) + size * 0.25)), 1.0)
    off = max(size / 24, 1.0)
    for number, line in enumerate(lines):
        fitted, y = canvas.fitted(line, size, width * 0.96), high * (number + 0.5)
        for x, down in ((-off, 0), (off, off), (0, 2 * off)):
            canvas.text(width / 2 + x, y + down, fitted, size, SHADE, align="centre")
        canvas.text(width / 2, y, fitted, size, INK, align="centre")
    return canvas.surface


def read_logo(file: Path) -> pygame.Surface:
    """Return a logo, with its transparency. Raises: Refused."""
    try:
        image = pygame.image.load(file)
    except (pygame.error, OSError) as why:
        raise Refused(f"--logo {short(file)}: cannot be read as a picture: {why}") from why
    wide, high = image.get_size()
    if max(wide, high) > SIDE or not min(wide, high):
        raise Refused(f"--logo {short(file)}: {wide}x{high}: expected up to {SIDE} pixels a side")
    made = pygame.Surface((wide, high), pygame.SRCALPHA)
    made.blit(image, (0, 0))
    return made
