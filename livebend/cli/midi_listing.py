"""`livebend midi`: the MIDI devices that are here, and what their controls do."""

import argparse
from typing import Any

from livebend.cli.printing import print_notice, print_rows
from livebend.control.midi.ports import RtMidiPorts
from livebend.control.midi.profiles import Profile, device_of, profile_of, shipped
from livebend.core.errors import Refused
from livebend.outputs.display import Display


def run(options: argparse.Namespace) -> int:
    """List the devices and the profiles that livebend has, or the controls of one device."""
    if options.device is not None:
        print_rows(_controls(profile_of(options.device, Display.specs)), as_json=options.json)
        return 0
    try:
        devices = _devices()
    except Refused as why:
        print_notice(str(why))
        devices = []
    print_rows([*devices, *_profiles()], as_json=options.json)
    return 0


def _devices() -> list[dict[str, Any]]:
    """A row for every device that is plugged in. Raises: Refused without a MIDI system."""
    names = dict.fromkeys(device_of(port) for port in RtMidiPorts().inputs())
    return [_row(name, "plugged in", profile_of(name, Display.specs)) for name in names]


def _profiles() -> list[dict[str, Any]]:
    return [_row(p.title, "known", p) for p in shipped(Display.specs)]


def _row(device: str, here: str, profile: Profile) -> dict[str, Any]:
    return {"device": device, "here": here, "controls": len(profile.bindings)}


def _controls(profile: Profile) -> list[dict[str, Any]]:
    return [{"control": str(b.at), "does": b.to, "mode": b.mode} for b in profile.bindings]
