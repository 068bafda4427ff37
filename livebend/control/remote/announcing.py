"""Announcing a show in the network by zeroconf, so that programs find it by its name."""

import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

from livebend.core.errors import one_line
from livebend.core.notify import Notify

QUERY, OSC = "_oscjson._tcp.local.", "_osc._udp.local."


def machine() -> str:
    """Return this machine's name, without a domain."""
    return socket.gethostname().partition(".")[0] or "livebend"


def addresses() -> list[str]:
    """Return this machine's addresses in its networks, IPv4 first; this machine's own network, and
    addresses that are good on one cable alone, are left out. Raises: ImportError."""
    import ifaddr  # noqa: PLC0415 - only where a network is listened to

    found = [ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    four = [str(ip.ip) for ip in found if ip.is_IPv4 and not str(ip.ip).startswith("127.")]
    six = [str(ip.ip[0]) for ip in found if not ip.is_IPv4]
    return four + [ip for ip in six if ip != "::1" and not ip.startswith("fe80:")]


@contextlib.asynccontextmanager
async def announced(
    name: str, port: int, osc_port: int, warn: Notify, interfaces: Sequence[str] = ()
) -> AsyncIterator[list[str]]:
    """Announce OSCQuery and OSC at these ports for the time inside; a name that is taken gets a
    number. Yield the names under which it is announced, empty where the network does not allow it.

    interfaces: addresses of this machine that are announced, and where; all if empty.
    """
    from zeroconf import Error, InterfaceChoice, ServiceInfo  # noqa: PLC0415 - takes 0.1 s
    from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415

    here = list(interfaces) or addresses()
    names: list[str] = []
    async with contextlib.AsyncExitStack() as ending:
        try:
            speaker = AsyncZeroconf(interfaces=list(interfaces) or InterfaceChoice.All)
            ending.push_async_callback(_withdraw, speaker)
            for kind, at in ((QUERY, port), (OSC, osc_port)):
                info = ServiceInfo(
                    kind, f"{name}.{kind}", at, parsed_addresses=here,
                    properties={"txtvers": "1"}, server=f"{host_name(port)}.",
                )  # fmt: skip
                await speaker.async_register_service(info, allow_name_change=True)
                names.append(info.name)
        except (OSError, Error) as why:
            warn(f"remote: not announced in the network: {one_line(why)}")
        yield names


def host_name(port: int) -> str:
    """Return the name by which zeroconf finds this machine, not one that its system announces."""
    return f"livebend-{port}-{machine()}.local"


async def _withdraw(speaker: Any) -> None:
    """Say goodbye, so that the names are gone at once."""
    await speaker.async_unregister_all_services()
    await speaker.async_close()
