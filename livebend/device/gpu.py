"""The calls that need a GPU, and nothing else: code that uses them is tested with a faked GPU.

Three streams, so that none waits for another: frames are painted on one, prompts are encoded on a
second, and pictures are copied to the host on a third. Only calls that belong before a show wait
for the whole device.
"""

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP = 3  # runs before a capture: libraries choose their algorithms and allocate workspace

Written = tuple[Tensor, ...]


class Gpu:
    """One GPU. The render thread captures and copies; any thread may `enter` or compute `aside`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # Not the default stream: ONNX Runtime reads that as no stream given, and uses its own.
        self._frames = torch.cuda.Stream(device, priority=-1)  # type: ignore[no-untyped-call]
        self._text = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._captures = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        # Waiting threads sleep, so that the audio worker can use their core.
        self._arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    # ---- before a show -----------------------------------------------------------------------

    def enter(self) -> None:
        """Use the stream of frames for all that the calling thread launches from now on, after
        waiting for everything launched before."""
        torch.cuda.synchronize(self._device)
        torch.cuda.set_stream(self._frames)

    def warm_up(self, run: Callable[[], Written]) -> None:
        """Run something a few times, uncaptured, before it is captured."""
        here = torch.cuda.current_stream(self._device)
        self._captures.wait_stream(here)
        with torch.cuda.stream(self._captures):
            for _ in range(WARM_UP):
                run()
        here.wait_stream(self._captures)

    def capture(self, run: Callable[[], Written]) -> tuple[Callable[[], None], Written]:
        """Record what `run` launches as a CUDA graph; return the function that replays it, from and
        into the same memory, and the tensors that it writes. Raises: RuntimeError."""
        graph = torch.cuda.CUDAGraph()
        recording = torch.cuda.graph(
            graph, pool=self._pool, stream=self._captures, capture_error_mode="thread_local"
        )
        with recording:
            written = run()
        return graph.replay, written

    # ---- during a show -----------------------------------------------------------------------

    def pinned(self, tensor: Tensor) -> Tensor:
        """Return an empty tensor like this one in page-locked memory of the host."""
        return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)

    def copy_stream(self) -> Any:
        """Return a context on the stream of copies, after all that this thread has launched."""
        self._copies.wait_stream(torch.cuda.current_stream(self._device))
        return torch.cuda.stream(self._copies)

    def mark(self) -> None:
        """Record an event at the end of the copies."""
        self._arrived.record(self._copies)

    def wait(self) -> None:
        """Wait for that event alone."""
        self._arrived.synchronize()

    def aside(self, compute: Callable[[], Tensor]) -> Tensor:
        """Compute on the stream of prompts; return the tensor once any stream can read it. Only the
        calling thread waits."""
        with torch.cuda.stream(self._text):
            made = compute()
        made.record_stream(self._frames)  # its memory is not reused while a frame reads it
        self._text.synchronize()
        return made


_known: dict[torch.device, Gpu] = {}
_lock = threading.Lock()


def gpu_of(device: torch.device) -> Gpu | None:
    """Return the GPU of a device, the same object in every thread; None for other devices."""
    if device.type != "cuda":
        return None
    index = torch.cuda.current_device() if device.index is None else device.index
    with _lock:
        known = torch.device("cuda", index)
        if known not in _known:
            _known[known] = Gpu(known)
        return _known[known]


def paint_on(device: torch.device) -> None:
    """Let the calling thread paint on a device: on a GPU, on its stream of frames. Slow, so before
    a show."""
    if (gpu := gpu_of(device)) is not None:
        gpu.enter()


def aside(device: torch.device, compute: Callable[[], Tensor]) -> Tensor:
    """Return what `compute` returns, without holding up frames on the device."""
    gpu = gpu_of(device)
    return compute() if gpu is None else gpu.aside(compute)


def wait_for(device: torch.device) -> None:
    """Wait until a device has finished what the calling thread launched; for measuring."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()


def release_unused(device: torch.device) -> None:
    """Give back to the device what its allocator keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
