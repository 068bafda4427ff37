"""A listener to OSC feedback: where it is, what it has touched, and what it is owed."""

import itertools
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage

from livebend.control.osc_endpoint import Sender
from livebend.control.osc_packets import HEADER
from livebend.control.parameters import Parameter
from livebend.core.specs import ParameterValue

BYTES = 1400  # of a bundle: what passes any network in one piece
SENDERS = 8  # ports of a machine that belong to one listener


@dataclass(slots=True)
class Touch:
    """What a sender did last at a path: when, in s, and the value it set; None = not known."""

    time: float
    value: ParameterValue | None


class Listener:
    """Who gets feedback: an address, the ports that it sends from, and what it is owed."""

    def __init__(self, host: str, port: int, *, asked: bool = False) -> None:
        self.host, self.port, self.asked = host, port, asked
        self.senders: list[int] = []
        self.wants = frozenset[str]()
        self.touches: dict[str, Touch] = {}
        self.owed: dict[str, None] = {}  # paths whose value it is to get, in their order
        self.told: dict[str, ParameterValue] = {}  # readings and driven values, as it has them
        self.heard = 0.0  # when it sent last, s
        self.gone: float | None = None  # since when it has refused what it was sent, s
        self._left: list[bytes] = []  # that found no room in the last bundle
        self._socket: socket.socket | None = None

    def owe(self, parameters: Iterable[Parameter]) -> None:
        """Have it get every one of these, what it has set itself too."""
        for parameter in parameters:
            if parameter.access == "value":
                self.owed[parameter.path] = None
            self.told.pop(parameter.path, None)
            if parameter.path in self.touches:
                self.touches[parameter.path].value = None

    def leave(self, time: float) -> None:
        """Forget what it was to get: it is gone."""
        self.gone = time
        for kept in (self.owed, self.told, self.touches, self._left):
            kept.clear()

    def bundle(self, messages: Iterator[list[bytes]]) -> bytes | None:
        """Return the next bundle of about BYTES from what is left and what comes; None if nothing
        does."""
        builder, size = OscBundleBuilder(IMMEDIATELY), HEADER
        for group in itertools.chain([self._left], messages):
            more = sum(len(message) + 4 for message in group)
            if size > HEADER and size + more > BYTES:
                self._left = group
                break
            for message in group:
                builder.add_content(OscMessage(message))
            size += more
        else:
            self._left = []
        datagram: bytes = builder.build().dgram
        return datagram if size > HEADER else None

    def belongs(self, sender: Sender) -> None:
        """Note that a port sends for this listener; the oldest of too many is forgotten."""
        if sender.port not in self.senders:
            self.senders = [*self.senders, sender.port][-SENDERS:]

    def send(self, datagram: bytes) -> bool:
        """Send a datagram, or lose it where the system has no room; False if nobody is there."""
        try:
            if self._socket is None:
                family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
                self._socket = socket.socket(family, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
                self._socket.connect((self.host, self.port))
            self._socket.send(datagram)
        except BlockingIOError:
            return True
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close its socket; the next datagram opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
