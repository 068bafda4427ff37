"""Python, the packages, torch and its GPU, and OpenVINO."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from livebend.cli.doctor.findings import AGAIN, Finding
from livebend.cli.doctor.questions import TIMEOUT, Answer, Ask, NoAnswer, ask

ASK_TORCH = """
import json, torch
cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
gpu = torch.cuda.get_device_name() if cuda else "Apple GPU" if mps else ""
memory = torch.cuda.get_device_properties(0).total_memory / 2**30 if cuda else 0.0
print(json.dumps(dict(version=torch.__version__, cuda=torch.version.cuda or "", gpu=gpu,
                      memory=round(memory), threads=torch.get_num_threads())))
"""
ASK_OPENVINO = """
import json, openvino
core = openvino.Core()
named = {d.partition(".")[0].lower(): core.get_property(d, "FULL_DEVICE_NAME")
         for d in reversed(core.available_devices)}
version = openvino.__version__.partition("-")[0]
print(json.dumps(dict(version=version, devices=named)))
"""


def python() -> Finding:
    """The Python that runs livebend."""
    return Finding("Python", f"{sys.version.split()[0]} ({sys.executable})")


def packages(
    require: Callable[[str], Sequence[str] | None] = importlib.metadata.requires,
) -> Finding:
    """Whether every package that livebend depends on is installed."""
    needs = [need for need in require("livebend") or () if "extra ==" not in need]
    names = [re.split(r"[^\w.-]", need)[0] for need in needs]
    missing = [name for name in names if _version(name) is None]
    if missing:
        return Finding("packages", f"missing: {', '.join(missing)}", False, AGAIN)
    shown = ", ".join(f"{name} {_version(name)}" for name in ("diffusers", "transformers", "numpy"))
    return Finding("packages", f"all {len(names)}, {shown}")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def torch(ask: Ask = ask, has_nvidia: Callable[[], bool] | None = None) -> list[Finding]:
    """The build of torch, and the GPU it can use."""
    try:
        answer = ask(ASK_TORCH)
    except NoAnswer as fault:
        return [Finding("torch", str(fault), False, AGAIN)]
    kind = f"CUDA {answer['cuda']} build" if answer["cuda"] else "CPU build"
    build = Finding("torch", f"{answer['version']}, {kind}, {answer['threads']} threads")
    return [build, _gpu(answer, (has_nvidia or nvidia_here)())]


def _gpu(answer: Answer, nvidia: bool) -> Finding:
    cuda = answer["cuda"]
    if answer["gpu"]:
        memory = f", {answer['memory']} GiB" if answer["memory"] else ""
        return Finding("GPU", f"{answer['gpu']}{memory}")
    if nvidia and cuda:
        advice = f"its driver is too old for CUDA {cuda}: update it, then start the machine anew"
        return Finding("GPU", "an NVIDIA GPU that torch cannot use", None, advice)
    if nvidia:
        return Finding("GPU", "an NVIDIA GPU, but torch is a CPU build", None, AGAIN)
    return Finding("GPU", "none: the model tiny is made for that; larger ones are slow here", None)


def nvidia_here() -> bool:
    """Whether the system's own tool lists an NVIDIA GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        done = subprocess.run(
            [tool, "-L"], capture_output=True, text=True, check=False, timeout=TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "GPU 0:" in done.stdout


def openvino(ask: Ask = ask) -> Finding:
    """OpenVINO, and what `--device` can name of it."""
    try:
        answer = ask(ASK_OPENVINO)
    except NoAnswer as fault:
        return Finding("OpenVINO", f"{fault}; torch runs the network, slower", None, AGAIN)
    devices = answer["devices"]
    named = devices.items() if isinstance(devices, dict) else ()
    shown = ", ".join(f"{name} ({kind})" for name, kind in named)
    return Finding("OpenVINO", f"{answer['version']} for --device {shown}")
