"""`livebend doctor`: what this machine has for livebend, what it lacks, and what to do about it.

What is heavy or may fail hard (torch, PortAudio, SDL) is asked in a Python of its own: a broken
library costs a line here, not the whole report, and livebend's own process stays free of torch.
"""

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

OSC = ("127.0.0.1", 8000)
TINY = Path(__file__).parent.parent / "models" / "tiny"
TURBO = "stabilityai/sd-turbo"
PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
AGAIN = "set up again: remove the folder .venv, then run scripts/livebend"
PATIENCE = 120.0  # s, for one question

ASK_TORCH = """
import json, torch
cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
gpu = torch.cuda.get_device_name() if cuda else "Apple GPU" if mps else ""
memory = torch.cuda.get_device_properties(0).total_memory / 2**30 if cuda else 0.0
print(json.dumps(dict(version=torch.__version__, cuda=torch.version.cuda or "", gpu=gpu,
                      memory=round(memory), threads=torch.get_num_threads())))
"""
ASK_SOUND = """
import json, sounddevice as sd
inputs = [d for d in sd.query_devices() if d["max_input_channels"] > 0]
default = sd.default.device[0]
name = sd.query_devices(default)["name"] if default >= 0 else ""
version = sd.get_portaudio_version()[1].split(",")[0]
print(json.dumps(dict(version=version, inputs=len(inputs), default=name)))
"""
ASK_DISPLAY = """
import json, pygame
pygame.display.init()
sizes = [list(size) for size in pygame.display.get_desktop_sizes()]
print(json.dumps(dict(driver=pygame.display.get_driver(), sizes=sizes)))
"""
ASK_CODECS = """
import av, json
have = [name for name in ("libx264", "aac") if name in av.codecs_available]
print(json.dumps(dict(version=av.__version__, have=have)))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: True = here, None = livebend can do without it, False = essential and
    missing. `advice` is the exact command or setting that mends it."""

    what: str
    found: str
    ok: bool | None = True
    advice: str = ""


class Unanswered(Exception):
    """A question's Python ended without an answer; the message is its last word."""


Answer = dict[str, object]
Ask = Callable[[str], Answer]


def ask(question: str) -> Answer:
    """Run Python code of its own and return the JSON object of its last line.

    Raises: Unanswered.
    """
    quiet = {**os.environ, "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    command = [sys.executable, "-c", question]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=quiet
        )
    except subprocess.TimeoutExpired as late:
        raise Unanswered(f"no answer within {PATIENCE:.0f} s") from late
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode or not said:
        raise Unanswered(said[-1] if said else f"ended with status {done.returncode}")
    answer: Answer = json.loads(said[-1])
    return answer


def run(options: argparse.Namespace) -> int:
    """Say what is here; the status is 1 where something needed is not."""
    findings = examine()
    print(as_json(findings) if options.json else as_text(findings))
    return 0 if healthy(findings) else 1


def examine() -> list[Finding]:
    """Look at everything, in the order in which it is needed."""
    return [
        python(),
        packages(),
        *torch(),
        sound(),
        display(),
        codecs(),
        tiny_model(),
        turbo_model(),
        presets(),
        osc_port(),
    ]


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing essential is missing."""
    return all(finding.ok is not False for finding in findings)


def as_text(findings: Sequence[Finding]) -> str:
    """Return the findings as aligned lines, advice below what it is for."""
    width = max((len(f.what) for f in findings), default=0)
    marks = {True: "ok", None: "--", False: "!!"}
    lines = []
    for f in findings:
        lines.append(f"{marks[f.ok]}  {f.what:<{width}}  {f.found}")
        if f.advice:
            lines.append(f"    {'':<{width}}  -> {f.advice}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list of objects."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


# The looks, one function each


def python() -> Finding:
    """The Python that runs livebend."""
    return Finding("Python", f"{sys.version.split()[0]} ({sys.executable})")


def packages(
    require: Callable[[str], Sequence[str] | None] = importlib.metadata.requires,
) -> Finding:
    """Whether every package livebend depends on is installed."""
    needs = [need for need in require("livebend") or () if "extra ==" not in need]
    names = [re.split(r"[^\w.-]", need)[0] for need in needs]
    missing = [name for name in names if _version(name) is None]
    if missing:
        return Finding("packages", f"missing: {', '.join(missing)}", False, AGAIN)
    shown = ", ".join(f"{name} {_version(name)}" for name in ("diffusers", "transformers", "numpy"))
    return Finding("packages", f"all {len(names)}, {shown}")


def torch(ask: Ask = ask, has_nvidia: Callable[[], bool] | None = None) -> list[Finding]:
    """The build of torch, and the GPU it can use."""
    try:
        said = ask(ASK_TORCH)
    except Unanswered as fault:
        return [Finding("torch", str(fault), False, AGAIN)]
    kind = f"CUDA {said['cuda']} build" if said["cuda"] else "CPU build"
    build = Finding("torch", f"{said['version']}, {kind}, {said['threads']} threads")
    return [build, _gpu(said, (has_nvidia or nvidia_here)())]


def _gpu(said: Answer, nvidia: bool) -> Finding:
    if said["gpu"]:
        memory = f", {said['memory']} GiB" if said["memory"] else ""
        return Finding("GPU", f"{said['gpu']}{memory}")
    if nvidia and said["cuda"]:
        advice = (
            f"its driver is too old for CUDA {said['cuda']}: update it, then start the machine anew"
        )
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
            [tool, "-L"], capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "GPU 0:" in done.stdout


def sound(ask: Ask = ask) -> Finding:
    """PortAudio, and the input that is heard when none is named."""
    try:
        said = ask(ASK_SOUND)
    except Unanswered as fault:
        advice = f"{install_portaudio()}; until then: --input demo or a file"
        return Finding("sound", f"no PortAudio: {fault}", None, advice)
    count = said["inputs"]
    if not count:
        advice = "plug a device in, or play with --input demo, or a file"
        return Finding("sound", f"{said['version']}, no input", None, advice)
    default = said["default"] or "none is the default: name one with --input"
    return Finding("sound", f"{said['version']}, {count} inputs, default {default}")


def install_portaudio(system: str = sys.platform) -> str:
    """Return the line that brings PortAudio to this system."""
    if system != "linux":
        return "pip install --force-reinstall sounddevice"
    tools = {
        "apt-get": "sudo apt-get install -y libportaudio2",
        "dnf": "sudo dnf install -y portaudio",
        "pacman": "sudo pacman -S --noconfirm portaudio",
    }
    lines = (line for tool, line in tools.items() if shutil.which(tool))
    return next(lines, "install the system's package of PortAudio")


def display(ask: Ask = ask) -> Finding:
    """Where the window can be shown."""
    named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform == "linux" and not (named or os.environ.get("SDL_VIDEODRIVER")):
        return Finding(
            "display", "none", None, "live renders into livebend-demo.mp4; or set DISPLAY"
        )
    try:
        said = ask(ASK_DISPLAY)
    except Unanswered as fault:
        return Finding("display", str(fault), None, "livebend live --headless --record OUT.mp4")
    sizes = said["sizes"]
    shown = [f"{width}x{height}" for width, height in sizes] if isinstance(sizes, list) else []
    return Finding("display", f"{', '.join(shown)} ({said['driver']})")


def codecs(ask: Ask = ask) -> Finding:
    """What a recording is written with."""
    try:
        said = ask(ASK_CODECS)
    except Unanswered as fault:
        return Finding("recording", str(fault), False, AGAIN)
    have = said["have"]
    lacking = [c for c in ("libx264", "aac") if not isinstance(have, list) or c not in have]
    if lacking:
        advice = "pip install --force-reinstall av"
        return Finding("recording", f"PyAV without {' and '.join(lacking)}", None, advice)
    return Finding("recording", f"PyAV {said['version']}: H.264 and AAC into mp4")


def tiny_model(folder: Path = TINY) -> Finding:
    """The embedded model."""
    lacking = incomplete(folder)
    if lacking:
        advice = "take a fresh copy of livebend, or name another with --model"
        return Finding("model tiny", f"incomplete: no {', '.join(lacking)}", False, advice)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Finding("model tiny", f"complete, {size / 1e6:.0f} MB")


def turbo_model(hub: Path | None = None) -> Finding:
    """The default model for a GPU, in the hub's cache on this machine."""
    name = "model sd-turbo"
    kept = (hub or hub_cache()) / f"models--{TURBO.replace('/', '--')}" / "snapshots"
    whole = [s for s in kept.glob("*") if not incomplete(s)]
    if whole:
        return Finding(name, str(whole[0]))
    advice = f"with a GPU: the first `livebend --model {TURBO}` fetches it"
    return Finding(name, "not on this machine", None, advice)


def incomplete(folder: Path) -> list[str]:
    """Return what a model's folder lacks: its index, a part, or the weights of a part."""
    lacking = [] if (folder / "model_index.json").is_file() else ["model_index.json"]
    for part in PARTS:
        weights = list((folder / part).glob("*.safetensors")) + list((folder / part).glob("*.bin"))
        files = weights if part in PARTS[:3] else list((folder / part).glob("*.json"))
        if not files:
            lacking.append(part)
    return lacking


def hub_cache() -> Path:
    """Return the folder where the hub's library keeps models."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    home = os.environ.get("HF_HOME") or Path(
        os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "huggingface"
    )
    return Path(home) / "hub"


def presets() -> Finding:
    """The presets, and which of them cannot be read."""
    from livebend.scene.presets import (  # noqa: PLC0415 - with its imports
        built_in_folder,
        list_presets,
        user_folder,
    )

    here, found = built_in_folder(), list_presets()
    if not found:
        return Finding("presets", f"none in {here}", False, "take a fresh copy of livebend")
    unread = [info.name for info in found if not _is_toml(info.file)]
    if unread:
        return Finding("presets", f"cannot be read: {', '.join(unread)}", None, "livebend presets")
    return Finding("presets", f"{len(found)} in {here}; your own in {user_folder()}")


def osc_port(address: tuple[str, int] = OSC) -> Finding:
    """Whether the port that OSC comes in on is free."""
    host, port = address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address)
        except OSError as fault:
            advice = f"end the program that has it (another livebend?), or --osc {host}:{port + 1}"
            return Finding("OSC", f"{host}:{port} is taken: {fault.strerror}", None, advice)
    return Finding("OSC", f"{host}:{port} is free")


def _is_toml(file: Path) -> bool:
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # a TOML or Unicode error is a ValueError
        return False
    return True


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
