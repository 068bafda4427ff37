"""MIDI ports of this machine, by rtmidi2, the one binding of RtMidi with wheels for every Python.

It is imported on first use: without it, or without a MIDI system, a show goes on without MIDI.
"""

import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Protocol

from livebend.core.errors import Refused, one_line

Take = Callable[[Sequence[int]], None]  # the bytes of one message; in a thread of the driver's
OWN = "livebend"  # the name under which other programs see us
SEQUENCER = "/dev/snd/seq"  # ALSA's
THROUGH = "midi through"  # ALSA's loop from its input to its output


class InPort(Protocol):
    """An open port that calls `Take`."""

    def close(self) -> None: ...


class OutPort(Protocol):
    """An open port that can be sent to."""

    def send(self, message: Sequence[int]) -> None: ...

    def close(self) -> None: ...


class Ports(Protocol):
    """Where devices are found and opened. Raises: Refused from every method."""

    def inputs(self) -> list[str]: ...

    def outputs(self) -> list[str]: ...

    def open_input(self, name: str, take: Take) -> InPort: ...

    def open_output(self, name: str) -> OutPort: ...


class RtMidiPorts:
    """The ports of the system. `api` names one of RtMidi's, as API_UNIX_JACK; "" = the usual."""

    def __init__(self, api: str = "") -> None:
        """Raises: Refused where rtmidi2 or the MIDI system is missing."""
        try:
            import rtmidi2  # noqa: PLC0415 - an extra, which may be missing
        except ImportError as why:
            raise Refused("MIDI: needs rtmidi2: pip install 'livebend[midi]'") from why
        if not api and sys.platform == "linux" and not os.path.exists(SEQUENCER):
            raise Refused(f"MIDI: the system has none: no {SEQUENCER}")  # else ALSA prints lines
        self._library: ModuleType = rtmidi2
        self._api = getattr(rtmidi2, api or "API_UNSPECIFIED")
        self._inputs = self._made(rtmidi2.MidiIn)  # kept, or every look would make a client
        self._outputs = self._made(rtmidi2.MidiOut)

    def inputs(self) -> list[str]:
        """The names of all devices' inputs."""
        return self._names(self._inputs)

    def outputs(self) -> list[str]:
        """The names of all devices' outputs."""
        return self._names(self._outputs)

    def open_input(self, name: str, take: Take) -> InPort:
        """Open a port; `take` is called with each message. Raises: Refused."""
        port = self._made(self._library.MidiIn)
        port.ignore_types(midi_sysex=True, midi_time=False, midi_sense=True)
        port.callback = lambda message, _: take(message)
        self._open(port, name)
        return _RtMidiPort(port)

    def open_output(self, name: str) -> OutPort:
        """Open a port. Raises: Refused."""
        port = self._made(self._library.MidiOut)
        self._open(port, name)
        return _RtMidiPort(port)

    def _made(self, kind: Callable[..., Any]) -> Any:
        try:
            return kind(OWN, api=self._api)
        except Exception as why:
            raise Refused(f"MIDI: the system has none: {one_line(why)}") from why

    def _names(self, look: Any) -> list[str]:
        try:
            names = [str(name) for name in look.ports]
        except Exception as why:
            raise Refused(f"MIDI: {one_line(why)}") from why
        return [n for n in names if THROUGH not in n.casefold() and not n.startswith(OWN)]

    def _open(self, port: Any, name: str) -> None:
        try:
            port.open_port([str(known) for known in port.ports].index(name))
        except Exception as why:
            raise Refused(f"MIDI: {name}: {one_line(why)}") from why


class _RtMidiPort:
    """An open port of rtmidi2."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def send(self, message: Sequence[int]) -> None:
        """Raises: Refused where the device is gone."""
        try:
            self._port.send_raw(*message)
        except Exception as why:
            raise Refused(f"MIDI: {one_line(why)}") from why

    def close(self) -> None:
        """Close the port; its callback is not called any more."""
        if hasattr(self._port, "callback"):
            self._port.callback = None
        self._port.close_port()
