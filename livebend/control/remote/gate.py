"""The gate of the remote: who is let in, and how much each machine is told.

A web page that a performer happens to visit must not read the show: a browser names the page that
asks (Origin) and the name that it asked for (Host). The first has to be this server's own; the
second an address or a name of this machine, or a page could have its own name lead here.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from livebend.core import limits

MACHINES = 64  # whose allowance is remembered


class Headers(Protocol):
    """The headers of a request."""

    def getall(self, name: str, default: Iterable[str]) -> Iterable[str]: ...


class Gate:
    """Decides about requests. Used by the server's thread alone.

    names: of this machine, beside its addresses.
    now: the steady clock, in s.
    """

    def __init__(self, names: Iterable[str], now: Callable[[], float]) -> None:
        self._names = {"localhost", *(name.casefold() for name in names)}
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def refusal(self, headers: Headers) -> str:
        """Return why a request is refused, "" if it is not."""
        hosts, origins = list(headers.getall("Host", ())), list(headers.getall("Origin", ()))
        if len(hosts) != 1 or not self._is_here(hosts[0]):
            return "Host: expected an address or a name of this machine"
        if origins and not all(_netloc(one) == hosts[0].casefold() for one in origins):
            return "Origin: pages of other servers are not answered"
        return ""

    def spend(self, machine: str, parameters: int) -> bool:
        """Whether a machine may be told so many more parameters now; it is if any is left, and
        then waits longer."""
        left, since = self._left.pop(machine, (float(limits.TOLD), self._now()))
        left = min(left + (self._now() - since) * limits.TOLD, limits.TOLD)
        allowed = left > 0.0
        self._left[machine] = (left - parameters if allowed else left), self._now()
        if len(self._left) > MACHINES:
            self._left.popitem(last=False)
        return allowed

    def _is_here(self, host: str) -> bool:
        name = _hostname(host)
        try:
            ip_address(name)
        except ValueError:
            return name.rstrip(".") in self._names
        return True


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.casefold()
    except ValueError:
        return ""


def _hostname(host: str) -> str:
    """The name in HOST:PORT, in small letters; "" for what cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def query_of(text: str) -> Mapping[str, None]:
    """Return what a request's query asks for, in order: the part of each pair before the =."""
    return dict.fromkeys(part.partition("=")[0].upper() for part in text.split("&") if part)
