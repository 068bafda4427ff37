"""OSC datagrams as messages. Any bytes give messages or a `DatagramError`, nothing else.

python-osc reads the messages. Bundles are read here: python-osc's own reader waits for a bundle's
time, recurses as deep as the sender likes and never returns from an element of negative size.
"""

import struct
from collections.abc import Iterator

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

from livebend.core.specs import ParameterValue

Message = tuple[str, list[object]]

BUNDLE = b"#bundle\0"
HEADER = len(BUNDLE) + 8  # with the time tag, which is ignored: everything acts at once
DEEPEST = 8
TAGS = frozenset(b",ifdhsTFNI[]")


class DatagramError(ValueError):
    """A datagram that is not OSC, or has a type of value that no parameter takes."""


def messages(datagram: bytes, depth: int = 0) -> Iterator[Message]:
    """Yield (address, arguments) of every message; `depth` is that of bundles around it.

    Raises: DatagramError.
    """
    if not datagram.startswith(BUNDLE):
        yield _message(datagram)
        return
    if depth == DEEPEST or len(datagram) < HEADER:
        raise DatagramError("a bundle too deep or too short")
    offset = HEADER
    while offset < len(datagram):
        if len(datagram) - offset < 4:
            raise DatagramError("a bundle cut short")
        (size,) = struct.unpack_from(">i", datagram, offset)
        if not 0 < size <= len(datagram) - offset - 4:
            raise DatagramError("an element that does not fit its bundle")
        yield from messages(datagram[offset + 4 : offset + 4 + size], depth + 1)
        offset += 4 + size


def reply(address: str, value: ParameterValue) -> bytes:
    """Return the datagram that reports a parameter's value; a boolean is sent as 0 or 1."""
    builder = OscMessageBuilder(address)
    builder.add_arg(int(value) if isinstance(value, bool) else value)
    datagram: bytes = builder.build().dgram
    return datagram


def _message(datagram: bytes) -> Message:
    try:
        read = OscMessage(_with_known_tags(datagram))
        return read.address, list(read.params)
    except (ParseError, ValueError, struct.error) as why:
        raise DatagramError(str(why)) from why


def _with_known_tags(datagram: bytes) -> bytes:
    """Return the message with T for the type I (impulse), which python-osc does not know.

    Raises: DatagramError for a type that no parameter takes; ValueError for a broken message.
    """
    if not datagram.startswith(b"/"):
        raise DatagramError("neither a message nor a bundle")
    begin = (datagram.index(b"\0") // 4 + 1) * 4
    if begin >= len(datagram):
        return datagram
    end = datagram.index(b"\0", begin)
    tags = datagram[begin:end]
    if not TAGS.issuperset(tags):
        raise DatagramError(f"types {tags!r}")
    if b"I" not in tags:
        return datagram
    return datagram[:begin] + tags.replace(b"I", b"T") + datagram[end:]
