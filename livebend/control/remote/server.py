"""The remote's port and its thread: OSCQuery over HTTP, and WebSockets on the same port.

A connection is one request, which has to be over within REQUEST_TIME, or becomes a WebSocket. Only
the parameter tree is told; there is no folder and no file. aiohttp reads and writes the protocols.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

from aiohttp import WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError

from livebend.control.desk import Desk
from livebend.control.door import Door
from livebend.control.osc_addresses import normal
from livebend.control.parameters import Trees
from livebend.control.remote.announcing import announced, host_name, machine
from livebend.control.remote.followers import COMMANDS, INTERVAL, Follower, Followers
from livebend.control.remote.gate import Gate, Headers, query_of
from livebend.control.remote.nodes import ATTRIBUTES, Nodes, as_json, host_info
from livebend.core import clock, limits
from livebend.core.errors import one_line
from livebend.core.notify import Reports
from livebend.core.priority import step_back
from livebend.core.watchdog import KeptWorker, OnFault, Term

POLL = 0.2  # s between looks at the stop event while nobody follows
PIECES = 32  # of a node's text that are made before others have their turn
STRANGERS = 4  # connections of machines that are not let in, which get no more than a 403
PATIENCE = 1.0  # s that the end of a show waits for those who are connected
HEARTBEAT = 20.0  # s between looks whether a WebSocket is still there
GOING_AWAY, TOO_MUCH, TRY_AGAIN = 1001, 1008, 1013  # why a WebSocket is closed
SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Request(Protocol):
    """What of an HTTP request is used."""

    method: str
    path: str  # without what percent signs stand for
    query_string: str
    headers: Headers
    transport: asyncio.Transport | None


@dataclass(slots=True)
class RemoteCounts:
    """What was asked. Written by the server's thread alone; any thread may read it."""

    requests: int = 0
    refused: int = 0
    turned_away: int = 0  # requests of machines that are not let in
    lost: int = 0  # WebSockets that were gone without a word
    faults: int = 0  # errors of this program, of which the first are reported


class _Connection(NamedTuple):
    """A connection: what ends it where a request takes too long, and who is at its other end."""

    end: asyncio.TimerHandle
    host: str
    is_known: bool


class Remote:
    """The server at a socket that `listen` opened, which it closes at the end.

    osc_port: where OSC is received.
    door: who is answered.
    lan: whether to announce it in the network.
    on_fault: is called where the thread fails or hangs, before it is started again.
    """

    def __init__(
        self,
        desk: Desk,
        listening: socket.socket,
        *,
        osc_port: int,
        door: Door | None = None,
        lan: bool = False,
        on_fault: OnFault = lambda *_: None,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self.counts = RemoteCounts()
        self.names: list[str] = []  # under which it is announced
        self._desk, self._trees = desk, Trees(desk.output)
        self._trees.of(desk.scene.get())  # now: operators that nobody has loaded yet take seconds
        self._socket, self._osc_port, self._lan = listening, osc_port, lan
        self._door = door or Door()
        own = machine()
        self._gate = Gate([own, f"{own}.local", host_name(self.address[1])], now)
        self._title = f"livebend on {own}"
        self._followers = Followers(desk, self._trees)
        self._sockets: set[web.WebSocketResponse] = set()
        self._connections: dict[asyncio.Transport, _Connection] = {}
        self._reports = Reports(now)
        self.worker = KeptWorker("remote", self._work, clock.now, on_fault)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> "Remote":
        """Begin to answer; return self."""
        self.worker.start()
        return self

    def stop(self) -> bool:
        """End the thread and close the socket; return whether it has ended."""
        ended = self.worker.stop()
        self._socket.close()
        return ended

    def _work(self, stop: Term) -> None:
        step_back()
        asyncio.run(self._serve(stop))

    async def _serve(self, stop: Term) -> None:
        asyncio.get_running_loop().set_exception_handler(self._fault)
        self._followers = Followers(self._desk, self._trees)
        self._sockets, self._connections = set(), {}  # those of a term before are gone
        http = web.Server(
            cast(Any, self._answer),
            access_log=None,
            logger=_log(self._hear_fault),
            lingering_time=0.0,
            auto_decompress=False,
            max_line_size=limits.REQUEST,
            max_field_size=limits.REQUEST,
            max_headers=limits.HEADERS,
        )
        tasks = [asyncio.create_task(self._accept(http))]
        if self._lan:
            tasks.append(asyncio.create_task(self._announce()))
        try:
            while not stop.is_set():
                for task in tasks:
                    if task.done():
                        task.result()  # an error ends the thread, which reports it
                await asyncio.sleep(INTERVAL if self._followers else POLL)
                self._send_away()
                self._followers.turn()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(one.close(code=GOING_AWAY) for one in self._sockets))
            await http.shutdown(PATIENCE)
            for transport in list(self._connections):
                transport.abort()

    async def _announce(self) -> None:
        """Announce the show until cancelled."""
        async with announced(
            self._title, self.address[1], self._osc_port, self._desk.warn
        ) as names:
            self.names = names
            await asyncio.Event().wait()

    # ---- connections ---------------------------------------------------------------------------

    async def _accept(self, http: Any) -> None:
        """Let in who may, up to so many, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                opened, (host, *_) = await loop.sock_accept(self._socket)
            except OSError as why:  # too many files are open: others may be closed meanwhile
                self._report(f"nobody can connect: {one_line(why)}")
                await asyncio.sleep(POLL)
                continue
            is_known = self._door.lets_in(host)
            if not self._has_room(known=is_known):
                opened.close()
                continue
            try:
                transport, _ = await loop.connect_accepted_socket(http, opened)
            except OSError:  # who was there is gone
                opened.close()
                continue
            end = loop.call_later(limits.REQUEST_TIME, transport.abort)
            self._connections[transport] = _Connection(end, host, is_known)

    def _send_away(self) -> None:
        """Hang up on guests whom the operator has dismissed."""
        for transport, one in self._connections.items():
            if one.is_known and not self._door.lets_in(one.host):
                transport.abort()

    def _has_room(self, *, known: bool) -> bool:
        for transport in [one for one in self._connections if one.is_closing()]:
            self._connections.pop(transport).end.cancel()
        count = sum(one.is_known is known for one in self._connections.values())
        return count < (limits.REMOTES if known else STRANGERS)

    # ---- requests ------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> web.StreamResponse:
        """Answer a request."""
        self.counts.requests += 1
        peer = request.transport.get_extra_info("peername") if request.transport else None
        host = peer[0] if peer else ""
        if not host or not self._door.lets_in(host):
            self.counts.turned_away += 1
            return _plain(403, "not let in by --osc-allow, nor at the show")
        if why := self._gate.refusal(request.headers):
            return self._refuse(403, why)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT, compress=False, max_msg_size=limits.COMMAND + 1, timeout=PATIENCE
        )
        if request.method == "GET" and socket.can_prepare(cast(Any, request)).ok:
            return await self._follow(request, socket, host)
        if request.method not in ("GET", "HEAD"):
            return self._refuse(405, "GET and HEAD are answered")
        return await self._tell(normal(request.path), request.query_string, host)

    async def _tell(self, address: str, query: str, host: str) -> web.Response:
        """Answer what is asked about a node."""
        wanted = list(query_of(query))
        if not self._gate.spend(host, 1):
            return self._refuse(429, "too many questions", {"Retry-After": "1"})
        if "HOST_INFO" in wanted:
            title = self._title
            return _json(as_json(host_info(title, self._osc_port, self.address[1], COMMANDS)))
        if unknown := [name for name in wanted if name not in ATTRIBUTES]:
            return self._refuse(400, f"{unknown[0][:40]!a}: expected one of {' '.join(ATTRIBUTES)}")
        nodes = Nodes(self._desk, self._trees)
        if address not in nodes:
            return self._refuse(404, "no node has this address")
        if not wanted or "CONTENTS" in wanted:
            text = await self._text(nodes, address, host)
            if not wanted:
                return _json(text)
            found = {name: json.loads(text).get(name) for name in wanted}
        else:
            found = {name: nodes.attribute(address, name) for name in wanted}
        told = {name: value for name, value in found.items() if value is not None}
        return _json(as_json(told)) if told else _closing(web.Response(status=204, headers=SAFE))

    async def _text(self, nodes: Nodes, address: str, host: str) -> str:
        """A node with all below it, made while others have their turns."""
        pieces = []
        for index, piece in enumerate(nodes.text(address)):
            pieces.append(piece)
            if index % PIECES == PIECES - 1:
                self._gate.spend(host, PIECES // 2)  # half of them are names
                await asyncio.sleep(0)
        return "".join(pieces)

    def _refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> web.Response:
        self.counts.refused += 1
        return _plain(status, why, headers)

    # ---- WebSockets ----------------------------------------------------------------------------

    async def _follow(self, request: Request, socket: Any, host: str) -> web.StreamResponse:
        """Serve a WebSocket until it is closed."""
        try:
            await socket.prepare(request)
        except ConnectionError:
            self.counts.lost += 1
            return self._refuse(400, "gone")  # nobody reads it
        if request.transport in self._connections:
            self._connections[request.transport].end.cancel()
        try:
            await self._serve_follower(request, socket, host)
        except ConnectionError:
            self.counts.lost += 1
        return cast(web.StreamResponse, socket)

    async def _serve_follower(self, request: Request, socket: Any, host: str) -> None:
        due = asyncio.Event()
        one = Follower(due.set)
        self._followers.add(one)
        self._sockets.add(socket)
        sending = asyncio.create_task(self._send(request, socket, one, due))
        try:
            async for frame in socket:
                if not self._gate.spend(host, 1):
                    self.counts.refused += 1
                    await socket.close(code=TOO_MUCH)
                elif frame.type is WSMsgType.TEXT:
                    self._gate.spend(host, self._followers.obey(one, frame.data))
        finally:
            self._followers.remove(one)
            self._sockets.discard(socket)
            sending.cancel()
            (fault,) = await asyncio.gather(sending, return_exceptions=True)
            if isinstance(fault, Exception):
                self._count_fault(one_line(fault))

    async def _send(self, request: Request, socket: Any, one: Follower, due: asyncio.Event) -> None:
        """Send a follower what it is owed; who does not read for long is let go."""
        try:
            while await due.wait():
                due.clear()
                async with asyncio.timeout(limits.REQUEST_TIME):
                    await self._send_owed(socket, one)
                if one.is_slow:
                    await socket.close(code=TRY_AGAIN)
        except ConnectionError:
            self.counts.lost += 1
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()

    async def _send_owed(self, socket: Any, one: Follower) -> None:
        """Send its share; the rest has its turn with what is new by then."""
        for frame in list(one.take(self._followers.share)):
            await (socket.send_str if isinstance(frame, str) else socket.send_bytes)(frame)

    # ---- faults --------------------------------------------------------------------------------

    def _hear_fault(self, fault: BaseException | None, what: str) -> None:
        """Count what aiohttp has logged: HTTP that is none, or an error of this program."""
        if isinstance(fault, HttpProcessingError):
            self.counts.refused += 1
        else:
            self._count_fault(one_line(fault) if fault else what)

    def _fault(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        self._count_fault(one_line(fault) if fault else str(context.get("message")))

    def _count_fault(self, what: str) -> None:
        self.counts.faults += 1
        self._report(what)

    def _report(self, what: str) -> None:
        if self._reports.first(what):
            self._desk.warn(f"remote: {what}")


def _json(text: str) -> web.Response:
    return _closing(web.Response(text=text, content_type="application/json", headers=SAFE))


def _plain(status: int, why: str, headers: dict[str, str] | None = None) -> web.Response:
    return _closing(web.Response(status=status, text=f"{why}\n", headers=SAFE | (headers or {})))


def _closing(answer: web.Response) -> web.Response:
    """Have the connection closed behind an answer."""
    answer.force_close()
    return answer


class _Log(logging.Handler):
    def __init__(self, hear: Callable[[BaseException | None, str], None]) -> None:
        super().__init__(logging.ERROR)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        self._hear(fault, record.getMessage())


def _log(hear: Callable[[BaseException | None, str], None]) -> logging.Logger:
    """A log of its own, of which errors are heard and nothing is printed."""
    log = logging.Logger("remote", logging.ERROR)
    log.addHandler(_Log(hear))
    return log
