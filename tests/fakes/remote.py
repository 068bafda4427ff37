"""A remote over a fake desk, and clients of it that are not ours: http.client and aiohttp's."""

import asyncio
import http.client
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import aiohttp
from pythonosc.osc_message import OscMessage

from livebend.control.osc_endpoint import listen
from livebend.control.remote.server import Remote
from livebend.outputs.display import Display
from livebend.scene.values import Scene
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import PATIENCE


class Show:
    """A remote at work: its desk, what was warned of, and the display behind it."""

    def __init__(self, scene: Scene = DUB, host: str = "127.0.0.1", **more: object) -> None:
        fake, self.display = FakeDesk(scene), Display()
        self.warned = fake.refused
        self.desk = replace(fake.desk, output=Display.specs, view=self.display.get)
        listening = listen(host, 0, kind=socket.SOCK_STREAM)
        self.remote = Remote(self.desk, listening, osc_port=9001, **more)
        self.port = self.remote.address[1]

    def get(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, object]:
        """Return the status and the JSON, or the text, of an answer."""
        status, _, body = self.ask(path, headers, method)
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body.decode()

    def ask(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers and the body of an answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        client.request(method, path, headers=headers or {})
        answer = client.getresponse()
        body = answer.read()
        client.close()
        return answer.status, dict(answer.getheaders()), body

    def send(self, data: bytes) -> bytes:
        """Send bytes over a connection, no more after them; return what comes back to its end."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            got = b""
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while more := client.recv(65536):
                    got += more
            except (ConnectionError, TimeoutError):
                pass
            return got

    def follow(self, talk: Callable[["Client"], Awaitable[None]]) -> None:
        """Talk over a WebSocket."""

        async def run() -> None:
            url = f"http://127.0.0.1:{self.port}/"
            async with aiohttp.ClientSession() as session, session.ws_connect(url) as opened:
                await talk(Client(opened))

        asyncio.run(run())


class Client:
    """The other end of a WebSocket."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = opened

    async def say(self, command: str, address: str) -> None:
        """Send a command."""
        await self.socket.send_str(json.dumps({"COMMAND": command, "DATA": address}))

    async def hear(self) -> tuple[str, object]:
        """Return the next frame: a command and its data, or an address and its value."""
        frame = await self.socket.receive(timeout=PATIENCE)
        if frame.type is aiohttp.WSMsgType.TEXT:
            said = json.loads(frame.data)
            return said["COMMAND"], said["DATA"]
        assert frame.type is aiohttp.WSMsgType.BINARY, frame
        message = OscMessage(frame.data)
        return message.address, message.params[0]


@contextmanager
def serving(*args: object, **more: object) -> Iterator[Show]:
    """A remote that answers for the time inside, and then had no fault."""
    show = Show(*args, **more)
    show.remote.start()
    try:
        yield show
    finally:
        assert show.remote.stop()
    assert show.remote.counts.faults == 0, show.warned
