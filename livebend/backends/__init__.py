"""Backends: what runs the stages of the network. Bends run between stages, whatever runs these.

    torch      the library's modules as they are: nothing to prepare, the reference for the others
    compiled   every stage compiled ahead of time by torch's inductor (needs a C++ compiler), and
               captured as a CUDA graph on a GPU
    graphs     every stage captured as a CUDA graph, on a GPU
    onnx       every stage exported once and run by ONNX Runtime
    auto       for every stage the fastest of them, as `livebend tune` has measured here

A backend is one file with a class that fulfils `contract.Backend`, and one line in `engine.TABLE`.
"""

from livebend.backends.contract import Backend, Inputs
from livebend.backends.engine import BACKENDS, Engine, backends_on
from livebend.backends.store import Store

__all__ = ["BACKENDS", "Backend", "Engine", "Inputs", "Store", "backends_on"]
