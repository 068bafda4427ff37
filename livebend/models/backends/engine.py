"""The engine of a network: every stage on the backend chosen for it, on torch where that fails.

Nothing is exported or compiled during a show: runners are loaded while `preparing`. A shape that
was not prepared runs on torch, with one notice.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

import torch
from torch import Tensor

from livebend.core.errors import BackendError, UnknownName, one_line
from livebend.core.notify import Notify, ignore
from livebend.device.memory import Versioned
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Backend, Inputs, Runner, plain
from livebend.models.stages import Stage

TABLE = {
    "compiled": "livebend.models.backends.aot_compiled:CompiledBackend",
    "graphs": "livebend.models.backends.cuda_graphs:GraphsBackend",
    "onnx": "livebend.models.backends.onnx:OnnxBackend",
    "openvino": "livebend.models.backends.openvino:OpenVinoBackend",
}
BACKENDS = ("torch", *TABLE)
TOLERANCE = {torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 6e-2}  # ‖y−x‖/‖x‖


class Engine:
    """Gives every stage its runner. Owned by the render thread, prepared before its show.

    choice: a backend for all stages, or one for each stage by name, and torch for the others.
    build: whether to make what the store does not have.
    notify: called once with each reason to fall back to torch.
    """

    def __init__(
        self,
        choice: str | Mapping[str, str] = "torch",
        store: EngineCache | None = None,
        *,
        build: bool = True,
        notify: Notify = ignore,
    ) -> None:
        """Raises: UnknownName."""
        self._choice = choice
        self._store = store
        self._build = build
        self._notify = notify
        self._runners: dict[tuple[object, ...], Runner] = {}
        self._backends: dict[str, Backend] = {}
        self._notices: set[str] = set()
        self._running: dict[str, str] = {}  # the backend that a stage was last run with
        self._described: dict[tuple[str, ...], str] = {}  # valid until that changes
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
        """Whether all that has run so far computed on threads of its own: torch's would only be in
        their way."""
        running = set(self._running.values())
        if not running or "torch" in running:
            return False
        return all(self._backend(name).own_threads for name in running)

    def backend_of(self, stage: str) -> str:
        """Return the name of the backend that is to run a stage."""
        if isinstance(self._choice, str):
            return self._choice
        return self._choice.get(stage, "torch")

    def joins(self, group: str) -> bool:
        """Whether a group of stages, by name, runs as one while nothing is bent inside. Eager torch
        would gain nothing by it, and remember fewer outputs."""
        return self.backend_of(group) != "torch"

    def described(self, stages: tuple[str, ...]) -> str:
        """Return how many of the stages run on which backend, as "onnx 11, torch 3"; fall-backs
        count as what they fell back to."""
        if stages not in self._described:
            running = Counter(self._running.get(stage, self.backend_of(stage)) for stage in stages)
            each = (f"{name} {count}" for name, count in running.most_common())
            self._described[stages] = next(iter(running)) if len(running) == 1 else ", ".join(each)
        return self._described[stages]

    def _runs_on(self, stage: str, backend: str) -> None:
        self._running[stage] = backend
        self._described.clear()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Load runners for the stages that are run inside."""
        self._preparing = True
        try:
            yield
        finally:
            self._preparing = False

    def runner(
        self, stage: Stage, read: Sequence[Versioned], size: tuple[int, ...] | None = None
    ) -> Runner:
        """Return the function that runs a stage on what it reads, to the size (H, W) that it must
        reach. It is the same object for the same computation, so that it can be part of a key."""
        key = (stage.name, size, *[value.layout for value in read])
        found = self._runners.get(key)
        if found is None:
            inputs = Inputs(tuple(value.tensor for value in read), size)
            found = self._runners[key] = self._new(stage, inputs, key)
        return found

    def _new(self, stage: Stage, inputs: Inputs, key: tuple[object, ...]) -> Runner:
        on_torch = plain(stage, inputs)
        name = self.backend_of(stage.name)
        self._runs_on(stage.name, "torch")
        if name == "torch" or self._store is None:
            return on_torch
        if not self._preparing:
            self._fell_back(f"{stage.name}: not prepared for this shape, torch runs it")
            return on_torch
        try:
            loaded = self._backend(name).load(stage, inputs, self._store, build=self._build)
            _compare(stage, inputs, loaded(*inputs.tensors), on_torch(*inputs.tensors))
        except BackendError as why:
            self._fell_back(f"backend {name}: {why}; torch runs it")
            return on_torch
        self._runs_on(stage.name, name)
        return self._guarded(stage.name, loaded, on_torch, key)

    def _backend(self, name: str) -> Backend:
        if name not in self._backends:
            self._backends[name] = _backend_class(name)()
        return self._backends[name]

    def _guarded(
        self, stage: str, loaded: Runner, on_torch: Runner, key: tuple[object, ...]
    ) -> Runner:
        """A runner that is `loaded` until it fails, and torch from then on."""

        def run(*tensors: Tensor) -> tuple[Tensor, ...]:
            try:
                return loaded(*tensors)
            except Exception as fault:  # noqa: BLE001 - engines raise anything; it is reported
                self._fell_back(f"{stage}: {one_line(fault)}; torch runs it now")
                self._runners[key] = on_torch
                self._runs_on(stage, "torch")
                return on_torch(*tensors)

        return run

    def _fell_back(self, why: str) -> None:
        self.fallbacks += 1
        if why not in self._notices:
            self._notices.add(why)
            self._notify(why)


def backends_on(device: str) -> tuple[str, ...]:
    """Return the names of the backends for a kind of device, such as "cuda"."""
    return ("torch", *(name for name in TABLE if device in _backend_class(name).devices))


def _backend_class(name: str) -> type[Backend]:
    module, _, kind = TABLE[name].partition(":")
    return getattr(import_module(module), kind)  # type: ignore[no-any-return]


def _compare(
    stage: Stage, inputs: Inputs, got: tuple[Tensor, ...], want: tuple[Tensor, ...]
) -> None:
    """Raises: BackendError where the outputs of a runner differ from those of torch."""
    tolerance = max(TOLERANCE.get(x.dtype, 1e-3) for x in inputs.tensors)
    for y, x in zip(got, want, strict=True):
        norm = torch.linalg.vector_norm
        off = float(norm(y.float() - x.float()) / norm(x.float()).clamp_min(1e-12))
        if not off <= tolerance:
            raise BackendError(f"{stage.name}: differs from torch by {off:.1g} of its size")
