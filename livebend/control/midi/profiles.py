"""Profiles: which control of a MIDI device does what, one TOML file for each device.

livebend's own lie beside this file; the user's, made by learning, in the user's folder, and come
first. A file says by which ports it is meant, and lists its controls:

    title = "Akai MIDImix"
    ports = ["midi mix"]
    controls = [{ at = "cc.1.19", to = "bend.@1.main" }]
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from livebend.control.midi.controls import MODES, Control, Mode, control_of
from livebend.control.targets import check_target
from livebend.core import limits
from livebend.core.errors import LivebendError, OutOfRange, PresetError, UnknownName, shown
from livebend.core.files import config_folder, read_text, short, write_text
from livebend.core.specs import Spec
from livebend.core.texts import name_like
from livebend.scene.preset_text import table_in

SHIPPED = Path(__file__).parent / "profiles"
PORT_NUMBER = re.compile(r"\s+\d+:\d+$")  # ALSA's, another after every plugging in
FIELDS = {"at", "to", "mode", "low", "high", "pickup", "lights"}


@dataclass(frozen=True, slots=True)
class Binding:
    """A control and what it does.

    low, high: the part of the parameter's soft range (0..1) that the control goes over; high below
    low turns it round.
    pickup: whether a knob acts only once it has reached the value; false for motors and rings.
    lights: the values (off, on) that the device's light is sent; empty = none.
    """

    at: Control
    to: str
    mode: Mode = "absolute"
    low: float = 0.0
    high: float = 1.0
    pickup: bool = True
    lights: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A device's bindings. `ports` are parts of the names of its ports, in small letters."""

    title: str
    ports: tuple[str, ...] = ()
    bindings: tuple[Binding, ...] = ()

    def bound(self, at: Control) -> tuple[Binding, ...]:
        """Return the bindings of a control."""
        return tuple(binding for binding in self.bindings if binding.at == at)

    def with_binding(self, new: Binding) -> "Profile":
        """Return the profile with a binding in place of what its control, or its target, had."""
        kept = tuple(b for b in self.bindings if b.at != new.at and b.to != new.to)
        return replace(self, bindings=(*kept, new))

    def without(self, target: str) -> "Profile":
        """Return the profile without the bindings of a target."""
        return replace(self, bindings=tuple(b for b in self.bindings if b.to != target))


def device_of(port: str) -> str:
    """Return the name of a device from that of its port: without ALSA's client, port and number."""
    return PORT_NUMBER.sub("", port).partition(":")[0].strip()


def user_folder() -> Path:
    """Return the folder of the user's own profiles, which may not exist yet."""
    return config_folder() / "midi"


def user_file(device: str) -> Path:
    """Return the file of the user's profile of a device; what a port is called is no path."""
    return user_folder() / f"{name_like(device, 'device')}.toml"


def shipped(output: Mapping[str, Spec]) -> list[Profile]:
    """Return livebend's own profiles, by name."""
    return [read_profile(file, output) for file in sorted(SHIPPED.glob("*.toml"))]


def profile_of(device: str, output: Mapping[str, Spec]) -> Profile:
    """Return the user's profile of a device, else livebend's own, else an empty one.

    output: the settings of the display, which a control may be bound to.
    Raises: PresetError where the user's cannot be read.
    """
    file = user_file(device)
    if file.is_file():
        return read_profile(file, output)
    name = device.casefold()
    for profile in shipped(output):
        if any(part in name for part in profile.ports):
            return profile
    return Profile(device[: limits.NAME])


def save_profile(device: str, profile: Profile) -> Path:
    """Write the user's profile of a device, whole or not at all. Raises: PresetError."""
    file = user_file(device)
    table = {
        "title": profile.title,
        "ports": list(profile.ports),
        "controls": [_table_of(binding) for binding in profile.bindings],
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, tomli_w.dumps(table))
    except OSError as why:
        raise PresetError(f"{short(file)}: cannot be written: {why.strerror}") from why
    return file


def read_profile(file: Path, output: Mapping[str, Spec]) -> Profile:
    """Read a profile. Raises: PresetError, with file, control and what is allowed."""
    return profile_in(read_text(file, limits.PRESET_BYTES), short(file), output, file.stem)


def profile_in(text: str, where: str, output: Mapping[str, Spec], title: str = "") -> Profile:
    """Return the profile in a text, which is called `where`; `title` is used where it has none.

    Raises: as `read_profile`.
    """
    table = table_in(text, where)
    controls, ports = table.get("controls", []), table.get("ports", [])
    if not isinstance(controls, list) or len(controls) > limits.MIDI_CONTROLS:
        raise PresetError(f"{where}: controls: expected a list of at most {limits.MIDI_CONTROLS}")
    if not isinstance(ports, list) or not all(isinstance(p, str) and p.strip() for p in ports):
        raise PresetError(f"{where}: ports = {shown(ports)}: expected a list of texts")
    try:
        bindings = tuple(_binding(entry, output) for entry in controls)
    except LivebendError as why:
        raise PresetError(f"{where}: {why}") from why
    title = str(table.get("title", title))
    return Profile(title[: limits.TEXT], tuple(p.casefold() for p in ports), bindings)


def _binding(entry: Any, output: Mapping[str, Spec]) -> Binding:
    """Raises: LivebendError."""
    if not isinstance(entry, Mapping):
        raise OutOfRange(f"controls: {shown(entry)}: expected tables with `at` and `to`")
    for key in entry:
        if key not in FIELDS:
            raise UnknownName("key of a control", key, FIELDS)
    at = control_of(entry.get("at"))
    to, mode = check_target(entry.get("to"), output), entry.get("mode", "absolute")
    if mode not in MODES:
        raise UnknownName(f"mode of {at}", str(mode), MODES)
    low, high = (_fraction(at, entry.get(k, d)) for k, d in (("low", 0.0), ("high", 1.0)))
    return Binding(at, to, mode, low, high, _pickup(at, entry), _lights(at, entry))


def _fraction(at: Control, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise OutOfRange(f"{at}: low or high = {shown(value)}: expected 0..1")
    return float(value)


def _pickup(at: Control, entry: Mapping[str, Any]) -> bool:
    pickup = entry.get("pickup", True)
    if not isinstance(pickup, bool):
        raise OutOfRange(f"{at}: pickup = {shown(pickup)}: expected true or false")
    return pickup


def _lights(at: Control, entry: Mapping[str, Any]) -> tuple[int, ...]:
    lights: Sequence[Any] = entry.get("lights", ())
    plain = isinstance(lights, list | tuple) and all(type(v) is int for v in lights)
    if not plain or len(lights) not in (0, 2) or not all(0 <= v <= 127 for v in lights):
        raise OutOfRange(f"{at}: lights = {shown(lights)}: expected two numbers 0..127, off and on")
    return tuple(lights)


def _table_of(binding: Binding) -> dict[str, Any]:
    """A binding as it is written: what is as usual is left out."""
    usual = Binding(binding.at, binding.to)
    written: dict[str, Any] = {"at": str(binding.at), "to": binding.to}
    for name in ("mode", "low", "high", "pickup"):
        if (value := getattr(binding, name)) != getattr(usual, name):
            written[name] = value
    return written | ({"lights": list(binding.lights)} if binding.lights else {})
