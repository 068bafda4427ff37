"""A bend's selection of channels as a tensor. `core.channels` has its grammar."""

from functools import lru_cache

import torch
from torch import Tensor

from livebend.core.channels import read_channels
from livebend.device.transfer import send


@lru_cache(maxsize=256)
def channel_index(text: str, count: int, device: torch.device) -> Tensor | None:
    """The selection of channels as a tensor on the device, sent there once; None = all.

    Raises: OutOfRange.
    """
    chosen = read_channels(text, count)
    return None if chosen is None else send(torch.tensor(chosen), device)
