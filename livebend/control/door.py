"""The door of a show: which machines are heard, and how the operator lets in one more.

An allow-list names which come in. Any other is a stranger, which is turned away, and named in a
notice while it asks: then a key at the show lets it in, or turns it away for good. No message does
either, whoever sends it. One that gives the remote's code is paired: it plays by the remote's page,
until the same key turns it away.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from livebend.core import clock, limits
from livebend.core.errors import Refused, shown
from livebend.core.notify import Notify, ignore

Decision = Literal["admit", "dismiss"]
DECISIONS: tuple[Decision, ...] = ("admit", "dismiss")  # keys of the operator's alone

REMEMBERED = 1024  # senders that an allow-list need not look up again
ASKING = 30.0  # s after its last message that a stranger still asks; then another may
APART = 10.0  # s at least between two notices about strangers
AGAIN = 60.0  # s after which one that asks is named again


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
    """Lets in what an allow-list names, and guests, which the operator lets in. Any thread may use
    it.

    allow: addresses and networks; all come in if it is empty.
    warn: is called with what is turned away, in the thread that asks.
    keyed: whether there are keys that let strangers in.
    now: the steady clock, in s.
    Raises: Refused where `allow` cannot be read.

    Only one stranger asks at a time, the one that the newest notice names, so that no other can
    take its place while the operator reaches for the key.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        warn: Notify = ignore,
        *,
        keyed: bool = False,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._allowed, self._warn, self._keyed, self._now = AllowList(allow), warn, keyed, now
        self._lock = threading.Lock()
        self._guests: list[str] = []  # in the order in which they came
        self._paired: list[str] = []  # strangers with the remote's code, the newest last
        self._dismissed: OrderedDict[str, None] = OrderedDict()
        self._asks, self._heard, self._told = "", 0.0, -AGAIN  # who, and when, s

    def knows(self, host: str) -> bool:
        """Whether a machine may come in; a stranger is not noted."""
        return self._allowed.allows(host) or host in self._guests

    def has_dismissed(self, host: str) -> bool:
        """Whether a machine was turned away by the operator."""
        return host in self._dismissed

    def pair(self, host: str) -> None:
        """Note that a machine has given the remote's code."""
        with self._lock:
            if not self.knows(host):
                others = [one for one in self._paired if one != host]
                self._paired = [*others, host][-REMEMBERED:]
                self._asks = "" if self._asks == host else self._asks

    def lets_in(self, host: str) -> bool:
        """Whether a machine may come in."""
        if self.knows(host):
            return True
        if notice := self._note(host):
            self._warn(notice)
        return False

    def decide(self, decision: Decision) -> str:
        """Do what the operator decided; return a notice.

        admit: the stranger that asks comes in, until the show ends.
        dismiss: it does not, and is not named again; if none asks, who was paired last leaves, or
            the last guest.
        Raises: Refused where there is none to decide about, or no room.
        """
        with self._lock:
            asks = self._asks if self._now() - self._heard <= ASKING else ""
            if decision == "admit":
                return self._admit(asks)
            return self._dismiss(asks)

    def _admit(self, asks: str) -> str:
        if not asks:
            raise Refused("no machine asks to be let in")
        if len(self._guests) >= limits.GUESTS:
            raise Refused(f"{asks} is not let in: {limits.GUESTS} guests are here; --osc-allow")
        self._guests, self._asks = [*self._guests, asks], ""
        return f"{asks} is let in until the show ends"

    def _dismiss(self, asks: str) -> str:
        here = [*self._guests, *self._paired]
        if not asks and not here:
            raise Refused("no machine asks to be let in, and there are no guests")
        whom = asks or here[-1]
        self._guests, self._asks = [one for one in self._guests if one != whom], ""
        self._paired = [one for one in self._paired if one != whom]
        self._dismissed[whom] = None
        if len(self._dismissed) > REMEMBERED:
            self._dismissed.popitem(last=False)
        return f"{whom} is turned away, and not named again"

    def _note(self, host: str) -> str:
        """Note that a stranger was here; return a notice about it if it is time for one."""
        with self._lock:
            moment = self._now()
            if host in self._dismissed:
                return ""
            if host == self._asks:
                self._heard = moment
                if moment - self._told < AGAIN:
                    return ""
            elif moment - self._told < APART or (self._asks and moment - self._heard <= ASKING):
                return ""
            self._asks, self._heard, self._told = host, moment, moment
        keys = "key A lets it in, Shift A never; or " if self._keyed else ""
        return f"{host} is turned away; {keys}--osc-allow {host} would let it in"
