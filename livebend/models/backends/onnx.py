"""Stages exported once and run by ONNX Runtime, on torch's own memory.

Inputs are bound by name, since the exporter drops those that a stage does not use, and made
contiguous, since they are bound by pointer and shape, without strides.
"""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from livebend.core.errors import BackendError, one_line
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import (
    Inputs,
    Loading,
    Runner,
    Target,
    TracedStage,
    check_types,
    require,
)
from livebend.models.stages import Stage

OPSET = 17
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
TYPES = {torch.float32: 1, torch.uint8: 2, torch.float16: 10}  # as ONNX numbers them
NAMES = {
    "tensor(float)": torch.float32,
    "tensor(uint8)": torch.uint8,
    "tensor(float16)": torch.float16,
}


class OnnxBackend:
    """ONNX Runtime."""

    name = "onnx"
    devices = tuple(PROVIDERS)
    own_threads = True
    strided = False
    copies = True
    packages: tuple[str, ...] = ("onnxruntime",)

    def __init__(self, target: Target) -> None:
        """Raises: BackendError where ONNX Runtime is not installed."""
        require("onnxruntime")
        self._threads = target.threads

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Loading:
        """Return what loads the stage's session as a function. Raises: BackendError."""
        check_types(stage, inputs, TYPES)
        file = store.file(self.name, stage.name, inputs.shapes, OPSET, ".onnx")
        if not file.is_file():
            if not build:
                raise BackendError(f"{stage.name} is not exported yet: livebend tune")
            _export(stage, inputs, store, file)
        device = inputs.tensors[0].device
        provider = _provider(stage, device)
        return lambda: _runner(_session(stage, file, provider, self._threads), device)


def _export(stage: Stage, inputs: Inputs, store: EngineCache, file: Path) -> None:
    require("onnx")
    traced, examples = TracedStage(stage, inputs.size).eval(), inputs.examples()

    def write(part: Path) -> None:
        torch.onnx.export(
            traced,
            examples,
            part,
            dynamo=False,
            opset_version=OPSET,
            input_names=[f"read.{n}" for n in range(len(examples))],
            output_names=[f"write.{n}" for n in range(len(stage.writes))],
        )

    try:
        with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's: shapes are meant to be constants
            store.write(file, write)
    except Exception as fault:  # the exporter raises anything
        raise BackendError(f"{stage.name}: cannot be exported: {one_line(fault)}") from fault


def _provider(stage: Stage, device: torch.device) -> tuple[str, dict[str, str]]:
    """The execution provider for a device with its options. Raises: BackendError."""
    import onnxruntime  # noqa: PLC0415 - an optional package

    wanted = PROVIDERS.get(device.type, "")
    if wanted not in onnxruntime.get_available_providers():
        raise BackendError(f"{stage.name}: this onnxruntime cannot use {device.type}")
    if device.type != "cuda":
        return wanted, {}
    stream = torch.cuda.current_stream(device).cuda_stream  # so that neither waits for the other
    return wanted, {"device_id": str(device.index or 0), "user_compute_stream": str(stream)}


def _session(stage: Stage, file: Path, provider: tuple[str, dict[str, str]], threads: int) -> Any:
    import onnxruntime  # noqa: PLC0415 - an optional package

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads spin between layers, and sleep as soon as the stage is done.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(file, options, providers=[provider])
    except Exception as fault:  # the runtime's own exceptions have no common base
        raise BackendError(f"{stage.name}: cannot be loaded: {one_line(fault)}") from fault
    if (got := session.get_providers()[0]) != provider[0]:
        raise BackendError(f"{stage.name}: {provider[0]} stepped back for {got}")
    return session


def _runner(session: Any, device: torch.device) -> Runner:
    where = (device.type, device.index or 0)
    reads = [(i.name, int(i.name.partition(".")[2])) for i in session.get_inputs()]
    writes = [(o.name, tuple(o.shape), NAMES[o.type]) for o in session.get_outputs()]

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        binding = session.io_binding()
        read = [(name, tensors[n].contiguous()) for name, n in reads]  # held until it has run
        for name, x in read:
            binding.bind_input(name, *where, TYPES[x.dtype], tuple(x.shape), x.data_ptr())
        made = []
        for name, shape, dtype in writes:
            y = torch.empty(shape, dtype=dtype, device=device)
            binding.bind_output(name, *where, TYPES[dtype], shape, y.data_ptr())
            made.append(y)
        session.run_with_iobinding(binding)
        return tuple(made)

    return run
