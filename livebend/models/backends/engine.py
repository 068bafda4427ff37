"""The engine of a network: every stage on the backend chosen for it, on torch where that fails.

Nothing is exported or compiled during a show: a runner is loaded while `preparing`, and what was
not prepared for (a new shape) runs on torch, which is said once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

import torch
from torch import Tensor

from livebend.core.errors import BackendError, UnknownName, named
from livebend.core.notify import Notify, ignore
from livebend.device.memory import Versioned
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Backend, Inputs, Runner, plain
from livebend.models.stages import Stage

TABLE = {
    "compiled": "livebend.models.backends.aot_compiled:Compiled",
    "graphs": "livebend.models.backends.cuda_graphs:Graphs",
    "onnx": "livebend.models.backends.onnx:Onnx",
    "openvino": "livebend.models.backends.openvino:OpenVino",
}
BACKENDS = ("torch", *TABLE)
OWN_THREADS = {"openvino"}  # compute on threads of their own, and not on torch's
CLOSE = {torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 6e-2}  # ‖y−x‖/‖x‖ of a stage


class Engine:
    """Gives every stage its runner. Owned by the render thread, prepared before its show.

    `choice` is the name of a backend for all stages, or one for each stage by name, torch for the
    others. `build` = False takes only what the store already has. `tell` hears of every fall-back.
    """

    def __init__(
        self,
        choice: str | Mapping[str, str] = "torch",
        store: EngineCache | None = None,
        *,
        build: bool = True,
        tell: Notify | None = None,
    ) -> None:
        """Raises: UnknownName."""
        self._choice = choice
        self._store = store
        self._build = build
        self._tell = tell or ignore
        self._runners: dict[tuple[object, ...], Runner] = {}
        self._backends: dict[str, Backend] = {}
        self._told: set[str] = set()
        self._running: dict[str, str] = {}  # the backend that a stage was last run with
        self._described: dict[tuple[str, ...], str] = {}  # for as long as that stays
        self.fallbacks = 0
        self._preparing = False
        for name in [choice] if isinstance(choice, str) else choice.values():
            if name not in BACKENDS:
                raise UnknownName("backend", name, BACKENDS)

    @property
    def prepares(self) -> bool:
        """Whether there is anything to prepare."""
        return self._store is not None

    @property
    def has_own_threads(self) -> bool:
        """Whether all that has run so far computes on threads of its own: torch's would only be in
        their way."""
        return bool(self._running) and OWN_THREADS.issuperset(self._running.values())

    def backend_of(self, stage: str) -> str:
        """Return the name of the backend that is to run a stage."""
        if isinstance(self._choice, str):
            return self._choice
        return self._choice.get(stage, "torch")

    def joins(self, group: str) -> bool:
        """Whether a group of stages, by name, runs as one where nothing is bent inside: eager torch
        gains nothing by it and would remember less."""
        return self.backend_of(group) != "torch"

    def described(self, stages: tuple[str, ...]) -> str:
        """Return how many of the stages run on which backend, as "onnx 11, torch 3"; fall-backs
        count as what they fell back to."""
        if stages not in self._described:
            running = Counter(self._running.get(stage, self.backend_of(stage)) for stage in stages)
            told = (f"{name} {count}" for name, count in running.most_common())
            self._described[stages] = next(iter(running)) if len(running) == 1 else ", ".join(told)
        return self._described[stages]

    def _runs_on(self, stage: str, backend: str) -> None:
        self._running[stage] = backend
        self._described.clear()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Load runners for whatever is run inside."""
        self._preparing = True
        try:
            yield
        finally:
            self._preparing = False

    def runner(
        self, stage: Stage, read: Sequence[Versioned], size: tuple[int, ...] | None = None
    ) -> Runner:
        """Return the function to run a stage with, on what it reads and the size that it must
        reach; the same object as long as it is the same computation, so that it can be part of a
        key."""
        key = (stage.name, size, *[value.layout for value in read])
        found = self._runners.get(key)
        if found is None:
            inputs = Inputs(tuple(value.tensor for value in read), size)
            found = self._runners[key] = self._new(stage, inputs, key)
        return found

    def _new(self, stage: Stage, inputs: Inputs, key: tuple[object, ...]) -> Runner:
        torchs = plain(stage, inputs)
        name = self.backend_of(stage.name)
        self._runs_on(stage.name, "torch")
        if name == "torch" or self._store is None:
            return torchs
        if not self._preparing:
            self._fell_back(f"{stage.name}: not prepared for this shape, torch runs it")
            return torchs
        try:
            loaded = self._backend(name).load(stage, inputs, self._store, build=self._build)
            _compare(stage, inputs, loaded(*inputs.tensors), torchs(*inputs.tensors))
        except BackendError as why:
            self._fell_back(f"backend {name}: {why}; torch runs it")
            return torchs
        self._runs_on(stage.name, name)
        return self._guarded(stage.name, loaded, torchs, key)

    def _backend(self, name: str) -> Backend:
        if name not in self._backends:
            self._backends[name] = _kind(name)()
        return self._backends[name]

    def _guarded(
        self, stage: str, loaded: Runner, torchs: Runner, key: tuple[object, ...]
    ) -> Runner:
        """The runner, until it fails; torch from then on."""

        def run(*tensors: Tensor) -> tuple[Tensor, ...]:
            try:
                return loaded(*tensors)
            except Exception as fault:  # noqa: BLE001 - engines raise what they like; it is told
                self._fell_back(f"{stage}: {named(fault)}; torch runs it now")
                self._runners[key] = torchs
                self._runs_on(stage, "torch")
                return torchs(*tensors)

        return run

    def _fell_back(self, why: str) -> None:
        self.fallbacks += 1
        if why not in self._told:
            self._told.add(why)
            self._tell(why)


def backends_on(device: str) -> tuple[str, ...]:
    """Return the names of the backends that can run on a kind of device, as torch calls it."""
    return ("torch", *(name for name in TABLE if device in _kind(name).devices))


def _kind(name: str) -> type[Backend]:
    module, _, kind = TABLE[name].partition(":")
    return getattr(import_module(module), kind)  # type: ignore[no-any-return]


def _compare(
    stage: Stage, inputs: Inputs, got: tuple[Tensor, ...], want: tuple[Tensor, ...]
) -> None:
    """Refuse a runner whose outputs are not those of torch. Raises: BackendError."""
    close = max(CLOSE.get(x.dtype, 1e-3) for x in inputs.tensors)
    for y, x in zip(got, want, strict=True):
        norm = torch.linalg.vector_norm
        off = float(norm(y.float() - x.float()) / norm(x.float()).clamp_min(1e-12))
        if not off <= close:
            raise BackendError(f"{stage.name}: differs from torch by {off:.1g} of its size")
