"""Where OSC is received: addresses, IPv4 and IPv6. Who is heard there is in `door`."""

import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from livebend.core.errors import Refused, shown
from livebend.core.notify import Notify, ignore

HOST, PORT, REPLY_PORT = "127.0.0.1", 8000, 9000
BUFFER = 4 << 20  # bytes that the system may buffer for us while a frame is made
WAITING = 16  # connections that the system may hold for us
PORTS = 16  # that are tried from the one that was asked for


class Sender(NamedTuple):
    """Who sent a datagram: its machine's address, and the port that it was sent from."""

    host: str
    port: int = 0


def endpoint(text: str) -> tuple[str, int]:
    """Read HOST:PORT, or PORT alone for this machine. Raises: Refused.

    >>> endpoint("0.0.0.0:9001")
    ('0.0.0.0', 9001)
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
        raise Refused(f"--osc {shown(text)}: expected HOST:PORT, such as {HOST}:{PORT}")
    return host.strip("[]") or HOST, int(port)


def listen(
    host: str = HOST,
    port: int = PORT,
    notify: Notify = ignore,
    *,
    what: str = "OSC",
    option: str = "--osc",
    kind: socket.SocketKind = socket.SOCK_DGRAM,
) -> socket.socket:
    """Return a socket that receives at an address, without waiting; port 0 is any that is free.

    what: is received, for a notice.
    option: chooses the address, for a refusal.
    kind: of datagrams, or of connections.
    Where the port is taken, the next free one is used, with a notice.
    Raises: Refused where there is no such address here, or no port is free.
    """
    last = min(port + PORTS, 65536) if port else 1
    for number in range(port, last):
        try:
            opened = _open(host, number, kind)
        except OSError as why:
            if why.errno == errno.EADDRINUSE and number + 1 < last:
                continue
            reason = f"{why.strerror or why}; choose another with {option}"
            raise Refused(f"{what} on {host}:{port}: {reason}") from why
        if number != port:
            notify(
                f"{what}: port {port} is taken, perhaps by another livebend; here it is {number}"
            )
        break
    return opened


def reach(host: str, port: int, allow: Sequence[str] = (), here: Sequence[str] = ()) -> str:
    """Return who can reach an address, and how others could, as one line.

    here: this machine's addresses in its networks, where OSC is opened to them.
    """
    where = place(host, port)
    if is_loopback(host):
        return (
            f"OSC: listening on this machine only ({where}); for a tablet:"
            " --lan --osc-allow THE TABLET'S ADDRESS"
        )
    if here:
        others = ", ".join(allow) or "nobody else; --osc-allow ADDRESS lets a tablet in"
        at = " or ".join(place(one, port) for one in here)
        return f"OSC: listening at {at}, to this machine and {others}"
    if not allow:
        return (
            f"OSC: anyone on the network may play this show ({where});"
            " --osc-allow 192.168.1.0/24 would let in that network alone"
        )
    return f"OSC: listening at {where} to {', '.join(allow)}"


def place(host: str, port: int) -> str:
    """Return an address and a port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _open(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, kind)
    try:
        opened.setblocking(False)
        if kind is socket.SOCK_STREAM:
            if os.name == "posix":  # elsewhere it would let others take the port over
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((host, port))
            opened.listen(WAITING)
            return opened
        with contextlib.suppress(OSError):  # as large as the system allows
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        opened.bind((host, port))
    except (OSError, UnicodeError) as why:
        opened.close()
        raise why if isinstance(why, OSError) else OSError(str(why)) from why
    return opened
