"""Stages compiled ahead of time by torch's inductor and captured as CUDA graphs, on a GPU.

Ahead of time and not just in time: a stage's library is loaded in milliseconds at the next start,
and nothing is traced, guarded or compiled during a show. On a processor OpenVINO is faster.
Source: AOTInductor, in torch's documentation.
"""

import os
import shutil
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from livebend.core.errors import BackendError, one_line
from livebend.models.backends.cuda_graphs import captured
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Inputs, Loading, Runner, Target, TracedStage
from livebend.models.stages import Stage

# Weights are constants of the library, so that they are laid out for the device once.
CONFIG = {"freezing": True}


class CompiledBackend:
    """torch's inductor, ahead of time."""

    name = "compiled"
    devices = ("cuda",)
    own_threads = False
    strided = True
    copies = True
    packages: tuple[str, ...] = ()

    def __init__(self, target: Target) -> None:
        pass

    def load(self, stage: Stage, inputs: Inputs, store: EngineCache, *, build: bool) -> Loading:
        """Capture the stage's library. Raises: BackendError."""
        file = store.file(self.name, stage.name, inputs.signature, sorted(CONFIG.items()), ".pt2")
        if not file.is_file():
            if not build:
                raise BackendError(f"{stage.name} is not compiled yet: livebend tune")
            _compile(stage, inputs, store, file)
        try:
            runner = captured(stage, _library(file), inputs)
        except (RuntimeError, OSError, zipfile.BadZipFile) as fault:
            raise BackendError(f"{stage.name}: cannot be loaded: {one_line(fault)}") from fault
        return lambda: runner


def _library(file: Path) -> Runner:
    """A package as a function. Raises: RuntimeError."""
    # Not torch._inductor's wrapper, which takes seconds to import and checks each call's shapes.
    # Single-threaded, since locks cannot be captured; only the captured graph is replayed.
    loader = torch._C._aoti.AOTIModelPackageLoader(str(file), "model", True, 1, -1)

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(loader.boxed_run(list(tensors)))

    return run


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
