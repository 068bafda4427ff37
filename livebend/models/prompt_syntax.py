r"""How people write prompts: how much a part of one counts, in brackets.

    (word) × 1.1    ((word)) × 1.21    (word:1.3) × 1.3    [word] ÷ 1.1    \( \) \[ \] as they are

Weights inside one another multiply. A bracket without its other half is part of the text.
"""

import re
from typing import NamedTuple

STEP = 1.1  # of a bracket without a number
MOST = 10.0  # of a weight, above and below 0
TOKEN = re.compile(r"\\[()\[\]\\]|[()\[\]]|[^\\()\[\]]+|\\")
WEIGHT = re.compile(r"(?P<text>.*):\s*(?P<weight>[+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*", re.DOTALL)
CLOSED_BY = {"(": ")", "[": "]"}


class Piece(NamedTuple):
    """A part of a prompt, and how much it counts."""

    text: str
    weight: float = 1.0


def pieces_of(text: str) -> tuple[Piece, ...]:
    """Return the parts of a prompt, neighbours of one weight as one; none of an empty prompt.

    >>> pieces_of("a (red:1.5) orb \\(b\\)")
    (Piece('a ', 1.0), Piece('red', 1.5), Piece(' orb (b)', 1.0))
    """
    tokens = TOKEN.findall(text)
    factors, closing = _brackets(tokens)
    weights, made = [1.0], list[Piece]()
    for place, token in enumerate(tokens):
        if place in factors:
            weights.append(_bounded(weights[-1] * factors[place]))
        elif place in closing:
            weights.pop()
        else:
            plain = token[1:] if len(token) == 2 and token[0] == "\\" else token
            if made and made[-1].weight == weights[-1]:
                plain = made.pop().text + plain
            made.append(Piece(plain, weights[-1]))
    return tuple(piece for piece in made if piece.text)


def _brackets(tokens: list[str]) -> tuple[dict[int, float], set[int]]:
    """Return the places of opening brackets that are closed, with their factor, and of those that
    close them; a number before one is taken out of the text."""
    factors: dict[int, float] = {}
    closing: set[int] = set()
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for place, token in enumerate(tokens):
        if token in opened:
            opened[token].append(place)
        for kind, end in CLOSED_BY.items():
            if token == end and opened[kind]:
                begin = opened[kind].pop()
                _forget_after(begin, opened)
                factors[begin] = _factor(tokens, place)
                closing.add(place)
    return factors, closing


def _forget_after(begin: int, opened: dict[str, list[int]]) -> None:
    """Forget the other brackets that were opened inside one and not closed there."""
    for places in opened.values():
        while places and places[-1] > begin:
            places.pop()


def _factor(tokens: list[str], place: int) -> float:
    """The factor of the bracket that is closed at a place."""
    if tokens[place] == "]":
        return 1.0 / STEP
    written = WEIGHT.fullmatch(tokens[place - 1])
    if written is None:
        return STEP
    tokens[place - 1] = written["text"]
    return _bounded(float(written["weight"]))


def _bounded(weight: float) -> float:
    return min(max(weight, -MOST), MOST)
