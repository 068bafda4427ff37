"""Channels as a bend names them: all, 0-3, 0,2 or random:0.25:7 (a fraction, a seed).

Clusters of channels are turned into such a list before: see `clusters`.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from livebend.core.errors import OutOfRange
from livebend.device.transfer import send


@lru_cache(maxsize=256)
def _channels(text: str, count: int) -> tuple[int, ...] | None:
    """Read a selection of channels: all, 0-3, 0,2 or random:FRACTION:SEED; None means all.

    Raises: OutOfRange where it is none of these or selects nothing of `count` channels.
    """
    if text == "all":
        return None
    chosen = _drawn(text, count) if text.startswith("random:") else _listed(text, count)
    if not chosen:
        raise OutOfRange(f"channels = {text!r}: none of the {count} channels of this site")
    return chosen


@lru_cache(maxsize=256)
def channel_index(text: str, count: int, device: torch.device) -> Tensor | None:
    """The selection of channels as a tensor on the device, sent there once."""
    chosen = _channels(text, count)
    return None if chosen is None else send(torch.tensor(chosen), device)


def check_channels(text: str) -> None:
    """Raises: OutOfRange where the text is no selection of channels."""
    _channels(text, 4096)


def _drawn(text: str, count: int) -> tuple[int, ...]:
    try:
        _, fraction, seed = text.split(":")
        size = round(min(max(float(fraction), 0.0), 1.0) * count)
        order = np.random.default_rng(int(seed)).permutation(count)
    except ValueError:
        raise _no_channels(text) from None
    return tuple(sorted(int(i) for i in order[: max(size, 1)]))


def _listed(text: str, count: int) -> tuple[int, ...]:
    chosen: set[int] = set()
    for item in text.split(","):
        first, dash, last = item.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise _no_channels(text)
        chosen.update(range(int(first), int(last if dash else first) + 1))
    return tuple(sorted(i for i in chosen if i < count))


def _no_channels(text: str) -> OutOfRange:
    return OutOfRange(f"channels = {text!r}: expected all, 0-3, 0,2, random:0.25:7 or cluster:c0")
