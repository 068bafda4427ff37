"""The remote's port and its thread: OSCQuery over HTTP, a page to play, and WebSockets of both.

A connection is one request, which has to be over within REQUEST_TIME, or becomes a WebSocket.
OSCQuery tells the parameter tree to those whom the door knows and to pages that are paired; below
/remote anyone may load the page. No address becomes a path. aiohttp reads and writes the protocols.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from livebend.control.desk import Desk
from livebend.control.door import Door
from livebend.control.listening import Listening
from livebend.control.osc_addresses import normal
from livebend.control.parameters import Trees
from livebend.control.remote.announcing import announced, host_name, machine
from livebend.control.remote.connections import Connections
from livebend.control.remote.followers import COMMANDS, INTERVAL, Follower, Followers
from livebend.control.remote.gate import Gate, Headers, query_of
from livebend.control.remote.nodes import ATTRIBUTES, TOP, Nodes, as_json, host_info
from livebend.control.remote.pacing import PacedSelector
from livebend.control.remote.pages import Page, Stage
from livebend.control.remote.pairing import Pairing
from livebend.control.remote.preview import Preview
from livebend.control.remote.site import AT, SAFE, SOCKET, Material, Site, closing, refusal
from livebend.control.remote.sockets import Sockets
from livebend.core import clock, limits
from livebend.core.errors import one_line
from livebend.core.mailbox import Latest
from livebend.core.notify import Reports
from livebend.core.watchdog import KeptWorker, OnFault, Term

POLL = 0.2  # s between looks at the stop event while nobody follows
PIECES = 32  # of a node's text that are made before others have their turn
WOKEN = 8  # followers that are told before others have their turn
PATIENCE = 1.0  # s that the end of a show waits for those who are connected
HEARTBEAT = 20.0  # s between looks whether a WebSocket is still there


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


class Remote(Listening):
    """The server at a socket that `listen` opened, which it closes at the end.

    osc_port: where OSC is received.
    door: who is answered.
    lan: whether to announce it in the network.
    pairing: knows the pages that may play.
    material: what they see beside the tree.
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
        pairing: Pairing | None = None,
        material: Material | None = None,
        on_fault: OnFault = lambda *_: None,
        now: Callable[[], float] = clock.now,
    ) -> None:
        super().__init__(listening, KeptWorker("remote", self._work, clock.now, on_fault))
        self.counts = RemoteCounts()
        self.names: list[str] = []  # under which it is announced
        self._desk, self._trees = desk, Trees(desk.output)
        self._trees.of(desk.scene.get())  # now: operators that nobody has loaded yet take seconds
        self._osc_port, self._lan = osc_port, lan
        self._door = door or Door()
        own = machine()
        self._gate = Gate([own, f"{own}.local", host_name(self.address[1])], now)
        self._title, self._now = f"livebend on {own}, port {self.address[1]}", now
        self._reports = Reports(now)
        self.pairing = pairing or Pairing(now)
        self._material = material or Material(Latest(None))
        self._open_anew()

    def _open_anew(self) -> None:
        """Have nobody connected: those of a term before are gone."""
        self._followers = Followers(self._desk, self._trees)
        preview = Preview(self._material.frames)
        self._stage = Stage(self._desk, self._trees, preview, self._now)
        self._site = Site(
            self._desk, self._trees, self._stage.descriptions, self.pairing, self._door,
            self._gate, self._material, self.address[1],
        )  # fmt: skip
        self._sockets = Sockets(
            self._gate, self.counts, lambda: self._followers.share, self._count_fault
        )
        self._connections = Connections(self._door)

    def _work(self, stop: Term) -> None:
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(PacedSelector())) as run:
            run.run(self._serve(stop))

    async def _serve(self, stop: Term) -> None:
        asyncio.get_running_loop().set_exception_handler(self._fault)
        self._open_anew()
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
                self._connections.send_away()
                for index, one in enumerate(self._followers.turn()):
                    one.wake()
                    if index % WOKEN == WOKEN - 1:
                        await asyncio.sleep(0)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._sockets.close()
            await http.shutdown(PATIENCE)
            self._connections.end()

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
            if not self._connections.has_room(host):
                opened.close()
                continue
            try:
                transport, _ = await loop.connect_accepted_socket(http, opened)
            except OSError:  # who was there is gone
                opened.close()
                continue
            self._connections.add(transport, host)

    # ---- requests ------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> web.StreamResponse:
        """Answer a request."""
        self.counts.requests += 1
        peer = request.transport.get_extra_info("peername") if request.transport else None
        host = peer[0] if peer else ""
        is_open = _is_at_page(request) or _leads_to_page(request)  # to anyone
        if not is_open and not self._lets_in(request, host):
            self.counts.turned_away += 1
            return refusal(403, "not let in by --osc-allow, nor at the show")
        if why := self._gate.refusal(request.headers):
            return self._refuse(403, why)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT, compress=False, max_msg_size=limits.COMMAND + 1, timeout=PATIENCE
        )
        if request.method == "GET" and socket.can_prepare(cast(Any, request)).ok:
            return await self._answer_socket(request, socket, host)
        if is_open:
            return await self._answer_page(request, host)
        if request.method not in ("GET", "HEAD"):
            return self._refuse(405, "GET and HEAD are answered")
        return await self._tell(normal(request.path), request.query_string, host)

    def _lets_in(self, request: Request, host: str) -> bool:
        """Whether OSCQuery is told."""
        return self._site.knows(request, host) or self._door.lets_in(host)

    async def _answer_page(self, request: Request, host: str) -> web.Response:
        """Answer what is asked about the page."""
        if not _is_at_page(request):
            return closing(web.Response(status=302, headers=SAFE | {"Location": AT}))
        if request.path == AT and not self._door.knows(host):
            self._report(f"{host} opens the page; it plays once it has given the code")
        answer = await self._site.answer(request, host)
        self.counts.refused += answer.status >= 400
        return answer

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
        return _json(as_json(told)) if told else closing(web.Response(status=204, headers=SAFE))

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
        return refusal(status, why, headers)

    # ---- WebSockets ----------------------------------------------------------------------------

    async def _answer_socket(self, request: Request, socket: Any, host: str) -> web.StreamResponse:
        """Serve a WebSocket until it is closed: a page's, or one of OSCQuery."""
        is_page = _is_at_page(request)
        if is_page and not self._is_ours(request, host):
            return self._refuse(401, "give the code that the operator's view shows")
        try:
            await socket.prepare(request)
        except ConnectionError:
            self.counts.lost += 1
            return self._refuse(400, "gone")  # nobody reads it
        transport, due = cast(asyncio.Transport, request.transport), asyncio.Event()
        self._connections.keep(transport, paired=is_page)
        one = Follower(self._followers, due.set)
        if is_page:
            one = Page(self._followers, due.set, self._stage, host)
        self._followers.add(one)
        try:
            await self._sockets.serve(socket, one, due, host, transport.abort)
        finally:
            self._followers.remove(one)
        return cast(web.StreamResponse, socket)

    def _is_ours(self, request: Request, host: str) -> bool:
        """Whether the page that opens a WebSocket is ours, as the gate has seen, and paired."""
        has_origin = bool(list(request.headers.getall("Origin", ())))
        return has_origin and request.path == SOCKET and self._site.knows(request, host)

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


def _is_at_page(request: Request) -> bool:
    return f"{request.path}/".startswith(f"{AT}/")


def _leads_to_page(request: Request) -> bool:
    """Whether somebody typed the show's address into a browser."""
    if (request.method, request.path, request.query_string) != ("GET", TOP, ""):
        return False
    is_socket = bool(list(request.headers.getall("Upgrade", ())))
    return not is_socket and "text/html" in ",".join(request.headers.getall("Accept", ()))


def _json(text: str) -> web.Response:
    return closing(web.Response(text=text, content_type="application/json", headers=SAFE))


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
