"""OSC datagrams as messages, as they come: any bytes give messages and faults, nothing else.

A fault costs the one message that it is in, never the bundle round it. All types of OSC 1.0 and 1.1
are read; a single-precision number as its shortest decimal, so that the 0.1 of a fader is 0.1.
Brackets of arrays are left out: what they hold are values like others. Without a type tag, values
are guessed; a value may also stand behind the address (`/livebend/seed 5`).
"""

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pythonosc.osc_message_builder import OscMessageBuilder

from livebend.core import limits
from livebend.core.specs import ParameterValue
from livebend.core.texts import NUMBER

BUNDLE = b"#bundle\0"
HEADER = len(BUNDLE) + 8  # with the time tag
ROOT = "/livebend"
EPOCH = 2_208_988_800  # s from the beginning of OSC's time, 1900, to that of the system's, 1970
SMALLEST = 1 << 24  # below it, four bytes without a tag are a whole number: as a float, next to 0
SINGLE = struct.Struct(">f")
LARGEST_SINGLE = 3.4028235e38
NOTE_OFF = 0x80  # of a MIDI message's status


class Message(NamedTuple):
    """A message. `time` is when it should act, in s since 1970; None = now."""

    address: str
    arguments: list[object]
    time: float | None = None


@dataclass(frozen=True, slots=True)
class Strange:
    """A value that no parameter takes, by what it is: a blob, a colour or a time."""

    kind: str


@dataclass(slots=True)
class Packet:
    """What a datagram holds: its messages, how much of it is no OSC, and notices about that."""

    messages: list[Message] = field(default_factory=list)
    garbage: int = 0
    notices: list[str] = field(default_factory=list)


class _Fault(ValueError):
    """What cannot be read; the message is a notice, or empty where there is nothing to say."""


def read_packet(datagram: bytes) -> Packet:
    """Read a datagram, with the bundles in it."""
    packet = Packet()
    _read_element(datagram, None, 0, packet)
    return packet


def reply(address: str, value: ParameterValue) -> bytes:
    """Return the datagram that reports a parameter's value; a boolean is sent as 0 or 1."""
    builder = OscMessageBuilder(address)
    builder.add_arg(int(value) if isinstance(value, bool) else value)
    datagram: bytes = builder.build().dgram
    return datagram


def _read_element(data: bytes, time: float | None, depth: int, packet: Packet) -> None:
    """Add a message or a bundle within `depth` others, dated by `time`, to the packet."""
    try:
        if not data.startswith(BUNDLE):
            packet.messages.append(_message(data, time))
            return
        if depth == limits.NESTING or len(data) < HEADER:
            raise _Fault
        own = _moment(data)
        time = own if time is None or own is None else max(own, time)
        for element in _elements(data):
            _read_element(element, time, depth + 1, packet)
    except _Fault as fault:
        packet.garbage += 1
        if said := str(fault):
            packet.notices.append(said)


def _elements(bundle: bytes) -> Iterator[bytes]:
    """Yield the elements of a bundle, up to the first that does not fit. Raises: _Fault."""
    offset = HEADER
    while offset < len(bundle):
        if len(bundle) - offset < 4:
            raise _Fault
        (size,) = struct.unpack_from(">i", bundle, offset)
        if not 0 < size <= len(bundle) - offset - 4:
            raise _Fault
        yield bundle[offset + 4 : offset + 4 + size]
        offset += 4 + size


def _moment(bundle: bytes) -> float | None:
    """The time of a bundle, in s since 1970; None for at once."""
    seconds, fraction = struct.unpack_from(">II", bundle, len(BUNDLE))
    return None if seconds == 0 else seconds - EPOCH + fraction / 2**32


def _message(data: bytes, time: float | None) -> Message:
    end = data.find(b"\0")
    head = data if end < 0 else data[:end]
    try:
        text = head.decode("ascii").strip()
    except UnicodeDecodeError:
        raise _Fault from None
    if not (text.startswith("/") or text.lower().startswith(f"{ROOT[1:]}/")):
        raise _Fault
    if not text.isprintable():
        raise _Fault
    address, _, behind = text.partition(" ")
    rest = b"" if end < 0 else data[(end // 4 + 1) * 4 :]
    try:
        arguments = [*_written(behind.strip()), *_values(rest)]
    except (_Fault, struct.error) as why:
        what = str(why) if isinstance(why, _Fault) else "cut short"
        raise _Fault(f"{address[: limits.NAME]}: {what}; the message is left out") from None
    return Message(address, arguments, time)


def _written(text: str) -> list[object]:
    """Values written behind an address: numbers and words, or a text in quotes."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return [text[1:-1]]
    return [float(word) if NUMBER.fullmatch(word) else word for word in text.split()]


def _values(data: bytes) -> list[object]:
    """The values of a message, from its type tag on. Raises: _Fault, struct.error."""
    if not data.startswith(b","):
        return _guessed(data)
    tags, offset = _string(data, 0)
    if len(tags) - 1 > limits.ARGUMENTS:
        raise _Fault(f"{len(tags) - 1} values, expected up to {limits.ARGUMENTS}")
    values: list[object] = []
    for tag in tags[1:]:
        if tag in "[]":
            continue
        if tag in CONSTANTS:
            values.append(CONSTANTS[tag])
        elif tag in READERS:
            value, offset = READERS[tag](data, offset)
            values.append(value)
        else:
            raise _Fault(f"type {tag!r} is none of OSC")
    return values


def _guessed(data: bytes) -> list[object]:
    """The values of a message without a type tag, as old senders leave it out: a text if it looks
    like one, or else numbers of four bytes."""
    text = data.rstrip(b"\0")
    if len(data) > 4 and len(text) < len(data) and text.isascii() and text.decode().isprintable():
        return [text.decode()] if text else [0] * (len(data) // 4)
    whole = struct.unpack(f">{len(data) // 4}i", data[: len(data) // 4 * 4])
    return [
        number if abs(number) < SMALLEST else _float(data, 4 * index)[0]
        for index, number in enumerate(whole[: limits.ARGUMENTS])
    ]


# ---- types: each reads a value at an offset, and returns it with the offset behind it ------------

Reader = Callable[[bytes, int], tuple[object, int]]


def _float(data: bytes, offset: int) -> tuple[float, int]:
    (value,) = SINGLE.unpack_from(data, offset)
    return _shortest(value), offset + 4


def _shortest(value: float) -> float:
    """The shortest decimal that is the same single-precision number: six digits always survive in
    one, and nine always tell it from its neighbours."""
    if not math.isfinite(value):
        return value
    packed = SINGLE.pack(value)
    for digits in (6, 7, 8):
        near = float(f"{value:.{digits}g}")
        if abs(near) <= LARGEST_SINGLE and SINGLE.pack(near) == packed:
            return near
    return float(f"{value:.9g}")


def _string(data: bytes, offset: int) -> tuple[str, int]:
    if offset >= len(data):
        raise _Fault("cut short")
    end = data.find(b"\0", offset)
    end = len(data) if end < 0 else end
    raw = data[offset:end]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # as older programs send an ä
    return text, (end // 4 + 1) * 4


def _character(data: bytes, offset: int) -> tuple[str, int]:
    (code,) = struct.unpack_from(">I", data, offset)
    return chr(code) if code < 0x110000 else "", offset + 4


def _midi(data: bytes, offset: int) -> tuple[float, int]:
    """The value of a controller or a note's velocity, 0..1; 0 where a note ends."""
    _, status, _, value = struct.unpack_from(">BBBB", data, offset)
    return 0.0 if status & 0xF0 == NOTE_OFF else min(value, 127) / 127, offset + 4


def _blob(data: bytes, offset: int) -> tuple[Strange, int]:
    (size,) = struct.unpack_from(">i", data, offset)
    if not 0 <= size <= len(data) - offset - 4:
        raise _Fault("cut short")
    return Strange("a blob"), offset + 4 + (size + 3) // 4 * 4


def _fixed(form: str) -> Reader:
    size = struct.calcsize(form)
    return lambda data, offset: (struct.unpack_from(form, data, offset)[0], offset + size)


def _strange(kind: str, size: int) -> Reader:
    return lambda _, offset: (Strange(kind), offset + size)


CONSTANTS: Mapping[str, object] = {"T": True, "F": False, "I": True, "N": None}
READERS: Mapping[str, Reader] = {
    "i": _fixed(">i"),
    "h": _fixed(">q"),
    "f": _float,
    "d": _fixed(">d"),
    "s": _string,
    "S": _string,
    "c": _character,
    "m": _midi,
    "b": _blob,
    "r": _strange("a colour", 4),
    "t": _strange("a time", 8),
}
