"""Stages compiled ahead of time by torch's inductor, one small library each.

Ahead of time and not just in time: a stage's library is loaded in milliseconds at the next start,
and nothing is traced, guarded or compiled during a show. On a GPU the library is captured as a CUDA
graph when it is loaded. Source: AOTInductor, in torch's documentation.
"""

import os
import shutil
import warnings
import zipfile
from pathlib import Path

import torch

from livebend.core.errors import BackendError, one_line
from livebend.device.gpu import gpu_of
from livebend.models.backends.aot_library import open_library
from livebend.models.backends.cuda_graphs import captured
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Inputs, Runner, TracedStage
from livebend.models.stages import Stage

# Weights are constants of the library, so that convolutions are laid out for the processor once and
# products with the same input (queries, keys, values) are computed as one.
CONFIG = {"freezing": True, "cpp.enable_concat_linear": True}


class CompiledBackend:
    """torch's inductor, ahead of time."""

    name = "compiled"
    devices = ("cpu", "cuda")
    own_threads = False

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Runner:
        """Return the stage's library as a function. Raises: BackendError."""
        more = (torch.get_num_threads(), sorted(CONFIG.items()))
        file = store.file(self.name, stage.name, inputs.signature, more, ".pt2")
        if not file.is_file():
            if not build:
                raise BackendError(f"{stage.name} is not compiled yet: livebend tune")
            _compile(stage, inputs, store, file)
        device = inputs.tensors[0].device
        try:
            run = open_library(file, device)
        except (RuntimeError, OSError, zipfile.BadZipFile) as fault:
            raise BackendError(f"{stage.name}: cannot be loaded: {one_line(fault)}") from fault
        return run if gpu_of(device) is None else captured(stage, run, inputs)


def _compile(stage: Stage, inputs: Inputs, store: EngineCache, file: Path) -> None:
    """Compile a stage into a file. Raises: BackendError."""
    compiler = os.environ.get("CXX") or next(filter(shutil.which, ("g++", "clang++", "cl")), "")
    if not shutil.which(compiler):
        raise BackendError("needs a C++ compiler (g++, clang++ or cl), and there is none")
    examples, traced = inputs.examples(), TracedStage(stage, inputs.size).eval()

    def write(part: Path) -> None:
        exported = torch.export.export(traced, examples, strict=False)
        torch._inductor.aoti_compile_and_package(
            exported,
            package_path=str(part),
            inductor_configs=dict(CONFIG),  # a copy, since inductor adds to it
        )

    try:
        with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice for authors of compilers
            store.write(file, write)
    except Exception as fault:  # compilers raise anything
        raise BackendError(f"{stage.name}: cannot be compiled: {one_line(fault)}") from fault
