"""What is plugged in or opened: sound, MIDI, cameras, displays, films, streams, OSC's port."""

import shutil
import socket
import sys
from collections.abc import Mapping

from livebend.cli.doctor.findings import AGAIN, Finding
from livebend.cli.doctor.questions import Ask, NoAnswer, ask
from livebend.cli.no_display import DEMO_FILE, has_display
from livebend.control.osc_endpoint import HOST, PORT, is_loopback
from livebend.core.errors import LivebendError
from livebend.outputs.codecs import DEFAULT
from livebend.outputs.display import wanted_index
from livebend.outputs.streams.kinds import KINDS, Kind

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
ASK_CODECS = """
import av, json
from livebend.outputs.encoders import tried
print(json.dumps(dict(version=av.__version__, tried=tried())))
"""


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
    """The kinds of recordings, each opened once."""
    try:
        answer = ask(ASK_CODECS)
    except NoAnswer as fault:
        return Finding("recording", str(fault), False, AGAIN)
    tried = answer["tried"] if isinstance(answer["tried"], dict) else {}
    there = [name for name, why in tried.items() if not why]
    missing = "; ".join(str(why) for why in tried.values() if why)
    if DEFAULT not in there:
        return Finding("recording", missing, False, "pip install --force-reinstall av")
    return Finding("recording", f"PyAV {answer['version']}: {', '.join(there)}", advice=missing)


def streams(kinds: Mapping[str, Kind] = KINDS) -> Finding:
    """What the picture can be sent by to other programs, and taken from them."""
    here = [kind.extra for kind in kinds.values() if kind.extra.fits]
    there = [extra.title for extra in here if extra.is_here]
    missing = [f"{extra.title}: {extra.install}" for extra in here if not extra.is_here]
    found = f"{', '.join(there)} installed" if there else "none installed"
    return Finding("streams", found, True if there else None, "; ".join(missing))


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
