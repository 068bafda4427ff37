"""The devices that a network can run on, as `--device` names them, and which one is taken.

cpu   the processor                      gpu, npu   Intel's, by OpenVINO
cuda  an NVIDIA GPU, by torch            mps        Apple's GPU, by torch
"""

import importlib.util

import torch

from livebend.core.errors import Refused, UnknownName
from livebend.device.openvino_import import import_openvino

AUTO = "auto"
DEVICES = ("cpu", "gpu", "npu", "cuda", "mps")
EMBEDDED = "tiny"  # a model so small that the processor is as fast as a small GPU


def here() -> tuple[str, ...]:
    """Return the devices of this machine, the fastest first. Asks OpenVINO, which takes moments."""
    found = [name for name in ("cuda", "mps") if _has(name)]
    return (*found, *openvino_devices(), "cpu")


def usual(model: str = EMBEDDED) -> str:
    """Return the device that a model of that name runs on if none is named: an Intel GPU only for
    others than the embedded one, and where there is no other GPU."""
    if found := next((name for name in ("cuda", "mps") if _has(name)), ""):
        return found
    return "gpu" if model != EMBEDDED and "gpu" in openvino_devices() else "cpu"


def device_of(name: str, model: str) -> str:
    """Return the device named, or the usual one for a model. Raises: Refused where it is unknown or
    not here."""
    if name == AUTO:
        return usual(model)
    if name not in DEVICES:
        raise UnknownName("device", name, (AUTO, *DEVICES))
    if name != "cpu" and name not in (found := here()):
        raise Refused(f"device = {name}: not here; expected {' or '.join(found)}")
    return name


def on_torch(device: str) -> torch.device:
    """Return where torch keeps the tensors of a network that runs on a device."""
    return torch.device(device if device in ("cuda", "mps") else "cpu")


def openvino_devices() -> tuple[str, ...]:
    """Return OpenVINO's devices besides the processor."""
    if importlib.util.find_spec("openvino") is None:
        return ()
    core = import_openvino().Core()
    found = {name.partition(".")[0].lower() for name in core.available_devices}
    return tuple(name for name in ("gpu", "npu") if name in found)


def _has(name: str) -> bool:
    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()
