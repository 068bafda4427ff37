"""OSC in: a thread that hears datagrams and turns them into wishes. `addresses` says what is heard.

It listens on this machine alone unless told otherwise: a venue's network is open to strangers.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from livebend.control.desk import Desk
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
from livebend.control.osc_allowlist import AllowList
from livebend.control.osc_packets import DatagramError, messages, reply
from livebend.core import clock
from livebend.core.errors import LivebendError, Refused, UnknownName
from livebend.core.worker import Worker
from livebend.scene import paths
from livebend.scene.commands import Add, Load, Replace, Set
from livebend.scene.values import Part

HOST, PORT, REPLY_PORT = "127.0.0.1", 8000, 9000
BUFFER = 4 << 20  # bytes the system may keep for us while a frame is made
PATIENCE = 0.2  # s between looks at the stop event
STRANGERS = 32  # different unknown addresses that are answered with the nearest name …
STRANGER_TIME = 5.0  # … in so many seconds; the others are only counted
STEM = 4  # steps of /livebend/bend/NAME
AWAITED = 2.0  # s that a part may take from the wish for it to the scene

Sender = tuple[str, int]


@dataclass(slots=True)
class OscCounts:
    """What has been heard. Written by the OSC thread alone; reading it is safe anywhere."""

    messages: int = 0
    garbage: int = 0
    refused: int = 0
    fitted: int = 0
    ignored: int = 0
    turned_away: int = 0  # datagrams of senders that are not listened to


def endpoint(text: str) -> tuple[str, int]:
    """Read HOST:PORT, or PORT alone for this machine. Raises: Refused.

    >>> endpoint("0.0.0.0:9001")
    ('0.0.0.0', 9001)
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise Refused(f"--osc {text}: expected HOST:PORT, such as {HOST}:{PORT}")
    return host.strip("[]") or HOST, int(port)


class OscReader:
    """Turns datagrams into wishes, one at a time, in one thread. It knows no socket."""

    def __init__(self, desk: Desk, now: Callable[[], float] = clock.now) -> None:
        self.counts = OscCounts()
        self._desk, self._now = desk, now
        self._output = outputs(desk.output)
        self._awaited: dict[str, float] = {}
        self._strangers: set[str] = set()
        self._strangers_since = now()

    def hear(self, datagram: bytes) -> list[bytes]:
        """Act on a datagram; return the replies it asks for."""
        try:
            heard = list(messages(datagram))
        except DatagramError:
            self.counts.garbage += 1
            return []
        return [answer for message in heard for answer in self._message(*message)]

    def _message(self, address: str, arguments: list[object]) -> list[bytes]:
        self.counts.messages += 1
        if is_private(address):
            self.counts.ignored += 1
            return []
        known = leaves(self._desk.scene.get())
        try:
            heard = read(address, arguments, known, self._desk.bank, self._output)
            heard = heard or self._fresh(address, arguments)
            if heard is not None:
                return self._obey(address, heard)
        except LivebendError as why:
            self.counts.refused += 1
            self._desk.refuse(f"OSC: {why}")
            return []
        self._stranger(address, known)
        return []

    def _obey(self, address: str, heard: Request) -> list[bytes]:
        if heard.fitted:
            self.counts.fitted += 1
            self._desk.refuse(f"OSC: {heard.fitted}")
        match heard.wish:
            case None:
                self.counts.ignored += 1
            case Query(path):
                return [reply(address, paths.get(self._desk.scene.get(), path))]
            case FaderMove(path, position):
                return self._place(address, path, position)
            case wish if not self._desk.send(wish):
                self.counts.refused += 1
            case wish:
                self._await(wish)
        return []

    def _place(self, address: str, path: str, position: float | None) -> list[bytes]:
        """Put a number to a fader's place on what is played of its range, or tell its place."""
        scene = self._desk.scene.get()
        reach = paths.soft_range(scene, path)
        if position is None:
            return [reply(address, reach.to_unit(float(paths.get(scene, path))))]
        return self._obey(address, Request(Set(path, reach.from_unit(position))))

    def _await(self, wish: object) -> None:
        """Remember the parts that will be there once the wish is granted."""
        parts: Sequence[Part]
        match wish:
            case Load(scene=scene):
                parts = (*scene.bends, *scene.routes)
            case Add(part) | Replace(part):
                parts = (part,)
            case _:
                return
        until = self._now() + AWAITED
        late = {stem: end for stem, end in self._awaited.items() if end > self._now()}
        self._awaited = late | {_stem(part): until for part in parts}

    def _fresh(self, address: str, arguments: list[object]) -> Request | None:
        """Read a value for a part that was asked for so lately that the scene lacks it yet.

        The scene checks it when its turn comes.
        """
        stem = "/".join(address.split("/")[:STEM])
        if self._awaited.get(stem, 0.0) <= self._now() or len(arguments) != 1:
            return None
        path = address.removeprefix(f"{ROOT}/").replace("/", ".")
        return Request(Set(path, cast(float | str, arguments[0])))

    def _stranger(self, address: str, known: Leaves) -> None:
        """Count an unknown address; the search for the nearest name is dear, so not every time."""
        self.counts.refused += 1
        if self._now() - self._strangers_since > STRANGER_TIME:
            self._strangers.clear()
            self._strangers_since = self._now()
        if address not in self._strangers and len(self._strangers) < STRANGERS:
            self._strangers.add(address)
            names = [*COMMANDS, *self._output, *known]
            self._desk.refuse(str(UnknownName("OSC address", address[:100], names)))


def _stem(part: Part) -> str:
    return f"{ROOT}/{part.kind}/{part.name}"


class OscInput:
    """The socket and its thread; replies go to the sender's machine at `reply_port`.

    `allow` names the machines and networks that are listened to, everybody where it is empty; what
    others send is not read, it is counted, and each of them is told of once.
    Raises: Refused where the address cannot be listened on, or `allow` cannot be read.
    """

    def __init__(
        self,
        desk: Desk,
        host: str = HOST,
        port: int = PORT,
        *,
        reply_port: int = REPLY_PORT,
        allow: Iterable[str] = (),
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._ear = OscReader(desk)
        self._senders, self._turned_away = AllowList(allow), set[str]()
        self._desk, self._reply_port = desk, reply_port
        self._socket = _listen(host, port)
        self._worker = Worker("osc", self._listen, on_failure)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port the system chose where 0 was asked for."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def counts(self) -> OscCounts:
        """What has been heard so far."""
        return self._ear.counts

    def start(self) -> "OscInput":
        """Begin to listen; return self."""
        self._worker.start()
        return self

    def stop(self) -> bool:
        """End the thread and close the socket; say whether it has ended."""
        ended = self._worker.stop()
        self._socket.close()
        return ended

    def _listen(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._take()

    def _take(self) -> None:
        """Wait for a datagram a short while, and act on it if its sender is listened to."""
        try:
            datagram, sender = self._socket.recvfrom(65535)
        except (TimeoutError, ConnectionResetError):  # Windows tells of a reply that was lost
            return
        if not self._senders.allow(sender[0]):
            self._turn_away(sender[0])
            return
        for answer in self._ear.hear(datagram):
            self._answer(answer, sender)

    def _turn_away(self, host: str) -> None:
        self._ear.counts.turned_away += 1
        if host not in self._turned_away and len(self._turned_away) < STRANGERS:
            self._turned_away.add(host)
            self._desk.refuse(f"OSC: {host} is turned away; --osc-allow {host} would let it in")

    def _answer(self, answer: bytes, sender: Sender) -> None:
        try:
            self._socket.sendto(answer, (sender[0], self._reply_port))
        except OSError as why:
            self._desk.refuse(f"OSC: no reply to {sender[0]}: {why.strerror}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listening.settimeout(PATIENCE)
        with contextlib.suppress(OSError):  # as large as the system allows
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        listening.bind((host, port))
    except OSError as why:
        listening.close()
        raise Refused(f"OSC on {host}:{port}: {why.strerror}; choose another with --osc") from why
    return listening
