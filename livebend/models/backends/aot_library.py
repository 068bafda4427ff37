"""A library that AOTInductor made, called without holding Python's lock.

torch's own loader holds the lock while a library runs, so the audio worker would wait for the end
of a stage. On a processor the library is called through ctypes instead, which releases the lock.
Source: AOTInductor's C interface, torch/csrc/inductor/aoti_runtime/interface.h.
"""

import ctypes
import tempfile
import zipfile
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_size_t, c_void_p, py_object
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from livebend.models.backends.protocol import Runner

SUFFIXES = (".so", ".pyd", ".dll")  # of a shared library
ONE = c_size_t(1)

_pointer = ctypes.PYFUNCTYPE(c_void_p, py_object, c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_capsule = ctypes.PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)


def open_library(file: Path, device: torch.device) -> Runner:
    """Return the library in a package as a function. Raises: RuntimeError, OSError."""
    names = zipfile.ZipFile(file).namelist()
    libraries = [name for name in names if name.endswith(SUFFIXES)]
    # Kernels that the C interface lacks: only the loader can call those.
    foreign = any("extern_kernel_nodes" in name for name in names)
    if device.type == "cpu" and len(libraries) == 1 and not foreign:
        return Library(file, libraries[0])
    # Not torch._inductor's wrapper, which takes seconds to import and checks each call's shapes. On
    # a GPU single-threaded, since locks cannot be captured; only the captured graph is replayed.
    single_threaded = device.type == "cuda"
    loader = torch._C._aoti.AOTIModelPackageLoader(str(file), "model", single_threaded, 1, -1)
    return lambda *tensors: tuple(loader.boxed_run(list(tensors)))


class Library:
    """One library on the processor. Its calls may come from any one thread."""

    def __init__(self, package: Path, name: str) -> None:
        """Raises: RuntimeError, OSError."""
        # Some systems cannot delete a library that is loaded.
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with folder as place, zipfile.ZipFile(package) as archive:
            self._library: Any = ctypes.CDLL(archive.extract(name, place))
        self._model, count = c_void_p(), c_size_t()
        _check(
            self._library.AOTInductorModelContainerCreateWithDevice(
                byref(self._model), ONE, b"cpu", None
            )
        )
        _check(self._library.AOTInductorModelContainerGetNumOutputs(self._model, byref(count)))
        self._outputs = c_void_p * count.value

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Run it; the library takes over the handles of the inputs. Raises: RuntimeError."""
        read, made = _handles(tensors), self._outputs()
        _check(
            self._library.AOTInductorModelContainerRun(
                self._model, read, c_size_t(len(read)), made, c_size_t(len(made)), None, None
            )
        )
        capsules = [_capsule(pointer, None, None) for pointer in made]
        return tuple(torch._C._aoti.alloc_tensors_by_stealing_from_void_ptrs(capsules))


def _handles(tensors: Sequence[Tensor]) -> "ctypes.Array[c_void_p]":
    capsules = torch._C._aoti.unsafe_alloc_void_ptrs_from_tensors(list(tensors))
    return (c_void_p * len(capsules))(*(_pointer(capsule, None) for capsule in capsules))


def _check(status: int) -> None:
    if status:
        raise RuntimeError("the library failed; it has said why on the error output")
