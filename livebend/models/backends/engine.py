"""The engine of a network: every stage on its backend, on torch where that fails.

Nothing is exported or compiled during a show: runners are loaded while `preparing`. A shape that
was not prepared runs on torch, with one notice.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

import torch
from torch import Tensor

from livebend.core.errors import BackendError, UnknownName, lacks_memory, one_line
from livebend.core.notify import Notify, ignore
from livebend.device.memory import Versioned
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import (
    Backend,
    Inputs,
    Runner,
    StaleEngine,
    Target,
    plain,
)
from livebend.models.stages import Stage

TABLE = {
    "compiled": "livebend.models.backends.aot_compiled:CompiledBackend",
    "graphs": "livebend.models.backends.cuda_graphs:GraphsBackend",
    "onnx": "livebend.models.backends.onnx:OnnxBackend",
    "openvino": "livebend.models.backends.openvino:OpenVinoBackend",
}
BACKENDS = ("torch", *TABLE)
USUAL = {"cpu": "openvino", "gpu": "openvino", "npu": "openvino", "cuda": "graphs"}  # else torch
TOLERANCE = {torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 1.2e-1}  # ‖y−x‖/‖x‖
LOADERS = 2  # threads that load what has been traced
JOINED = 128 << 20  # bytes of a network's weights up to which its groups are joined


@dataclass(slots=True, eq=False)
class _Rehearsal:
    """A stage that torch runs while its runner is being loaded, and what it wrote."""

    stage: Stage
    inputs: Inputs
    on_torch: Runner
    loading: "Future[Runner]"
    written: tuple[Tensor, ...] = ()

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        self.written = self.on_torch(*tensors)
        return self.written


class Engine:
    """Gives every stage its runner. Owned by the render thread, prepared before its show.

    backend: what runs all stages.
    target: the device that it runs them on, and how many threads compute there.
    build: whether to make what the store does not have.
    notify: called once with each reason to fall back to torch.
    """

    def __init__(
        self,
        backend: str = "torch",
        store: EngineCache | None = None,
        target: Target = Target(),  # noqa: B008 - it cannot be changed
        *,
        build: bool = True,
        notify: Notify = ignore,
    ) -> None:
        """Raises: UnknownName."""
        if backend not in BACKENDS:
            raise UnknownName("backend", backend, BACKENDS)
        self.backend, self.target = backend, target
        self._store = store if backend != "torch" else None
        self._build = build
        self._notify = notify
        self._runners: dict[tuple[object, ...], Runner] = {}  # by how their inputs lie in memory
        self._packed: dict[tuple[object, ...], Runner] = {}  # by shapes, where that is all the same
        self._loaders: ThreadPoolExecutor | None = None  # while preparing
        self._loading: Backend | None = None  # likewise
        self._rehearsed: dict[tuple[object, ...], _Rehearsal] = {}
        self._joins: dict[str, bool] = {}  # groups by name
        self._notices: set[str] = set()
        self._running: dict[str, str] = {}  # the backend that a stage was last run with
        self._described: dict[tuple[str, ...], str] = {}  # valid until that changes
        self.fallbacks = 0

    @property
    def prepares(self) -> bool:
        """Whether there is anything to prepare."""
        return self._store is not None

    def joins(self, group: Stage) -> bool:
        """Whether a group of stages runs as one while nothing is bent inside. Eager torch would
        gain nothing by it, and remember fewer outputs; and a group with a copy of large weights of
        its own would cost more memory than it saves time."""
        if group.name not in self._joins:
            small = _weights(group) <= JOINED or not _copies(self.backend)
            self._joins[group.name] = self.backend != "torch" and small
        return self._joins[group.name]

    @property
    def torch_threads(self) -> int:
        """How many of torch's threads the thread that paints needs: one where all that has run so
        far computed on threads of its own, since more would only be in their way."""
        running = set(self._running.values()) or {self.backend if self.prepares else "torch"}
        own = "torch" not in running and all(_backend_class(name).own_threads for name in running)
        return 1 if own else self.target.threads

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages besides torch on which what is computed depends."""
        return _backend_class(self.backend).packages if self.prepares else ()

    def described(self, stages: tuple[str, ...]) -> str:
        """Return how many of the stages run on which backend, as "onnx 11, torch 3"; fall-backs
        count as what they fell back to."""
        if stages not in self._described:
            running = Counter(self._running.get(stage, self.backend) for stage in stages)
            each = (f"{name} {count}" for name, count in running.most_common())
            self._described[stages] = next(iter(running)) if len(running) == 1 else ", ".join(each)
        return self._described[stages]

    def _runs_on(self, stage: str, backend: str) -> None:
        self._running[stage] = backend
        self._described.clear()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Load runners for the stages that are run inside; torch runs them until the end."""
        with ThreadPoolExecutor(LOADERS, "loading") as loaders:
            self._loaders = loaders
            try:
                yield
                for key, rehearsal in self._rehearsed.items():
                    self._runners[key] = self._loaded(rehearsal)
            finally:
                self._rehearsed.clear()
                self._loaders = self._loading = None

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
        if self._store is None:
            self._runs_on(stage.name, "torch")
            return on_torch
        if (loaded := self._packed.get((stage.name, *inputs.shapes))) is not None:
            return loaded
        if self._loaders is None:
            self._runs_on(stage.name, "torch")
            self._fell_back(f"{stage.name}: not prepared for this shape, torch runs it")
            return on_torch
        try:
            loading = self._load(self._loaders, self._store, stage, inputs)
        except BackendError as why:
            return self._refused(stage, str(why), on_torch)
        self._rehearsed[key] = _Rehearsal(stage, inputs, on_torch, loading)
        return self._rehearsed[key]

    def _load(
        self, loaders: ThreadPoolExecutor, store: EngineCache, stage: Stage, inputs: Inputs
    ) -> "Future[Runner]":
        """Raises: BackendError."""
        if self._loading is None:
            self._loading = _backend_class(self.backend)(self.target)
        return loaders.submit(self._loading.load(stage, inputs, store, build=self._build))

    @torch.inference_mode()
    def _loaded(self, rehearsal: _Rehearsal) -> Runner:
        """The runner that was loaded for a stage, once it has computed what torch has."""
        stage, inputs, on_torch = rehearsal.stage, rehearsal.inputs, rehearsal.on_torch
        try:
            try:
                loaded = rehearsal.loading.result()
            except StaleEngine:
                assert self._loaders is not None
                assert self._store is not None
                loaded = self._load(self._loaders, self._store, stage, inputs).result()
            _compare(rehearsal, loaded(*inputs.tensors), _rounding(self.target))
        except BackendError as why:
            return self._refused(stage, str(why), on_torch)
        except Exception as fault:  # noqa: BLE001 - engines raise anything; it is reported
            return self._refused(stage, f"{stage.name}: {one_line(fault)}", on_torch)
        self._runs_on(stage.name, self.backend)
        guarded = self._guarded(stage.name, loaded, on_torch)
        if not _backend_class(self.backend).strided:
            self._packed[(stage.name, *inputs.shapes)] = guarded
        return guarded

    def _refused(self, stage: Stage, why: str, on_torch: Runner) -> Runner:
        self._runs_on(stage.name, "torch")
        self._fell_back(f"backend {self.backend}: {why}; torch runs it")
        return on_torch

    def _guarded(self, stage: str, loaded: Runner, on_torch: Runner) -> Runner:
        """A runner that is `loaded` until it fails, and torch from then on."""

        def run(*tensors: Tensor) -> tuple[Tensor, ...]:
            try:
                return loaded(*tensors)
            except Exception as fault:
                if lacks_memory(fault):
                    raise  # torch would lack it as well
                self._fell_back(f"{stage}: {one_line(fault)}; torch runs it now")
                for known in (self._runners, self._packed):
                    known.update({key: on_torch for key, one in known.items() if one is run})
                self._runs_on(stage, "torch")
                return on_torch(*tensors)

        return run

    def _fell_back(self, why: str) -> None:
        self.fallbacks += 1
        if why not in self._notices:
            self._notices.add(why)
            self._notify(why)


def backends_on(device: str) -> tuple[str, ...]:
    """Return the names of the backends for a device, as `--device` names it."""
    return ("torch", *(name for name in TABLE if device in _backend_class(name).devices))


def _backend_class(name: str) -> type[Backend]:
    module, _, kind = TABLE[name].partition(":")
    return getattr(import_module(module), kind)  # type: ignore[no-any-return]


def _copies(backend: str) -> bool:
    return backend != "torch" and _backend_class(backend).copies


def _weights(stage: Stage) -> int:
    """The bytes of the weights of the network that a stage is of."""
    return sum(p.nbytes for p in stage.owner.parameters()) if stage.owner else 0


def _compare(rehearsal: _Rehearsal, got: tuple[Tensor, ...], rounding: float) -> None:
    """Raises: BackendError where the outputs of a runner differ from those of torch by more than
    what the precision of its inputs, or `rounding`, explains."""
    tolerance = max(rounding, *(TOLERANCE.get(x.dtype, 1e-3) for x in rehearsal.inputs.tensors))
    for y, x in zip(got, rehearsal.written, strict=True):
        norm = torch.linalg.vector_norm
        off = float(norm(y.float() - x.float()) / norm(x.float()).clamp_min(1e-12))
        if not off <= tolerance:
            name = rehearsal.stage.name
            raise BackendError(f"{name}: differs from torch by {off:.1g} of its size")


def _rounding(target: Target) -> float:
    """Intel's GPUs and NPUs compute in half precision, whatever they are given."""
    return TOLERANCE[torch.float16] if target.device in ("gpu", "npu") else 0.0
