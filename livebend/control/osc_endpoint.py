"""Where OSC is received, and from whom: addresses, IPv4 and IPv6."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from livebend.core.errors import Refused, shown
from livebend.core.notify import Notify, ignore

HOST, PORT, REPLY_PORT = "127.0.0.1", 8000, 9000
BUFFER = 4 << 20  # bytes that the system may buffer for us while a frame is made
REMEMBERED = 1024  # senders that an allow-list need not look up again
WAITING = 16  # connections that the system may hold for us
REPORTED = 8  # machines turned away that are reported
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
    kind: socket.SocketKind = socket.SOCK_DGRAM,
) -> socket.socket:
    """Return a socket that receives at an address, without waiting; port 0 is any that is free.

    what: is received, for a notice.
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
            reason = why.strerror or str(why)
            raise Refused(f"{what} on {host}:{port}: {reason}; choose another with --osc") from why
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


class AllowList:
    """The senders that are accepted: single addresses and networks. An empty list accepts all.

    This machine is no exception: where others are listed, it has to be listed as 127.0.0.1.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Raises: Refused for what is neither an address nor a network."""
        self._networks = []
        self._known: dict[str, bool] = {}  # senders that were looked up
        for text in allowed:
            try:
                self._networks.append(ip_network(text.strip(), strict=False))
            except ValueError:
                raise Refused(
                    f"--osc-allow {shown(text)}: expected an address or a network,"
                    " such as 192.168.1.20, 192.168.1.0/24 or fd00::/8"
                ) from None

    def allows(self, host: str) -> bool:
        """Whether a sender is accepted, by its address as the socket gives it."""
        if not self._networks:
            return True
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[host] = self._find(host)
        return known

    def _find(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])  # without an interface's name
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


class Door:
    """Lets in whom an allow-list names; each of the others is reported once. For one thread.

    what: the door leads to, for the report.
    Raises: Refused where `allow` cannot be read.
    """

    def __init__(self, allow: Iterable[str], what: str, warn: Notify) -> None:
        self._allowed, self._what, self._warn = AllowList(allow), what, warn
        self._turned_away: set[str] = set()

    def lets_in(self, host: str) -> bool:
        """Whether a machine may come in."""
        if self._allowed.allows(host):
            return True
        if host not in self._turned_away and len(self._turned_away) < REPORTED:
            self._turned_away.add(host)
            self._warn(f"{self._what}: {host} is turned away; --osc-allow {host} would let it in")
        return False
