"""Stages compiled once by OpenVINO, which computes on threads of its own.

Those take work from one another: where another program keeps one waiting, the others go on, while
torch's all wait for it at the end of every layer. A stage goes to OpenVINO's reader as torch's
tracer writes it down. `openvino.convert_model` does the same in four times the time, and reports to
its makers that it was used. Joined stages are put together from the models of their parts.
"""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from livebend.core.errors import BackendError
from livebend.device.openvino_import import import_openvino
from livebend.device.torch_threads import takes_most
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import (
    Inputs,
    Loading,
    Runner,
    StaleEngine,
    Target,
    check_types,
    plain,
    require,
)
from livebend.models.backends.read_ahead import ReadAhead
from livebend.models.stages import Stage

TYPES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16", torch.uint8: "u8"}
NAMES = {name: dtype for dtype, name in TYPES.items()}


class OpenVinoBackend:
    """OpenVINO on a processor, or on an Intel GPU or NPU, which compute in half precision."""

    name = "openvino"
    devices = ("cpu", "gpu", "npu")
    own_threads = True
    strided = False
    copies = True
    packages: tuple[str, ...] = ("openvino",)

    def __init__(self, target: Target) -> None:
        """Raises: BackendError where OpenVINO is not installed."""
        require("openvino")
        openvino = import_openvino()
        self._target, self._device = target, target.device.upper()
        self._version, self._core = openvino.__version__, openvino.Core()
        self._models: dict[tuple[object, ...], Any] = {}  # of stages, to be joined

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Loading:
        """Return what loads the stage as a function; it computes in the precision of its inputs, or
        in that of the device. Raises: BackendError."""
        check_types(stage, inputs, TYPES)
        config = self._config(inputs)
        more = (self._version, self._device, sorted(config.items()))
        file = store.file(self.name, stage.name, inputs.shapes, more, ".blob")
        if file.is_file():
            return partial(self._read, file, config, store.ahead)
        if not build:
            raise BackendError(f"{file.stem} is not compiled yet: livebend tune")
        try:
            model = self._models[stage.name, inputs.size] = self._model(stage, inputs)
        except Exception as fault:  # readers raise anything
            raise BackendError(f"{stage.name}: cannot be converted: {_named(fault)}") from fault
        return partial(self._compile, model, stage.name, config, store, file)

    def _config(self, inputs: Inputs) -> dict[str, Any]:
        config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if self._target.device == "cpu":
            config["INFERENCE_NUM_THREADS"] = self._target.threads
            config["ENABLE_CPU_PINNING"] = takes_most(self._target.threads)
            config["INFERENCE_PRECISION_HINT"] = TYPES[inputs.tensors[0].dtype]
        elif self._target.device == "gpu":
            config["INFERENCE_PRECISION_HINT"] = "f16"
        return config

    def _read(self, file: Path, config: Mapping[str, Any], ahead: ReadAhead | None) -> Runner:
        """Raises: StaleEngine where the file is broken, and removes it."""
        try:
            if ahead and (compiled := ahead.take(file, self._device, config)) is not None:
                return _Request(compiled)
            return _Request(self._core.import_model(file.read_bytes(), self._device, config))
        except (RuntimeError, OSError) as fault:
            file.unlink(missing_ok=True)
            raise StaleEngine(f"{file.stem} is broken: {_named(fault)}") from fault

    def _compile(
        self, model: Any, name: str, config: Mapping[str, Any], store: EngineCache, file: Path
    ) -> Runner:
        try:
            compiled = self._core.compile_model(model, self._device, config)
            blob = compiled.export_model().getvalue()
            store.write(file, lambda part: part.write_bytes(blob))
            if store.ahead:
                store.ahead.made(file, self._device, config)
            return _Request(compiled)
        except (RuntimeError, OSError) as fault:
            raise BackendError(f"{name}: cannot be compiled: {_named(fault)}") from fault

    def _model(self, stage: Stage, inputs: Inputs) -> Any:
        """The stage as OpenVINO's model, put together from its parts where they are known."""
        sizes = [inputs.size if part.sized_by else None for part in stage.parts]
        known = [
            self._models.get((p.name, size)) for p, size in zip(stage.parts, sizes, strict=True)
        ]
        if stage.parts and None not in known:
            return _joined(stage, inputs, known)
        return _converted(stage, inputs)


def _joined(stage: Stage, inputs: Inputs, models: list[Any]) -> Any:
    """The models of a stage's parts as one."""
    from openvino import Model, op  # noqa: PLC0415 - where it is used

    parameters = [op.Parameter(_type(x.dtype), _shape(x.shape)) for x in inputs.tensors]
    known = {site: p.output(0) for site, p in zip(stage.reads, parameters, strict=True)}
    for part, model in zip(stage.parts, models, strict=True):
        own = model.clone()
        for site, port in zip(part.reads, own.get_parameters(), strict=True):
            if site in part.attentions:  # a factor of ones, as nothing is bent here
                ones = op.Constant(port.get_element_type(), port.get_output_shape(0), [1.0])
                known[site] = ones.output(0)
            port.output(0).replace(known[site])
        for site, result in zip(part.writes, own.get_results(), strict=True):
            known[site] = result.input_value(0)
    joined = Model([op.Result(known[site]) for site in stage.writes], parameters, stage.name)
    joined.validate_nodes_and_infer_types()
    return joined


def _converted(stage: Stage, inputs: Inputs) -> Any:
    """The stage as OpenVINO's model, with these fixed shapes. Raises: RuntimeError."""
    from openvino.frontend import FrontEndManager  # noqa: PLC0415 - where it is used
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415

    run, examples = plain(stage, inputs), inputs.examples()

    # As a function: traced as a module, each stage would bring all of its network along. Unchecked:
    # the factor on attention hangs itself in and out while a stage runs, which looks like a change.
    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        return run(*tensors)

    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer: shapes are meant to be constants
        traced = torch.jit.trace(function, examples, check_trace=False)  # type: ignore[no-untyped-call]
    reader = FrontEndManager().load_by_framework("pytorch")
    # Weights are copied: those that lie channels-last are turned, and nobody else holds the result.
    # The model reads the decoder to its end, so it is held until there is nothing left to read.
    decoder = TorchScriptPythonDecoder(traced, example_input=examples, shared_memory=False)
    model = reader.convert(reader.load(decoder))
    for parameter, x in zip(model.get_parameters(), examples, strict=True):
        parameter.set_element_type(_type(x.dtype))
        parameter.set_partial_shape(_shape(x.shape))
    model.validate_nodes_and_infer_types()
    return model


class _Request:
    """A compiled model with the memory that it reads and writes, which is always the same: to bind
    it to a call's own tensors takes longer than to copy these."""

    def __init__(self, model: Any) -> None:
        self._request = model.create_infer_request()
        self._read = [_memory(port) for port in model.inputs]
        self._written = [_memory(port) for port in model.outputs]
        for n, x in enumerate(self._read):
            self._request.set_input_tensor(n, _shared(x))
        for n, y in enumerate(self._written):
            self._request.set_output_tensor(n, _shared(y))

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        for place, x in zip(self._read, tensors, strict=True):
            place.copy_(x)
        self._request.start_async()  # `infer` makes a dictionary of all results, too
        self._request.wait()
        return tuple([y.clone() for y in self._written])


def _memory(port: Any) -> Tensor:
    with torch.inference_mode(False):
        return torch.empty(tuple(port.shape), dtype=NAMES[port.get_element_type().to_string()])


def _shared(tensor: Tensor) -> Any:
    """A tensor of OpenVINO's in the memory of one of torch's, which must be held."""
    from openvino import Shape, Tensor  # noqa: PLC0415 - where it is used

    array = (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return Tensor(array, Shape(tuple(tensor.shape)), _type(tensor.dtype))


def _type(dtype: torch.dtype) -> Any:
    from openvino import Type  # noqa: PLC0415 - where it is used

    return getattr(Type, TYPES[dtype])


def _shape(shape: Sequence[int]) -> Any:
    from openvino import PartialShape  # noqa: PLC0415 - where it is used

    return PartialShape(list(shape))


def _named(fault: BaseException) -> str:
    """What OpenVINO says of a fault: the last of its lines, after those that say where."""
    return " ".join(str(fault).strip().splitlines()[-1:]) or type(fault).__name__
