"""Text, bars and boxes for the operator's view.

Sizes are in units: one unit is one pixel on a small display and more on a large one.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import pygame

from livebend.flow import Pixels
from livebend.outputs import glyphs

Colour = tuple[int, int, int]
Align = Literal["left", "right", "centre"]

INK: Colour = (232, 236, 244)
DIM: Colour = (138, 147, 166)
FAINT: Colour = (104, 113, 134)
GROUND: Colour = (9, 10, 14)
CARD: Colour = (19, 21, 29)
TRACK: Colour = (40, 44, 57)
TEAL: Colour = (66, 214, 196)
BLUE: Colour = (104, 158, 255)
VIOLET: Colour = (162, 136, 255)
PINK: Colour = (255, 102, 146)
AMBER: Colour = (255, 184, 82)
RED: Colour = (255, 92, 84)
ACCENTS = (TEAL, BLUE, VIOLET, PINK, AMBER)


OTHERS = 0.6875  # size of other fonts: pygame draws its own font smaller than its nominal size
STEPS = 32  # of a colour on its way to another
FINE = 3  # letters are drawn this much larger and scaled down, which spaces them evenly


def surface_of(pixels: Pixels) -> pygame.Surface:
    """Return a surface that shares the memory of pixels uint8 [H, W, 3]."""
    height, width = pixels.shape[:2]
    return pygame.image.frombuffer(np.ascontiguousarray(pixels).data, (width, height), "RGB")


@lru_cache(maxsize=64)
def _font(pixels: int, file: str = glyphs.OWN) -> pygame.Font:
    size = pixels * FINE
    return pygame.Font(file, round(OTHERS * size)) if file else pygame.Font(None, size)


def _wide(text: str, pixels: int) -> int:
    """The width of a line before it is scaled down."""
    return sum(_font(pixels, file).size(part)[0] for file, part in glyphs.runs(text))


def _large(text: str, pixels: int, colour: Colour) -> pygame.Surface:
    """A line before it is scaled down: parts in several fonts, on one baseline."""
    drawn = [
        (_font(pixels, file).render(part, True, colour), _font(pixels, file).get_ascent())
        for file, part in glyphs.runs(text) or [(glyphs.OWN, "")]
    ]
    if len(drawn) == 1:
        return drawn[0][0]
    above = max(ascent for _, ascent in drawn)
    below = max(part.get_height() - ascent for part, ascent in drawn)
    wide = sum(part.get_width() for part, _ in drawn)
    line = pygame.Surface((wide, above + below), pygame.SRCALPHA)
    x = 0
    for part, ascent in drawn:
        line.blit(part, (x, above - ascent))
        x += part.get_width()
    return line


@lru_cache(maxsize=2048)
def _letters(text: str, pixels: int, colour: Colour) -> pygame.Surface:
    large = _large(text, pixels, colour)
    size = (-(-large.get_width() // FINE), -(-large.get_height() // FINE))
    return pygame.transform.smoothscale(large, size)


@lru_cache(maxsize=32)
def _advance(pixels: int) -> int:
    """The width for every digit, so that changing numbers do not move."""
    return -(-_font(pixels).size("0")[0] // FINE)


@lru_cache(maxsize=1024)
def _number(text: str, pixels: int, colour: Colour) -> tuple[pygame.Surface, float]:
    """A number with digits of equal width, and how far its middle is below its top."""
    letters = [_letters(sign, pixels, colour) for sign in text]
    widths = [
        max(_advance(pixels), letter.get_width()) if sign.isdigit() else letter.get_width()
        for sign, letter in zip(text, letters, strict=True)
    ]
    high = max((letter.get_height() for letter in letters), default=0)
    line, x = pygame.Surface((sum(widths), high), pygame.SRCALPHA), 0
    for letter, width in zip(letters, widths, strict=True):
        line.blit(
            letter, (x + (width - letter.get_width()) // 2, (high - letter.get_height()) // 2)
        )
        x += width
    return line, high / 2


@lru_cache(maxsize=512)
def _fitted(text: str, pixels: int, width: int) -> str:
    if _wide(text, pixels) <= width * FINE:
        return text
    while text and _wide(text + "…", pixels) > width * FINE:
        text = text[:-1]
    return text.rstrip() + "…"


@lru_cache(maxsize=64)
def _wrapped(text: str, pixels: int, width: int, lines: int) -> tuple[str, ...]:
    done, words = [""], text.split()
    for place, word in enumerate(words):
        longer = f"{done[-1]} {word}".strip()
        if _wide(longer, pixels) <= width * FINE or not done[-1]:
            done[-1] = longer
        elif len(done) < lines:
            done.append(word)
        else:
            done[-1] = " ".join([done[-1], *words[place:]])
            break
    return tuple(_fitted(line, pixels, width) for line in done)


def forget_letters() -> None:
    """Release the fonts, which must not outlive pygame's font module."""
    for cached in (_letters, _advance, _number, _fitted, _wrapped, _font):
        cached.cache_clear()
    glyphs.forget()


def mixed(low: Colour, high: Colour, t: float) -> Colour:
    """Return the colour at t (0..1) of the way from `low` to `high`, in so few steps that letters
    which fade are seldom drawn anew."""
    return _mixed(low, high, round(min(max(t, 0.0), 1.0) * STEPS))


@lru_cache(maxsize=1024)
def _mixed(low: Colour, high: Colour, step: int) -> Colour:
    red, green, blue = (round(a + (b - a) * step / STEPS) for a, b in zip(low, high, strict=True))
    return red, green, blue


class Canvas:
    """A surface drawn on in units. The main thread owns it."""

    def __init__(self, size: tuple[int, int], unit: float) -> None:
        self.surface = pygame.Surface(size, pygame.SRCALPHA)
        self.unit = unit
        self.width, self.height = size[0] / unit, size[1] / unit

    def clear(self, colour: Colour, alpha: int) -> None:
        """Fill everything; `alpha` 0..255."""
        self.surface.fill((*colour, alpha))

    def put(self, drawn: pygame.Surface, x: float, y: float) -> None:
        """Draw what was drawn before, with its upper left corner at a place."""
        self.surface.blit(drawn, (round(x * self.unit), round(y * self.unit)))

    def text(
        self, x: float, y: float, text: str, size: float, colour: Colour, *, align: Align = "left"
    ) -> float:
        """Draw one line, vertically centred at `y`; return its width in units."""
        letters = _letters(text, self._pixels(size), colour)
        shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * letters.get_width()
        top = y * self.unit - letters.get_height() / 2
        self.surface.blit(letters, (round(x * self.unit - shift), round(top)))
        return letters.get_width() / self.unit

    def number(self, x: float, y: float, text: str, size: float, colour: Colour) -> None:
        """Draw a number that ends at `x`, with digits of equal width."""
        drawn, above = _number(text, self._pixels(size), colour)
        place = (round(x * self.unit) - drawn.get_width(), round(y * self.unit - above))
        self.surface.blit(drawn, place)

    def fitted(self, text: str, size: float, width: float) -> str:
        """Return the text, truncated with … where it is wider than `width` units."""
        return _fitted(text, self._pixels(size), round(width * self.unit))

    def wrapped(self, text: str, size: float, width: float, lines: int) -> tuple[str, ...]:
        """Return the text wrapped into at most `lines` lines; the last is truncated."""
        return _wrapped(text, self._pixels(size), round(width * self.unit), lines)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: Colour,
        *,
        alpha: int = 255,
        radius: float = 0.0,
    ) -> None:
        """Fill a rectangle with round corners."""
        unit = self.unit
        left, top = round(x * unit), round(y * unit)
        size = (max(0, round((x + width) * unit) - left), max(0, round((y + height) * unit) - top))
        rect, corner = pygame.Rect((left, top), size), round(radius * unit)
        if corner < 2:  # nobody sees it, and it takes longer than everything else
            self.surface.fill((*colour, alpha), rect)
        else:
            pygame.draw.rect(self.surface, (*colour, alpha), rect, border_radius=corner)

    def bar(
        self, x: float, y: float, width: float, value: float, colour: Colour, *, height: float = 6
    ) -> None:
        """Draw a bar, vertically centred at `y`, filled to `value` 0..1."""
        value = min(max(value, 0.0), 1.0)
        self.box(x, y - height / 2, width, height, TRACK, radius=height / 2)
        if value * width * self.unit >= 1.0:
            filled = max(value * width, min(height, width))
            self.box(x, y - height / 2, filled, height, colour, radius=height / 2)

    def frame(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: Colour,
        *,
        radius: float = 0.0,
    ) -> None:
        """Draw the outline of a rectangle with round corners."""
        unit = self.unit
        left, top = round(x * unit), round(y * unit)
        size = (round((x + width) * unit) - left, round((y + height) * unit) - top)
        line, corner = max(1, round(1.2 * unit)), round(radius * unit)
        rect = pygame.Rect((left, top), size)
        pygame.draw.rect(self.surface, (*colour, 255), rect, line, border_radius=corner)

    def fader(
        self,
        x: float,
        y: float,
        width: float,
        position: float,
        colour: Colour,
        zero: float = 0.0,
        *,
        lit: bool = False,
    ) -> None:
        """Draw a fader, vertically centred at `y`, that stands at `position`, filled from `zero`,
        each 0..1; a larger knob where it is `lit`."""
        self.box(x, y - 2, width, 4, TRACK, radius=2)
        low, high = sorted((position, zero))
        if (high - low) * width * self.unit >= 1.0:
            self.box(x + low * width, y - 2, (high - low) * width, 4, mixed(TRACK, colour, 0.6))
        self.lamp(x + position * width, y, 6.5 if lit else 5.0, colour, 1.0)

    def lamp(self, x: float, y: float, radius: float, colour: Colour, light: float) -> None:
        """Draw a round lamp; `light` 0..1 is its brightness."""
        middle = (round(x * self.unit), round(y * self.unit))
        shade = mixed(TRACK, colour, light)
        pygame.draw.aacircle(self.surface, (*shade, 255), middle, max(2, round(radius * self.unit)))

    def _pixels(self, size: float) -> int:
        return max(8, round(size * self.unit))
