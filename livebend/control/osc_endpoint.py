"""Where OSC is received, and from whom: addresses, IPv4 and IPv6."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network

from livebend.core.errors import Refused, shown

HOST, PORT, REPLY_PORT = "127.0.0.1", 8000, 9000


def endpoint(text: str) -> tuple[str, int]:
    """Read HOST:PORT, or PORT alone for this machine. Raises: Refused.

    >>> endpoint("0.0.0.0:9001")
    ('0.0.0.0', 9001)
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
        raise Refused(f"--osc {shown(text)}: expected HOST:PORT, such as {HOST}:{PORT}")
    return host.strip("[]") or HOST, int(port)


class AllowList:
    """The senders that are accepted: single addresses and networks. An empty list accepts all.

    This machine is no exception: where others are listed, it has to be listed as 127.0.0.1.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Raises: Refused for what is neither an address nor a network."""
        self._networks = []
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
        address = ip_address(host.partition("%")[0])  # without an interface's name
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
