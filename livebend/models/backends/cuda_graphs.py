"""Stages captured as CUDA graphs: a stage is launched in one call, not in one for every kernel.

A graph reads and writes the same memory at each replay. So the inputs of a stage are copied in and
its outputs copied out: tensors that the network remembers are never overwritten. All graphs of a
device use one memory pool: they run one after another on one stream, so they can have the same
scratch memory, while the outputs of each are held as long as its graph.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from livebend.core.errors import BackendError, one_line
from livebend.device.gpu import gpu_of
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Inputs, Loading, Runner, Target, plain
from livebend.models.stages import Stage


class GraphsBackend:
    """torch's own stages, captured at each start: it takes milliseconds, and nothing is stored."""

    name = "graphs"
    devices = ("cuda",)
    own_threads = False
    strided = True
    copies = False
    packages: tuple[str, ...] = ()

    def __init__(self, target: Target) -> None:
        pass

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Loading:  # noqa: ARG002
        """Capture the stage. Raises: BackendError."""
        runner = captured(stage, plain(stage, inputs), inputs)
        return lambda: runner


def captured(stage: Stage, run: Runner, inputs: Inputs) -> Runner:
    """Return a runner that replays `run`, another runner of the stage, for inputs of this
    signature. Any one thread may call it. Raises: BackendError."""
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
    return _CapturedStage(read, replay, written)


class _CapturedStage:
    """A stage's graph with the memory that it reads and writes."""

    def __init__(
        self,
        read: tuple[Tensor, ...],
        replay: Callable[[], None],
        written: tuple[Tensor, ...],
    ) -> None:
        self._read, self._replay, self._written = read, replay, written

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        for place, x in zip(self._read, tensors, strict=True):
            place.copy_(x, non_blocking=True)
        self._replay()
        copies = {id(y): y.clone() for y in self._written}  # one copy of a tensor returned twice
        return tuple(copies[id(y)] for y in self._written)
