"""The calls that need a GPU, and nothing else; whoever decides something with them is elsewhere and
is tested with a GPU that is played.

Three streams, so that none waits for another: frames are asked for on one, prompts are encoded on a
second, and pictures are copied to the host on a third. Nothing waits for the whole device but what
is said to belong before a show.
"""

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM = 3  # runs before a capture: libraries choose their algorithms and take their workspace

Written = tuple[Tensor, ...]


class Gpu:
    """One GPU. The render thread captures and copies; any thread may enter, or compute aside."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # Not the default stream: ONNX Runtime takes it for none at all, and would use its own.
        self._frames = torch.cuda.Stream(device, priority=-1)  # type: ignore[no-untyped-call]
        self._text = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._captures = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        # A thread that waits sleeps: the sound's thread can use its core.
        self._arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    # ---- before a show -----------------------------------------------------------------------

    def enter(self) -> None:
        """Have the calling thread ask for everything on the stream of frames from now on, behind
        all that the device was asked for before."""
        torch.cuda.synchronize(self._device)
        torch.cuda.set_stream(self._frames)

    def rehearse(self, run: Callable[[], Written]) -> None:
        """Run something as it is before it is captured."""
        here = torch.cuda.current_stream(self._device)
        self._captures.wait_stream(here)
        with torch.cuda.stream(self._captures):
            for _ in range(WARM):
                run()
        here.wait_stream(self._captures)

    def capture(self, run: Callable[[], Written]) -> tuple[Callable[[], None], Written]:
        """Record what `run` asks for; return what asks for all of it again, from and into the same
        memory, and the tensors that it writes. Raises: RuntimeError."""
        graph = torch.cuda.CUDAGraph()
        recording = torch.cuda.graph(
            graph, pool=self._pool, stream=self._captures, capture_error_mode="thread_local"
        )
        with recording:
            written = run()
        return graph.replay, written

    # ---- during a show -----------------------------------------------------------------------

    def pinned(self, tensor: Tensor) -> Tensor:
        """Return page-locked memory of the host for a tensor."""
        return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)

    def side_stream(self) -> Any:
        """Return a context on the stream of copies, behind what this thread has asked for."""
        self._copies.wait_stream(torch.cuda.current_stream(self._device))
        return torch.cuda.stream(self._copies)

    def mark(self) -> None:
        """Mark the end of the copies."""
        self._arrived.record(self._copies)

    def wait(self) -> None:
        """Wait for the mark, and for nothing else."""
        self._arrived.synchronize()

    def aside(self, compute: Callable[[], Tensor]) -> Tensor:
        """Return what is computed on the stream of prompts, once it can be read on any stream; only
        the calling thread waits for it."""
        with torch.cuda.stream(self._text):
            made = compute()
        made.record_stream(self._frames)  # its memory is not used again while a frame reads it
        self._text.synchronize()
        return made


_known: dict[torch.device, Gpu] = {}
_one_at_a_time = threading.Lock()


def gpu_of(device: torch.device) -> Gpu | None:
    """Return the GPU of a device: always the same, whichever thread asks; None where it is none."""
    if device.type != "cuda":
        return None
    index = torch.cuda.current_device() if device.index is None else device.index
    with _one_at_a_time:
        known = torch.device("cuda", index)
        if known not in _known:
            _known[known] = Gpu(known)
        return _known[known]


def paint_on(device: torch.device) -> None:
    """Have the calling thread paint on a device: on a GPU, on its stream of frames. Slow, and
    before a show."""
    if (gpu := gpu_of(device)) is not None:
        gpu.enter()


def aside(device: torch.device, compute: Callable[[], Tensor]) -> Tensor:
    """Return what is computed without holding up frames on the device."""
    gpu = gpu_of(device)
    return compute() if gpu is None else gpu.aside(compute)


def wait_for(device: torch.device) -> None:
    """Wait until a device has done what the calling thread asked it for: for those who measure."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
