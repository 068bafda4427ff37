"""Copies between the host and the device: one wait a frame, and only for what is copied.

Tensors in the host's memory are read in place. From a GPU they are copied through pinned buffers on
a stream of their own, and an event marks their arrival; nothing waits for the whole device.
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
    """Copies a picture, and numbers about it, to the host. Owned by the render thread."""

    def fetch(self, picture: Tensor, numbers: Sequence[Tensor]) -> Fetched:
        """Return the picture as an array that is never written to, and the numbers (float32 [])."""


class HostTransfer:
    """For tensors in the host's memory."""

    def fetch(self, picture: Tensor, numbers: Sequence[Tensor]) -> Fetched:
        """Return a view: the outputs of a network are never written in place."""
        return picture.numpy(), [number.item() for number in numbers]


class PinnedTransfer:
    """For tensors on a GPU: through pinned buffers, made once for each shape."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._buffers: dict[tuple[object, ...], Tensor] = {}

    def fetch(self, picture: Tensor, numbers: Sequence[Tensor]) -> Fetched:
        """Copy both at once and wait for them alone; the caller owns what is returned."""
        tensors = (picture, torch.stack([*numbers]))
        staged = [self._buffer(n, t) for n, t in enumerate(tensors)]
        with self._gpu.copy_stream():
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
    """Return the transfer from this device."""
    gpu = gpu_of(device)
    return HostTransfer() if gpu is None else PinnedTransfer(gpu)


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a copy of a host tensor on the device, without waiting for it. torch's allocator
    reuses the pinned memory only once the copy has arrived."""
    gpu = gpu_of(device)
    if gpu is None:
        return tensor.to(device)
    return gpu.pinned(tensor).copy_(tensor).to(device, non_blocking=True)
