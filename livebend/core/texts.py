"""Text from outside on one line: what people paste and type, and what no text may have in it."""

import re
import unicodedata

from livebend.core import limits
from livebend.core.errors import OutOfRange, shown

NUMBER = re.compile(
    rf"[+-]?([0-9]{{1,{limits.DIGITS}}}\.?[0-9]{{0,{limits.DIGITS}}}|\.[0-9]{{1,{limits.DIGITS}}})"
    r"([eE][+-]?[0-9]{1,3})?"
)
REFUSED = ("Cc", "Cs")  # controls, and halves of a character that no file could be written with


def one_line_text(text: str) -> str:
    """Return a text with line breaks, tabs and no-break spaces as single blanks.

    >>> one_line_text("ocean\\u00a0waves\\n")
    'ocean waves'
    """
    return text if text.isprintable() else " ".join(text.split())


def name_like(text: str, otherwise: str) -> str:
    """Return a name for a path that is like a text, such as a file's; `otherwise` where nothing is
    left of it.

    >>> name_like("Film Grain (v2)", "lora")
    'film-grain-v2'
    """
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")[: limits.NAME] or otherwise


def plain_text(text: str, where: str, longest: int = limits.TEXT) -> str:
    """Return a text on one line: line breaks, tabs and no-break spaces become single blanks.

    Every script, emoji and what joins them stay as they are.
    Raises: OutOfRange for a text that is too long or has control characters in it.
    """
    if len(text) > longest:
        raise OutOfRange(f"{where}: {len(text)} characters: expected up to {longest}")
    text = one_line_text(text)
    if text.isprintable():
        return text
    bad = next((c for c in text if unicodedata.category(c) in REFUSED), None)
    if bad is not None:
        raise OutOfRange(f"{where} = {shown(text)}: U+{ord(bad):04X} in it: expected plain text")
    return text
