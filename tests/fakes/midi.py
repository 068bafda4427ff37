"""MIDI devices without hardware: ports in memory, and ports over real sockets."""

import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import mido
from mido.sockets import PortServer, connect

from livebend.core.errors import Refused
from livebend.core.worker import Worker


@dataclass
class FakePort:
    """An open port, and what was sent to it."""

    take: Callable[[Sequence[int]], None] = lambda message: None
    sent: list[tuple[int, ...]] = field(default_factory=list)
    is_open: bool = True
    is_gone: bool = False

    def send(self, message: Sequence[int]) -> None:
        if self.is_gone:
            raise Refused("MIDI: the device is gone")
        self.sent.append(tuple(message))

    def close(self) -> None:
        self.is_open = False


class FakePorts:
    """The MIDI system: devices by the names of their ports, which can be plugged in and out."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.ins: dict[str, FakePort] = {}
        self.outs: dict[str, FakePort] = {}

    def inputs(self) -> list[str]:
        return list(self.names)

    def outputs(self) -> list[str]:
        return list(self.names)

    def open_input(self, name: str, take: Callable[[Sequence[int]], None]) -> FakePort:
        self.ins[name] = FakePort(take)
        return self.ins[name]

    def open_output(self, name: str) -> FakePort:
        self.outs[name] = FakePort()
        return self.outs[name]

    def play(self, name: str, *messages: Sequence[int]) -> None:
        """Have a device send messages."""
        for message in messages:
            self.ins[name].take(message)


class SocketPorts:
    """MIDI devices that are programs at the other end of a socket, played with mido's own ports."""

    def __init__(self) -> None:
        self._server = PortServer("127.0.0.1", 0)
        self.port: int = self._server._socket.getsockname()[1]
        self._clients: list[Any] = []

    def plug_in(self) -> Any:
        """Return the device's side of a new connection: mido's port, to send and receive with."""
        device = connect("127.0.0.1", self.port)
        self._clients.append(self._server.accept())
        return device

    def unplug(self, device: Any) -> None:
        """Hang up: mido's own close leaves the connection to its files."""
        device._socket.shutdown(socket.SHUT_RDWR)
        _close(device)

    def close(self) -> None:
        """Close what is left."""
        for client in self._clients:
            _close(client)
        self._server.close()

    def inputs(self) -> list[str]:
        return [f"Socket {n}" for n, client in enumerate(self._clients) if not client.closed]

    outputs = inputs

    def open_input(self, name: str, take: Callable[[Sequence[int]], None]) -> Any:
        client = self._client(name)

        def read(stop: Any) -> None:
            with closing(client):
                for message in client:  # ends when the other side hangs up
                    take(message.bytes())
                    if stop.is_set():
                        return

        Worker(name, read).start()
        return client

    def open_output(self, name: str) -> Any:
        client = self._client(name)

        class Out:
            def send(self, message: Sequence[int]) -> None:
                client.send(mido.Message.from_bytes(message))

            def close(self) -> None: ...

        return Out()

    def _client(self, name: str) -> Any:
        return self._clients[int(name.removeprefix("Socket "))]


def _close(port: Any) -> None:
    port.close()
    for file in (port._rfile, port._wfile):
        file.close()
