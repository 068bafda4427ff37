"""Sound devices, through PortAudio. A device is known by its name and host API, never by its index.

Only these functions import `sounddevice`; without the PortAudio library they say how to get it.
"""

import os
import re
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

from livebend.core.errors import SoundError, nearest

INSTALL = {
    "linux": "sudo apt install libportaudio2",
    "darwin": "brew install portaudio",
    "win32": "pip install --force-reinstall sounddevice",
}


class NoChannel(SoundError):
    """A channel that a device does not have."""


@dataclass(frozen=True, slots=True)
class Device:
    """An input."""

    name: str
    host_api: str
    channels: int
    default_rate: int  # Hz
    is_default: bool


class Pick(NamedTuple):
    """What is listened to: a device, and the channels of it, counted from 0."""

    device: Device
    channels: tuple[int, ...]


def portaudio() -> Any:
    """Return the module `sounddevice`. Raises: SoundError with the line that installs PortAudio."""
    try:
        import sounddevice  # noqa: PLC0415 - fails where the system has no PortAudio
    except OSError as fault:
        line = INSTALL.get(sys.platform, "install PortAudio")
        raise SoundError(f"no PortAudio library, so no sound device can be used: {line}") from fault
    return sounddevice


def restart_portaudio() -> None:
    """Look for devices again: PortAudio knows only those that were there when it started.

    No stream may be open. Raises: SoundError where PortAudio cannot start.
    """
    library = portaudio()
    try:
        library._terminate()
        library._initialize()
    except library.PortAudioError as fault:
        raise SoundError(f"PortAudio does not start: {fault}") from fault


def list_devices() -> list[Device]:
    """Return every input device. Raises: SoundError without PortAudio."""
    return [device for _, device in _inputs()]


def find_device(name: str) -> Device:
    """Return the input called `name`, or the only one whose name contains it; any case.

    `name` may begin with the host API and a colon: "ALSA:pulse". "default" is the system's own.
    Raises: SoundError, with the nearest name or the names there are.
    """
    wanted = name.casefold()
    devices = list_devices()
    keys = [(d.name.casefold(), f"{d.host_api}:{d.name}".casefold()) for d in devices]
    exact = [device for device, key in zip(devices, keys, strict=True) if wanted in key]
    if wanted == "default":
        exact = [device for device in devices if device.is_default] or exact
    part = [device for device, key in zip(devices, keys, strict=True) if wanted in key[1]]
    if exact or len(part) == 1:
        return (exact or part)[0]
    names = [device.name for device in devices]
    near = nearest(name, names)
    hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(names) or 'none'}"
    raise SoundError(f"no sound device {name!r}; {hint}")


def pick_device(name: str) -> Pick:
    """Return the input called `name`, with its first two channels or those behind the last colon,
    counted from 1: "Xone:11,12".

    A colon may be part of a device's name: only where there is none of the whole name are channels
    read from it. Raises: SoundError, like `find_device`, and for channels that it does not have.
    """
    base, numbers = _split(name)
    try:
        device = find_device(name)
    except SoundError:
        if not numbers:
            raise
        return _picked(find_device(base), numbers)
    return Pick(device, tuple(range(min(device.channels, 2))))


def _split(name: str) -> tuple[str, tuple[int, ...]]:
    """Return a name without the channels behind its last colon, and these, counted from 1."""
    found = re.fullmatch(r"(.+):\s*(\d{1,4}(?:\s*,\s*\d{1,4}){0,63})\s*", name, re.ASCII)
    return (found[1], tuple(map(int, found[2].split(",")))) if found else (name, ())


def _picked(device: Device, numbers: tuple[int, ...]) -> Pick:
    if wrong := [number for number in numbers if not 1 <= number <= device.channels]:
        raise NoChannel(
            f"sound device {device.name!r} has no channel {wrong[0]}; "
            f"expected 1 to {device.channels}, such as {device.name}:1,2"
        )
    return Pick(device, tuple(number - 1 for number in dict.fromkeys(numbers)))


def device_index(device: Device) -> int:
    """Return PortAudio's present index of the device. Raises: SoundError."""
    for index, other in _inputs():
        if (other.name, other.host_api) == (device.name, device.host_api):
            return index
    raise SoundError(f"the sound device {device.name!r} is gone")


def pick_loopback() -> Pick:
    """Return the device that records what this machine plays, with its first two channels.

    On Linux the PulseAudio (or PipeWire) device, set by PULSE_SOURCE to record the default output;
    on macOS the BlackHole driver. Raises: SoundError that says what to install.
    """
    if sys.platform.startswith("linux"):
        os.environ.setdefault("PULSE_SOURCE", "@DEFAULT_MONITOR@")
        return _loopback("pulse", "sudo apt install libasound2-plugins pulseaudio")
    if sys.platform == "darwin":
        return _loopback("BlackHole", "brew install blackhole-2ch and play through it")
    return _loopback("Stereo Mix", "enable it in the sound settings, or install VB-Cable")


def _loopback(name: str, remedy: str) -> Pick:
    try:
        return pick_device(name)
    except SoundError as fault:
        raise SoundError(f"loopback: no device {name!r} ({remedy})") from fault


def _inputs() -> list[tuple[int, Device]]:
    library = portaudio()
    try:
        apis = [str(api["name"]) for api in library.query_hostapis()]
        found = list(library.query_devices())
        default = library.default.device[0]
        default = default if default >= 0 else library.query_hostapis(0)["default_input_device"]
    except library.PortAudioError as fault:
        raise SoundError(f"the sound devices cannot be listed: {fault}") from fault
    return [
        (index, Device(d["name"], apis[d["hostapi"]], channels, rate, index == default))
        for index, d in enumerate(found)
        if (channels := d["max_input_channels"]) > 0 and (rate := round(d["default_samplerate"]))
    ]
