"""Between the host and the device: one wait a frame, and only for what is copied.

On a processor tensors are seen where they lie. On a GPU they go through pinned buffers on a stream
of their own, and an event says when they have arrived; nothing waits for the whole device.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from livebend.device.gpu import Gpu, gpu_of

Fetched = tuple[NDArray[Any], list[float]]


class Transfer(Protocol):
    """Brings a picture, and numbers about it, to the host. Owned by the render thread."""

    def fetch(self, picture: Tensor, numbers: Sequence[Tensor]) -> Fetched:
        """Return the picture as an array that nothing writes to later, and float32 numbers []."""


class HostTransfer:
    """For tensors that are in the host's memory already."""

    def fetch(self, picture: Tensor, numbers: Sequence[Tensor]) -> Fetched:
        """Return a view: what a network made is never written in place."""
        return picture.numpy(), [number.item() for number in numbers]


class PinnedTransfer:
    """Through pinned buffers that are made once for each shape."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._buffers: dict[tuple[object, ...], Tensor] = {}

    def fetch(self, picture: Tensor, numbers: Sequence[Tensor]) -> Fetched:
        """Copy both at once, wait for them alone, and return what is the caller's own."""
        tensors = (picture, torch.stack([*numbers]))
        staged = [self._buffer(n, t) for n, t in enumerate(tensors)]
        with self._gpu.side_stream():
            for buffer, tensor in zip(staged, tensors, strict=True):
                buffer.copy_(tensor, non_blocking=True)
            self._gpu.mark()
        self._gpu.wait()
        pixels, values = staged
        return np.array(pixels.numpy()), values.tolist()

    def _buffer(self, n: int, tensor: Tensor) -> Tensor:
        key = (n, tensor.shape, tensor.dtype)
        if key not in self._buffers:
            self._buffers[key] = self._gpu.pinned(tensor)
        return self._buffers[key]


def transfer_for(device: torch.device) -> Transfer:
    """Return how tensors come from this device."""
    gpu = gpu_of(device)
    return HostTransfer() if gpu is None else PinnedTransfer(gpu)


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the host on the device; nothing waits for it. Its pinned copy is used
    again only when it has arrived, which torch's allocator sees to."""
    gpu = gpu_of(device)
    if gpu is None:
        return tensor.to(device)
    return gpu.pinned(tensor).copy_(tensor).to(device, non_blocking=True)
