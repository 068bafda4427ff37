"""What the command line is given, as text, and what it is read as: sizes, numbers, path=value."""

import argparse
from pathlib import Path

from livebend.core import limits
from livebend.core.errors import shown
from livebend.core.texts import NUMBER

PARTS = 16  # of a picture, as `output.parts` has them


def size(text: str) -> tuple[int, int]:
    """Read 256 or 512x320. What no network paints is moved to what it does: see `open_network`."""
    width, x, height = text.partition("x")
    sides = (width, height if x else width)
    if not all(side.isdecimal() and len(side) < 6 for side in sides):
        raise argparse.ArgumentTypeError(f"{shown(text)}: expected 256 or 512x320")
    wide, high = map(int, sides)
    if not (min(wide, high) >= 1 and max(wide, high) <= limits.SIDE):
        raise argparse.ArgumentTypeError(f"{wide}x{high}: expected 1..{limits.SIDE} pixels a side")
    return wide, high


def part(text: str) -> tuple[int, int]:
    """Read 1/3: a part of the picture, and of how many."""
    number, _, of = text.partition("/")
    digits = all(each.isascii() and each.isdecimal() and len(each) < 3 for each in (number, of))
    if not (digits and 1 <= int(number) <= int(of) <= PARTS):
        expected = f"expected 1/3, the first of three parts; at most {PARTS}"
        raise argparse.ArgumentTypeError(f"{shown(text)}: {expected}")
    return int(number), int(of)


def whole(text: str) -> int:
    """Read a whole number."""
    if not (NUMBER.fullmatch(text) and text.lstrip("+-").isdecimal()):
        raise argparse.ArgumentTypeError(f"{shown(text)}: expected a whole number")
    return int(text)


def count(text: str) -> int:
    """Read a whole number from 1 to limits.WORKERS."""
    number = whole(text)
    if not 1 <= number <= limits.WORKERS:
        raise argparse.ArgumentTypeError(f"{number}: expected 1..{limits.WORKERS}")
    return number


def sub_frames(text: str) -> int:
    """Read how many pictures make a frame."""
    number = whole(text)
    if not 1 <= number <= limits.SUB_FRAMES:
        raise argparse.ArgumentTypeError(f"{number}: expected 1..{limits.SUB_FRAMES}")
    return number


def count_or_auto(text: str) -> int | str:
    """Read a number as `count`, or the word auto."""
    return text if text == "auto" else count(text)


def real(text: str) -> float:
    """Read a number."""
    if not NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{shown(text)}: expected a number")
    return float(text)


def pair(text: str) -> tuple[str, object]:
    """Read path=value, where the value may be true, false, a number or text."""
    path, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{shown(text)}: expected path=value")
    if value in ("true", "false"):
        return path, value == "true"
    try:
        return path, float(value)
    except ValueError:
        return path, value


def lora(text: str) -> tuple[Path, float]:
    """Read FILE or FILE=STRENGTH."""
    file, equals, strength = text.rpartition("=")
    if equals and NUMBER.fullmatch(strength):
        return Path(file), float(strength)
    return Path(text), 1.0


def embedding(text: str) -> tuple[Path, str]:
    """Read FILE or FILE=NAME."""
    file, equals, name = text.rpartition("=")
    if not equals or Path(text).is_file():
        return Path(text), ""
    return Path(file), name


def fade(text: str) -> tuple[str, object]:
    return pair(f"preset.fade={text}")
