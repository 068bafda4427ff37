"""Channels as a bend names them: all, 0-3, 0,2 or random:0.25:7 (a fraction, a seed).

Clusters of channels are turned into such a list before: see `bending.clusters`.
"""

from functools import lru_cache

import numpy as np

from livebend.core import limits
from livebend.core.errors import OutOfRange, shown

CLUSTER = "cluster:"


@lru_cache(maxsize=256)
def read_channels(text: str, count: int) -> tuple[int, ...] | None:
    """Return the channels that a text selects of `count`; None means all.

    Raises: OutOfRange where it is no selection, or selects nothing.

    >>> read_channels("0-2,5", 4), read_channels("all", 4)
    ((0, 1, 2), None)
    """
    if text == "all":
        return None
    chosen = _drawn(text, count) if text.startswith("random:") else _listed(text, count)
    if not chosen:
        raise OutOfRange(f"channels = {shown(text)}: none of the {count} channels of this site")
    return chosen


def check_channels(text: str) -> None:
    """Raises: OutOfRange where the text is no selection of channels, in any network."""
    read_channels(text, limits.CHANNELS)


def _drawn(text: str, count: int) -> tuple[int, ...]:
    try:
        _, fraction, seed = text.split(":")
        size = round(min(max(float(fraction), 0.0), 1.0) * count)
        order = np.random.default_rng(_number(seed)).permutation(count)
    except ValueError:
        raise _no_channels(text) from None
    return tuple(sorted(int(i) for i in order[: max(size, 1)]))


def _listed(text: str, count: int) -> tuple[int, ...]:
    chosen = np.zeros(count, bool)  # so that a span of any length costs no more than the channels
    for item in text.split(","):
        first, dash, last = item.strip().partition("-")
        try:
            begin = _number(first)
            end = _number(last) if dash else begin
        except ValueError:
            raise _no_channels(text) from None
        chosen[begin : end + 1] = True
    return tuple(np.flatnonzero(chosen).tolist())


def _number(text: str) -> int:
    """Raises: ValueError."""
    if not text.isdecimal() or len(text) > limits.DIGITS:
        raise ValueError(text)
    return int(text)


def _no_channels(text: str) -> OutOfRange:
    return OutOfRange(
        f"channels = {shown(text)}: expected all, 0-3, 0,2, random:0.25:7 or cluster:c0"
    )
