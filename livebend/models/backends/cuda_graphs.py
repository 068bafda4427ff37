"""Stages captured as CUDA graphs: a stage is asked for in one call, not in one for every kernel.

A graph reads and writes the same memory each time it is replayed. So what a stage reads is copied
in, and what it wrote is copied out: what the network remembers is never written to again. All the
graphs of a device share one pool: their scratch memory is one, since they follow one another on one
stream, and what each writes stays its own, since it is held as long as the graph.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from livebend.core.errors import BackendError, one_line
from livebend.device.gpu import gpu_of
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Inputs, Runner, plain
from livebend.models.stages import Stage


class Graphs:
    """torch's own stages, captured at each start: it takes milliseconds, and nothing is stored."""

    name = "graphs"
    devices = ("cuda",)

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Runner:  # noqa: ARG002
        """Return the captured stage as a function. Raises: BackendError."""
        return captured(stage, plain(stage, inputs), inputs)


def captured(stage: Stage, run: Runner, inputs: Inputs) -> Runner:
    """Return a runner that replays what `run`, another runner of the stage, does with inputs of
    this signature. It may be called from another thread than this one. Raises: BackendError."""
    gpu = gpu_of(inputs.tensors[0].device)
    if gpu is None:
        raise BackendError("needs an NVIDIA GPU")
    read = inputs.examples()
    once = partial(run, *read)
    try:
        gpu.warm_up(once)
        replay, written = gpu.capture(once)
    except RuntimeError as fault:
        raise BackendError(f"{stage.name}: cannot be captured: {one_line(fault)}") from fault
    return _Captured(read, replay, written, _weights(stage))


class _Captured:
    """A stage's graph with the memory that it reads and writes; `weights` are held, since another
    layout moves a network's own elsewhere, and the graph still reads these."""

    def __init__(
        self,
        read: tuple[Tensor, ...],
        replay: Callable[[], None],
        written: tuple[Tensor, ...],
        weights: tuple[Tensor, ...],
    ) -> None:
        self._read, self._replay, self._written = read, replay, written
        self.weights = weights

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        for place, x in zip(self._read, tensors, strict=True):
            place.copy_(x, non_blocking=True)
        self._replay()
        copies = {id(y): y.clone() for y in self._written}  # one of a tensor that is written twice
        return tuple(copies[id(y)] for y in self._written)


def _weights(stage: Stage) -> tuple[Tensor, ...]:
    if stage.owner is None:
        return ()
    return tuple(w.detach() for w in (*stage.owner.parameters(), *stage.owner.buffers()))
