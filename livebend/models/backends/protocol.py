"""A backend makes a function from a stage that computes the same."""

import importlib.util
from collections.abc import Callable, Collection
from functools import partial
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from livebend.core.errors import BackendError
from livebend.device.torch_threads import DEFAULT
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.stages import Stage

Runner = Callable[..., tuple[Tensor, ...]]
Loading = Callable[[], Runner]


class Target(NamedTuple):
    """What a backend makes runners for: a device as `--device` names it, and its threads."""

    device: str = "cpu"
    threads: int = DEFAULT

    def __str__(self) -> str:
        many = f", {self.threads} thread{'s' if self.threads != 1 else ''}"
        return f"on {self.device}{many if self.device == 'cpu' else ''}"


class StaleEngine(BackendError):
    """What was stored cannot be used, and is removed: to be loaded once more."""


class Inputs(NamedTuple):
    """What a stage is run with."""

    tensors: tuple[Tensor, ...]
    size: tuple[int, ...] | None = None  # (H, W) to reach

    @property
    def signature(self) -> tuple[object, ...]:
        """Everything about them but their values."""
        return (self.size, *((t.shape, t.stride(), t.dtype, t.device) for t in self.tensors))

    @property
    def shapes(self) -> tuple[object, ...]:
        """Everything about them but their values and how they lie in memory."""
        return (self.size, *((tuple(t.shape), t.dtype, t.device) for t in self.tensors))

    def examples(self) -> tuple[Tensor, ...]:
        """Copies with the same strides, which tracing may keep."""
        with torch.inference_mode(False):
            return tuple(
                torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=t.device).copy_(t)
                for t in self.tensors
            )


class Backend(Protocol):
    """Makes runners, slowly, before a show. A runner takes the tensors that the stage reads and
    returns new ones for what it writes; any one thread may call it."""

    name: str
    devices: tuple[str, ...]  # that it runs on, as `--device` names them
    own_threads: bool  # whether it computes on threads of its own and not on torch's
    strided: bool  # whether a runner is for inputs that lie in memory as those it was made with
    copies: bool  # whether every runner has a copy of its weights
    packages: tuple[str, ...]  # besides torch, on which what it computes depends

    def __init__(self, target: Target) -> None:
        """Raises: BackendError where a package is missing."""

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Loading:
        """Do what the thread that runs stages must do, and return a function that does the rest in
        any thread: it returns a runner for inputs of this signature, from the store or, where
        `build`, made and stored. Raises: BackendError."""


def require(package: str) -> None:
    """Raises: BackendError where an optional package is not installed."""
    if importlib.util.find_spec(package) is None:
        raise BackendError(f"needs the package {package}: pip install {package}")


def check_types(stage: Stage, inputs: Inputs, types: Collection[torch.dtype]) -> None:
    """Raises: BackendError where an input is of none of the types."""
    if unusable := {t.dtype for t in inputs.tensors} - set(types):
        raise BackendError(f"{stage.name}: cannot run {', '.join(map(str, unusable))}")


def plain(stage: Stage, inputs: Inputs) -> Runner:
    """Return a runner of the stage as it is."""
    return partial(stage.run) if inputs.size is None else partial(stage.run, size=inputs.size)


class TracedStage(nn.Module):
    """A stage as a module with the weights of its owner and a fixed size, for tracing."""

    def __init__(self, stage: Stage, size: tuple[int, ...] | None) -> None:
        super().__init__()
        self.owner = stage.owner
        self._run = stage.run
        self._more = {} if size is None else {"size": size}

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return what the stage writes."""
        return self._run(*tensors, **self._more)
