"""OSC input: a thread that receives datagrams and acts on them, as `osc_addresses` reads them.

By default it listens on this machine alone: a venue's network is open to anyone.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from livebend.control.desk import Action, Desk
from livebend.control.osc_addresses import (
    COMMANDS,
    ROOT,
    FaderMove,
    Leaves,
    Query,
    Request,
    is_private,
    leaves,
    outputs,
    read,
)
from livebend.control.osc_endpoint import HOST, PORT, REPLY_PORT, AllowList
from livebend.control.osc_packets import DatagramError, messages, reply
from livebend.core import clock
from livebend.core.errors import LivebendError, Refused, UnknownName
from livebend.core.worker import Worker
from livebend.scene import paths
from livebend.scene.commands import Add, Load, Replace, Set
from livebend.scene.values import Part

BUFFER = 4 << 20  # bytes that the system may buffer for us while a frame is made
POLL = 0.2  # s between looks at the stop event
REPORTED = 32  # unknown addresses that are reported in UNKNOWN_TIME, and senders turned away …
UNKNOWN_TIME = 5.0  # s; … all others are only counted
PART_DEPTH = 4  # segments of /livebend/bend/NAME, with the empty one before the first slash
PENDING_TIME = 2.0  # s that a part may take from the message that adds it to the scene


@dataclass(slots=True)
class OscCounts:
    """What has been received. Written by the OSC thread alone; any thread may read it."""

    messages: int = 0
    garbage: int = 0  # datagrams that are not OSC
    refused: int = 0
    clamped: int = 0
    ignored: int = 0
    turned_away: int = 0  # datagrams of senders that are not allowed


class OscReader:
    """Acts on datagrams, one at a time, in one thread; it knows nothing of the socket."""

    def __init__(self, desk: Desk, now: Callable[[], float] = clock.now) -> None:
        self.counts = OscCounts()
        self._desk, self._now = desk, now
        self._output = outputs(desk.output)
        self._pending: dict[str, float] = {}  # address of a part -> when it should be there, s
        self._unknown: set[str] = set()
        self._unknown_since = now()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Act on a datagram; return the replies it asks for."""
        try:
            received = list(messages(datagram))
        except DatagramError:
            self.counts.garbage += 1
            return []
        return [answer for message in received for answer in self._handle(*message)]

    def _handle(self, address: str, arguments: list[object]) -> list[bytes]:
        self.counts.messages += 1
        if is_private(address):
            self.counts.ignored += 1
            return []
        known = leaves(self._desk.scene.get())
        try:
            request = read(address, arguments, known, self._desk.bank, self._output)
            request = request or self._set_pending(address, arguments)
            if request is not None:
                return self._act(address, request)
        except LivebendError as why:
            self.counts.refused += 1
            self._desk.warn(f"OSC: {why}")
            return []
        self._count_unknown(address, known)
        return []

    def _act(self, address: str, request: Request) -> list[bytes]:
        if request.clamped:
            self.counts.clamped += 1
            self._desk.warn(f"OSC: {request.clamped}")
        match request.action:
            case None:
                self.counts.ignored += 1
            case Query(path):
                return [reply(address, paths.get(self._desk.scene.get(), path))]
            case FaderMove(path, position):
                return self._move_fader(address, path, position)
            case action if not self._desk.send(action):
                self.counts.refused += 1
            case action:
                self._expect_parts(action)
        return []

    def _move_fader(self, address: str, path: str, position: float | None) -> list[bytes]:
        """Set a number by its position 0..1 in its soft range, or reply with that position."""
        scene = self._desk.scene.get()
        soft = paths.soft_range(scene, path)
        if position is None:
            return [reply(address, soft.to_unit(float(paths.get(scene, path))))]
        return self._act(address, Request(Set(path, soft.from_unit(position))))

    def _expect_parts(self, action: Action) -> None:
        """Remember the parts that the scene will have once it has applied the action."""
        parts: Sequence[Part]
        match action:
            case Load(scene=scene):
                parts = (*scene.bends, *scene.routes)
            case Add(part) | Replace(part):
                parts = (part,)
            case _:
                return
        until = self._now() + PENDING_TIME
        pending = {stem: end for stem, end in self._pending.items() if end > self._now()}
        self._pending = pending | {f"{ROOT}/{part.kind}/{part.name}": until for part in parts}

    def _set_pending(self, address: str, arguments: list[object]) -> Request | None:
        """Read a value for a part that was just added; None if it is not one.

        A client sends "add a bend" and the bend's first values in one go. The part is in the scene
        only after the next frame, so the address is unknown until then: the value is queued
        unchecked behind the command that adds the part, and checked when it is applied.
        """
        part = "/".join(address.split("/")[:PART_DEPTH])
        if self._pending.get(part, 0.0) <= self._now() or len(arguments) != 1:
            return None
        path = address.removeprefix(f"{ROOT}/").replace("/", ".")
        return Request(Set(path, cast(float | str, arguments[0])))

    def _count_unknown(self, address: str, known: Leaves) -> None:
        """Count an unknown address and, not too often, report the nearest name: an expensive
        search."""
        self.counts.refused += 1
        if self._now() - self._unknown_since > UNKNOWN_TIME:
            self._unknown.clear()
            self._unknown_since = self._now()
        if address not in self._unknown and len(self._unknown) < REPORTED:
            self._unknown.add(address)
            names = [*COMMANDS, *self._output, *known]
            self._desk.warn(str(UnknownName("OSC address", address[:100], names)))


class OscInput:
    """The socket and its thread. Replies go to the sender's machine, at REPLY_PORT.

    allow: addresses and networks that are accepted, all if empty. Datagrams of others are counted
        but not read, and each of those senders is reported once.
    on_failure: is called if the thread fails.
    Raises: Refused where the address cannot be listened on, or `allow` cannot be read.
    """

    def __init__(
        self,
        desk: Desk,
        host: str = HOST,
        port: int = PORT,
        *,
        allow: Iterable[str] = (),
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._desk, self._reader = desk, OscReader(desk)
        self._allowed, self._turned_away = AllowList(allow), set[str]()
        self._socket = _open_socket(host, port)
        self._worker = Worker("osc", self._listen, on_failure)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port that the system chose if 0 was given."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def counts(self) -> OscCounts:
        """What has been received so far."""
        return self._reader.counts

    def start(self) -> "OscInput":
        """Begin to listen; return self."""
        self._worker.start()
        return self

    def stop(self) -> bool:
        """End the thread and close the socket; return whether the thread has ended."""
        ended = self._worker.stop()
        self._socket.close()
        return ended

    def _listen(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._receive()

    def _receive(self) -> None:
        """Wait up to POLL s for a datagram, and act on it if its sender is allowed."""
        try:
            datagram, (host, *_) = self._socket.recvfrom(65535)
        except (TimeoutError, ConnectionResetError):  # on Windows, the latter reports a lost reply
            return
        if not self._allowed.allows(host):
            self._turn_away(host)
            return
        for answer in self._reader.receive(datagram):
            self._answer(answer, host)

    def _turn_away(self, host: str) -> None:
        self.counts.turned_away += 1
        if host not in self._turned_away and len(self._turned_away) < REPORTED:
            self._turned_away.add(host)
            self._desk.warn(f"OSC: {host} is turned away; --osc-allow {host} would let it in")

    def _answer(self, answer: bytes, host: str) -> None:
        try:
            self._socket.sendto(answer, (host, REPLY_PORT))
        except OSError as why:
            self._desk.warn(f"OSC: no reply to {host}: {why.strerror}")


def _open_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.settimeout(POLL)
        with contextlib.suppress(OSError):  # as large as the system allows
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        opened.bind((host, port))
    except OSError as why:
        opened.close()
        raise Refused(f"OSC on {host}:{port}: {why.strerror}; choose another with --osc") from why
    return opened
