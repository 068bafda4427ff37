"""Wildcards in OSC addresses: * ? [abc] [!a-z] {one,other}, each within a part between slashes.

Matching takes time with the product of the lengths, whatever the pattern: no regular expression is
made of what a stranger sends.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile

from livebend.core import limits
from livebend.core.errors import OutOfRange, shown

WILD = frozenset("*?[{")
MOST = 64  # addresses that the braces of one may stand for

Class = tuple[bool, frozenset[str]]  # whether it is all but these, and the characters
Token = str | Class | None  # a character, a class or ?, or None for a *
ANY: Class = (True, frozenset())


def is_pattern(address: str) -> bool:
    """Whether there are wildcards in an address."""
    return not WILD.isdisjoint(address)


def expanded(address: str) -> list[str]:
    """Return the addresses that the braces of one stand for, in their order.

    Raises: OutOfRange where it is too long, or they are too many.

    >>> expanded("/mask/{x,y}")
    ['/mask/x', '/mask/y']
    """
    if len(address) > limits.PATTERN:
        raise OutOfRange(f"{shown(address)}: expected up to {limits.PATTERN} characters")
    found = [""]
    while address:
        plain, brace, rest = address.partition("{")
        inner, closed, address = rest.partition("}")
        choices = inner.split(",") if closed else [brace + inner]
        found = [f"{one}{plain}{choice}" for one in found for choice in choices]
        if len(found) > MOST:
            raise OutOfRange(f"an OSC address with braces for more than {MOST}")
    return found


def matching(pattern: str, addresses: Iterable[str]) -> list[str]:
    """Return the addresses that a pattern without braces matches, in their order."""
    parts = [_tokens(part) for part in pattern.split("/")]
    plain = "".join(takewhile(lambda c: c not in WILD, pattern))
    return [a for a in addresses if a.startswith(plain) and _all_match(parts, a.split("/"))]


def _all_match(parts: list[tuple[Token, ...]], texts: list[str]) -> bool:
    return len(parts) == len(texts) and all(map(_matches, parts, texts))


def _matches(tokens: tuple[Token, ...], text: str) -> bool:
    """Whether a part matches: on a mismatch, the last * takes one character more."""
    at = place = 0
    star, taken = -1, 0
    while place < len(text):
        if at < len(tokens) and tokens[at] is None:
            star, taken = at, place
            at += 1
        elif at < len(tokens) and _fits(tokens[at], text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            taken += 1
            at, place = star + 1, taken
        else:
            return False
    return all(token is None for token in tokens[at:])


def _fits(token: Token, character: str) -> bool:
    if isinstance(token, str) or token is None:
        return token == character
    inverted, characters = token
    return (character in characters) != inverted


@lru_cache(maxsize=256)
def _tokens(part: str) -> tuple[Token, ...]:
    tokens: list[Token] = []
    place = 0
    while place < len(part):
        character = part[place]
        end = part.find("]", place + 2) if character == "[" else -1
        if end > 0:
            tokens.append(_class(part[place + 1 : end]))
            place = end
        elif character == "*":
            if not tokens or tokens[-1] is not None:
                tokens.append(None)
        else:
            tokens.append(ANY if character == "?" else character)
        place += 1
    return tuple(tokens)


def _class(text: str) -> Class:
    inverted = text.startswith("!")
    text = text.removeprefix("!")
    characters = set(text)
    for low, dash, high in zip(text, text[1:], text[2:], strict=False):
        if dash == "-" and ord(high) - ord(low) < limits.PATTERN:
            characters |= {chr(code) for code in range(ord(low), ord(high) + 1)}
    return inverted, frozenset(characters)
