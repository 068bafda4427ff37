"""`livebend doctor`: what this machine has for livebend, what is missing, and what to do about it.

What is heavy or may crash (torch, PortAudio, SDL) is tried in a Python process of its own: a broken
library costs a line, not the whole report, and this process stays free of torch. For the same
reason the name of the default model, which loads torch, is repeated here; a test compares it.
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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from livebend.cli.no_display import DEMO_FILE, has_display
from livebend.control.osc_endpoint import HOST, PORT, is_loopback
from livebend.core.errors import LivebendError
from livebend.models.places import PARTS, TINY, snapshots
from livebend.outputs.display import wanted_index
from livebend.outputs.streams.kinds import KINDS, Kind

TURBO = "stabilityai/sd-turbo"
AGAIN = "set up again: remove the folder .venv, then run scripts/livebend"
TIMEOUT = 120.0  # s, for one question
MARKS: Mapping[bool | None, str] = {True: "ok", None: "--", False: "!!"}
COLOURS: Mapping[bool | None, int] = {True: 32, None: 33, False: 31}  # green, yellow, red
CODECS = ("libx264", "aac")

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
ASK_SOUND = """
import json, sounddevice as sd
inputs = [d for d in sd.query_devices() if d["max_input_channels"] > 0]
default = sd.default.device[0]
name = sd.query_devices(default)["name"] if default >= 0 else ""
version = sd.get_portaudio_version()[1].split(",")[0]
print(json.dumps(dict(version=version, inputs=len(inputs), default=name)))
"""
ASK_MIDI = """
import json
from livebend.control.midi.ports import RtMidiPorts
from livebend.control.midi.profiles import device_of
from livebend.core.errors import Refused
try:
    names, refused = [device_of(port) for port in RtMidiPorts().inputs()], ""
except Refused as why:
    names, refused = [], str(why)
print(json.dumps(dict(names=names, refused=refused)))
"""
ASK_CAMERAS = """
import json
from livebend.video.devices import list_cameras
print(json.dumps(dict(names=[camera.name for camera in list_cameras()])))
"""
ASK_DISPLAY = """
import json, pygame
from livebend.outputs.monitors import lister
pygame.display.init()
found = [[one.name, *one.size] for one in lister(pygame.Window(hidden=True))()]
print(json.dumps(dict(driver=pygame.display.get_driver(), displays=found)))
"""
ASK_MODELS = """
import json
from livebend.models.catalogue import catalogue
print(json.dumps(dict(models=[(m.name, m.sampled, m.refused) for m in catalogue()])))
"""
ASK_CODECS = f"""
import av, json
have = [name for name in {CODECS} if name in av.codecs_available]
print(json.dumps(dict(version=av.__version__, have=have)))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined."""

    what: str
    found: str
    ok: bool | None = True  # False = missing and essential, None = livebend can do without it
    advice: str = ""  # the exact command or setting that helps


class NoAnswer(Exception):
    """The Python process of a question failed; the message is the last line of its output."""


Answer = dict[str, object]
Ask = Callable[[str], Answer]


def ask(question: str, timeout: float = TIMEOUT) -> Answer:
    """Run Python code in a process of its own for up to `timeout` seconds; return the JSON object
    of its last line.

    Raises: NoAnswer.
    """
    quiet = {**os.environ, "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    command = [sys.executable, "-c", question]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout, env=quiet
        )
    except subprocess.TimeoutExpired as late:
        raise NoAnswer(f"no answer within {timeout:.0f} s") from late
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode or not lines:
        raise NoAnswer(lines[-1] if lines else f"ended with status {done.returncode}")
    answer: Answer = json.loads(lines[-1])
    return answer


def run(options: argparse.Namespace) -> int:
    """Print what is here; the exit status is 1 if something essential is missing."""
    findings = examine()
    print(as_json(findings) if options.json else as_text(findings))
    return 0 if healthy(findings) else 1


def examine() -> list[Finding]:
    """Examine everything, in the order in which a show needs it."""
    first = [python(), packages(), *torch(), openvino(), sound(), midi(), cameras(), display()]
    models = [tiny_model(), turbo_model(), *other_models()]
    return [*first, codecs(), streams(), *models, presets(), osc_port()]


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing essential is missing."""
    return all(finding.ok is not False for finding in findings)


def as_text(findings: Sequence[Finding], *, coloured: bool = False) -> str:
    """Return the findings as aligned lines, advice below what it is for; `coloured` for a
    terminal."""
    width = max((len(f.what) for f in findings), default=0)
    lines = []
    for f in findings:
        mark = f"\033[{COLOURS[f.ok]}m{MARKS[f.ok]}\033[0m" if coloured else MARKS[f.ok]
        lines.append(f"{mark}  {f.what:<{width}}  {f.found}")
        if f.advice:
            lines.append(f"    {'':<{width}}  -> {f.advice}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list of objects."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


# What is examined, one function each


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


def sound(ask: Ask = ask) -> Finding:
    """PortAudio, and the default input."""
    try:
        answer = ask(ASK_SOUND)
    except NoAnswer as fault:
        advice = f"{install_portaudio()}; until then: --input demo or a file"
        return Finding("sound", f"no PortAudio: {fault}", None, advice)
    version, count = answer["version"], answer["inputs"]
    if not count:
        advice = "plug a device in, or play with --input demo, or a file"
        return Finding("sound", f"{version}, no input", None, advice)
    default = answer["default"] or "none is the default: name one with --input"
    return Finding("sound", f"{version}, {count} inputs, default {default}")


def install_portaudio() -> str:
    """Return the command that installs PortAudio here."""
    if sys.platform != "linux":
        return "pip install --force-reinstall sounddevice"
    tools = {
        "apt-get": "sudo apt-get install -y libportaudio2",
        "dnf": "sudo dnf install -y portaudio",
        "pacman": "sudo pacman -S --noconfirm portaudio",
    }
    lines = (line for tool, line in tools.items() if shutil.which(tool))
    return next(lines, "install the system's package of PortAudio")


def midi(ask: Ask = ask) -> Finding:
    """The MIDI devices."""
    try:
        answer = ask(ASK_MIDI)
    except NoAnswer as fault:
        return Finding("MIDI", str(fault), None, "livebend plays without; pip install rtmidi2")
    if answer["refused"]:
        return Finding("MIDI", str(answer["refused"]).removeprefix("MIDI: "), None)
    names = answer["names"] if isinstance(answer["names"], list) else []
    return Finding("MIDI", ", ".join(map(str, names)) or "no device; plug one in at any time")


def cameras(ask: Ask = ask) -> Finding:
    """The cameras."""
    try:
        answer = ask(ASK_CAMERAS)
    except NoAnswer as fault:
        return Finding("cameras", str(fault), None, "livebend plays without one")
    names = answer["names"] if isinstance(answer["names"], list) else []
    numbered = ", ".join(f"{index} {name}" for index, name in enumerate(names))
    if not names:
        return Finding("cameras", "none; plug one in before the show", None)
    return Finding("cameras", numbered, advice="play over one with --picture camera:NAME")


def display(ask: Ask = ask, on: str = "-1") -> Finding:
    """Where a window can be shown; `on` = the picture's display, by name or index."""
    if not has_display():
        advice = f"live renders into {DEMO_FILE}; or set DISPLAY"
        return Finding("display", "none", None, advice)
    try:
        answer = ask(ASK_DISPLAY)
    except NoAnswer as fault:
        return Finding("display", str(fault), None, "livebend live --headless --record OUT.mp4")
    there = answer["displays"] if isinstance(answer["displays"], list) else []
    if not there:
        return Finding("display", f"none is on ({answer['driver']})", None, "switch one on")
    shown = (f"{index} {name} {wide}x{high}" for index, (name, wide, high) in enumerate(there))
    found = f"{', '.join(shown)} ({answer['driver']})"
    names = [name for name, _, _ in there]
    try:
        return Finding("display", f"{found}; the picture is on {names[wanted_index(on, names)]}")
    except LivebendError as why:
        return Finding("display", str(why), None, f"there are {found}")


def codecs(ask: Ask = ask) -> Finding:
    """The codecs of a recording."""
    try:
        answer = ask(ASK_CODECS)
    except NoAnswer as fault:
        return Finding("recording", str(fault), False, AGAIN)
    have = answer["have"]
    missing = [c for c in CODECS if not isinstance(have, list) or c not in have]
    if missing:
        advice = "pip install --force-reinstall av"
        return Finding("recording", f"PyAV without {' and '.join(missing)}", None, advice)
    return Finding("recording", f"PyAV {answer['version']}: H.264 and AAC into mp4")


def streams(kinds: Mapping[str, Kind] = KINDS) -> Finding:
    """What the picture can be sent by to other programs, and taken from them."""
    here = [kind.extra for kind in kinds.values() if kind.extra.fits]
    there = [extra.title for extra in here if extra.is_here]
    missing = [f"{extra.title}: {extra.install}" for extra in here if not extra.is_here]
    found = f"{', '.join(there)} installed" if there else "none installed"
    return Finding("streams", found, True if there else None, "; ".join(missing))


def tiny_model(folder: Path = TINY) -> Finding:
    """The embedded model."""
    missing = missing_parts(folder)
    if missing:
        advice = "take a fresh copy of livebend, or name another with --model"
        return Finding("model tiny", f"incomplete: no {', '.join(missing)}", False, advice)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Finding("model tiny", f"complete, {size / 1e6:.0f} MB")


def turbo_model(hub: Path | None = None) -> Finding:
    """The default model for a GPU, in the hub's cache on this machine."""
    name = "model sd-turbo"
    complete = [kept for kept in snapshots(TURBO, hub) if not missing_parts(kept)]
    if complete:
        return Finding(name, str(complete[0]))
    advice = f"with a GPU: the first `livebend --model {TURBO}` fetches it"
    return Finding(name, "not on this machine", None, advice)


def other_models(ask: Ask = ask) -> list[Finding]:
    """The other models in the hub's cache, and why one cannot play."""
    try:
        answer = ask(ASK_MODELS)
    except NoAnswer as fault:
        return [Finding("models", str(fault), None, "livebend models")]
    models = answer["models"] if isinstance(answer["models"], list) else []
    return [
        Finding(f"model {name}", refused or sampled, None if refused else True)
        for name, sampled, refused in models
        if name not in ("tiny", TURBO)
    ]


def missing_parts(folder: Path) -> list[str]:
    """Return what is missing in a model's folder: its index, or a part or its weights."""
    missing = [] if (folder / "model_index.json").is_file() else ["model_index.json"]
    for part in PARTS:
        patterns = ("*.safetensors", "*.bin") if part in PARTS[:3] else ("*.json",)
        if not any(file for pattern in patterns for file in (folder / part).glob(pattern)):
            missing.append(part)
    return missing


def presets() -> Finding:
    """The presets, and which of them cannot be read."""
    from livebend.scene.presets import (  # noqa: PLC0415 - needs packages
        built_in_folder,
        list_presets,
        user_folder,
    )

    here, found = built_in_folder(), list_presets()
    if not found:
        return Finding("presets", f"none in {here}", False, "take a fresh copy of livebend")
    if unread := [info.name for info in found if not info.is_readable]:
        return Finding("presets", f"cannot be read: {', '.join(unread)}", None, "livebend presets")
    return Finding("presets", f"{len(found)} in {here}; your own in {user_folder()}")


def osc_port(address: tuple[str, int] = (HOST, PORT)) -> Finding:
    """Whether the port where OSC is received is free, and who can reach it."""
    host, port = address
    loopback = is_loopback(host)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address)
        except OSError as fault:
            advice = f"livebend takes the next free port; or --osc {host}:{port + 1}"
            taken = f"{host}:{port} is taken, perhaps by another livebend: {fault.strerror}"
            return Finding("OSC", taken, None, advice)
    advice = "for a tablet: --lan --osc-allow ITS ADDRESS" if loopback else ""
    reached = ", by this machine only" if loopback else ", by other machines too"
    return Finding("OSC", f"{host}:{port} is free{reached}", advice=advice)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
