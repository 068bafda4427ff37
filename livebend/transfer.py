"""From the device to the host: one wait a frame, and only for what is copied.

On a processor tensors are seen where they lie. On a GPU they go through pinned buffers on a stream
of their own, and an event says when they have arrived; nothing waits for the whole device.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Arrays = list[NDArray[Any]]


class Transfer(Protocol):
    """Brings tensors to the host. Owned by the render thread."""

    def fetch(self, tensors: Sequence[Tensor]) -> Arrays:
        """Return the tensors as arrays that nothing writes to later."""


class Here:
    """For tensors that are in the host's memory already."""

    def fetch(self, tensors: Sequence[Tensor]) -> Arrays:
        """Return views: what a network made is never written in place."""
        return [t.numpy() for t in tensors]


class Pinned:
    """Through pinned buffers that are made once for each shape. `cuda` has the four calls that a
    GPU is needed for; a test gives its own."""

    def __init__(self, device: torch.device, cuda: "Cuda | None" = None) -> None:
        self._cuda = cuda or Cuda(device)
        self._buffers: dict[tuple[object, ...], Tensor] = {}

    def fetch(self, tensors: Sequence[Tensor]) -> Arrays:
        """Copy all at once, wait for them alone, and return arrays of their own."""
        staged = [self._buffer(n, t) for n, t in enumerate(tensors)]
        with self._cuda.side_stream():
            for buffer, tensor in zip(staged, tensors, strict=True):
                buffer.copy_(tensor, non_blocking=True)
            self._cuda.mark()
        self._cuda.wait()
        return [np.array(buffer.numpy()) for buffer in staged]

    def _buffer(self, n: int, tensor: Tensor) -> Tensor:
        key = (n, tensor.shape, tensor.dtype)
        if key not in self._buffers:
            self._buffers[key] = self._cuda.pinned(tensor)
        return self._buffers[key]


class Cuda:
    """The calls that need a GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]

    def pinned(self, tensor: Tensor) -> Tensor:
        """Return page-locked host memory for a tensor."""
        return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)

    def side_stream(self) -> Any:
        """Return a context on the stream of copies, behind what the network has been asked for."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        return torch.cuda.stream(self._stream)

    def mark(self) -> None:
        """Mark the end of the copies."""
        self._arrived.record(self._stream)

    def wait(self) -> None:
        """Wait for the mark, and for nothing else."""
        self._arrived.synchronize()


def transfer_for(device: torch.device) -> Transfer:
    """Return how tensors come from this device."""
    return Pinned(device) if device.type == "cuda" else Here()
