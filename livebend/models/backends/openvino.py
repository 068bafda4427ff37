"""Stages compiled once by OpenVINO, which computes on threads of its own.

Those take work from one another: where another program keeps one waiting, the others go on, while
torch's all wait for it at the end of every layer. A stage goes to OpenVINO's reader as torch's
tracer writes it down. `openvino.convert_model` does the same in four times the time, and reports to
its makers that it was used.
"""

import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from livebend.core.errors import BackendError
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Inputs, Runner, check_types, plain, require
from livebend.models.stages import Stage

TYPES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16", torch.uint8: "u8"}
NAMES = {name: dtype for dtype, name in TYPES.items()}


class OpenVinoBackend:
    """OpenVINO on a processor."""

    name = "openvino"
    devices = ("cpu",)
    own_threads = True

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Runner:
        """Return the stage as a function that computes in the precision of its inputs, with as many
        threads as torch has here. Raises: BackendError."""
        require("openvino")
        check_types(stage, inputs, TYPES)
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": TYPES[inputs.tensors[0].dtype],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        more = (self._openvino.__version__, sorted(config.items()))
        file = store.file(self.name, stage.name, inputs.shapes, more, ".blob")
        try:
            model = self._read(file, config, build=build)
            if model is None:
                model = self._core.compile_model(_converted(stage, inputs), "CPU", config)
                blob = model.export_model().getvalue()
                store.write(file, lambda part: part.write_bytes(blob))
            return _Request(model)
        except (RuntimeError, OSError) as fault:
            raise BackendError(f"{stage.name}: cannot be compiled: {_named(fault)}") from fault

    @cached_property
    def _openvino(self) -> Any:
        import openvino  # noqa: PLC0415 - an optional package

        return openvino

    @cached_property
    def _core(self) -> Any:
        return self._openvino.Core()

    def _read(self, file: Path, config: dict[str, Any], *, build: bool) -> Any:
        """The compiled model in a file; None where it is to be made: there is none, or a broken
        one. Raises: BackendError where it is not to be made, OSError."""
        broken = "is not compiled yet"
        if file.is_file():
            try:
                return self._core.import_model(file.read_bytes(), "CPU", config)
            except RuntimeError as fault:
                broken = f"is broken: {_named(fault)}"
        if not build:
            raise BackendError(f"{file.stem} {broken}: livebend tune")
        return None


def _converted(stage: Stage, inputs: Inputs) -> Any:
    """The stage as OpenVINO's model, with these fixed shapes. Raises: RuntimeError."""
    from openvino import PartialShape, Type  # noqa: PLC0415 - an optional package
    from openvino.frontend import FrontEndManager  # noqa: PLC0415
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
        parameter.set_element_type(getattr(Type, TYPES[x.dtype]))
        parameter.set_partial_shape(PartialShape(list(x.shape)))
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
    from openvino import Shape, Tensor, Type  # noqa: PLC0415 - an optional package

    array = (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return Tensor(array, Shape(tuple(tensor.shape)), getattr(Type, TYPES[tensor.dtype]))


def _named(fault: BaseException) -> str:
    """What OpenVINO says of a fault: the last of its lines, after those that say where."""
    return " ".join(str(fault).strip().splitlines()[-1:]) or type(fault).__name__
