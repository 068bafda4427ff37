"""Where a leader is: HOST:PORT, and the bytes of a connection to it."""

import re
import socket
import threading

from livebend.core.errors import Refused, shown

PORT = 8100
EVERYWHERE = "0.0.0.0"
HOST = re.compile(r"\[[0-9A-Fa-f:.%\w]{2,64}\]|[A-Za-z0-9._-]{1,253}")


def leader_at(text: str) -> tuple[str, int]:
    """Read HOST or HOST:PORT of --follow. Raises: Refused.

    >>> leader_at("192.168.1.5"), leader_at("[::1]:9000")
    (('192.168.1.5', 8100), ('::1', 9000))
    """
    host, colon, port = text, "", ""
    if not HOST.fullmatch(text):
        host, colon, port = text.rpartition(":")
    number = _port(port) if colon else PORT
    if not HOST.fullmatch(host) or number is None or number == 0:
        raise Refused(f"--follow {shown(text)}: expected HOST or HOST:PORT, as 192.168.1.5:{PORT}")
    return host.strip("[]"), number


def leads_at(text: str) -> tuple[str, int]:
    """Read PORT or HOST:PORT of --lead, "" for the usual port at every address. Raises: Refused.

    >>> leads_at(""), leads_at("127.0.0.1:0")
    (('0.0.0.0', 8100), ('127.0.0.1', 0))
    """
    host, _, port = text.rpartition(":")
    number = _port(port) if text else PORT
    if number is None or not HOST.fullmatch(host or EVERYWHERE):
        raise Refused(f"--lead {shown(text)}: expected PORT or HOST:PORT, such as {PORT}")
    return host.strip("[]") or EVERYWHERE, number


def _port(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return int(text) if is_number and int(text) < 65536 else None


class Pipe:
    """The bytes of a connection, waited for by one thread.

    Raises: ConnectionError where it has ended, or answers none of `stop`'s looks for `patience` s.
    """

    LOOK = 0.05  # s between two looks at the stop event

    def __init__(self, opened: socket.socket) -> None:
        opened.settimeout(self.LOOK)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._read = opened, bytearray()

    def has(self, count: int) -> bool:
        """Look once for more bytes; return whether there are so many."""
        if len(self._read) < count:
            try:
                came = self._socket.recv(max(count - len(self._read), 1 << 16))
            except TimeoutError:
                return False
            if not came:
                raise ConnectionError("it has ended")
            self._read += came
        return len(self._read) >= count

    def peek(self, count: int) -> bytes:
        """Return the first bytes, which stay."""
        return bytes(self._read[:count])

    def take(self, count: int) -> bytes:
        """Return the first bytes."""
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken

    def wait(self, count: int, stop: threading.Event, looks: int) -> bytes:
        """Return the next bytes, waited for."""
        for _ in range(looks):
            if stop.is_set():
                break
            if self.has(count):
                return self.take(count)
        raise ConnectionError("it does not answer")

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
