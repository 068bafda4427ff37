"""Who may send: machines and networks, IPv4 and IPv6."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network

from livebend.core.errors import Refused


class AllowList:
    """The machines and networks that are listened to; everybody where none is named.

    Only those that are named: this machine too must be, as 127.0.0.1, where others are.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Raises: Refused for what is neither an address nor a network."""
        self._networks = []
        for text in allowed:
            try:
                self._networks.append(ip_network(text.strip(), strict=False))
            except ValueError:
                raise Refused(
                    f"--osc-allow {text}: expected an address or a network,"
                    " such as 192.168.1.20, 192.168.1.0/24 or fd00::/8"
                ) from None

    def allow(self, host: str) -> bool:
        """Whether a sender of that address, as the socket gives it, is listened to."""
        if not self._networks:
            return True
        address = ip_address(host.partition("%")[0])  # without the name of an interface
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
