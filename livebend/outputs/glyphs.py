"""A font for each letter: pygame's own, else one of the system's.

The system's fonts are opened only when a text has a letter that pygame's lacks. Used by the main
thread alone.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, islice

import pygame
import pygame.freetype

OWN = ""  # the font that comes with pygame
FIRST = ("noto", "cjk", "unicode", "fallback", "dejavu", "gothic", "hei", "ming", "emoji")
MOST = 96  # fonts of the system that are searched


def runs(text: str) -> tuple[tuple[str, str], ...]:
    """Return the text as (font's file or OWN, part); a letter that no font has is escaped.

    >>> runs("plain")
    (('', 'plain'),)
    """
    found = [(OWN, _escaped(c)) if (font := font_of(c)) is None else (font, c) for c in text]
    parts = groupby(found, key=lambda pair: pair[0])
    return tuple((font, "".join(part for _, part in pairs)) for font, pairs in parts)


@lru_cache(maxsize=4096)
def font_of(letter: str) -> str | None:
    """Return the file of the first font that has the letter, OWN, or None where none has it."""
    return next((font for font in _fonts() if _has(font, letter)), None)


def forget() -> None:
    """Release the fonts."""
    for cached in (font_of, _face, _system):
        cached.cache_clear()
    pygame.freetype.quit()


def _fonts() -> Iterator[str]:
    yield OWN
    yield from _system()


@lru_cache(maxsize=1)
def _system() -> tuple[str, ...]:
    """The files of the system's fonts, those that usually have many letters first."""
    names = sorted(
        pygame.font.get_fonts(),
        key=lambda name: (not any(word in name for word in FIRST), name),
    )
    files = (pygame.font.match_font(name) for name in islice(names, MOST))
    return tuple(dict.fromkeys(file for file in files if file))


def _has(font: str, letter: str) -> bool:
    face = _face(font)
    return face is not None and face.get_metrics(letter)[0] is not None


@lru_cache(maxsize=MOST + 1)
def _face(font: str) -> pygame.freetype.Font | None:
    """The opened font; None where it cannot be read or is not scalable."""
    pygame.freetype.init()
    try:
        face = pygame.freetype.Font(font or None, 24)
    except (OSError, RuntimeError, pygame.error):
        return None
    return face if face.scalable else None


def _escaped(letter: str) -> str:
    return letter.encode("ascii", "backslashreplace").decode()
