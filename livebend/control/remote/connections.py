"""Who is connected to the remote: so many of those it knows, few strangers, each for a while."""

import asyncio
from dataclasses import dataclass

from livebend.control.door import Door
from livebend.core import limits

STRANGERS = 16  # connections of machines that are not let in, which get the page or a 403
EACH = 8  # of those, of one machine: what a browser opens at once, and a little more


@dataclass(slots=True)
class _Connection:
    """A connection: what ends it where a request takes too long, and who is at its other end."""

    end: asyncio.TimerHandle
    host: str
    is_known: bool  # to the door
    is_paired: bool = False


class Connections:
    """Used by the server's thread alone."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._all: dict[asyncio.Transport, _Connection] = {}

    def __len__(self) -> int:
        return len(self._all)

    def has_room(self, host: str) -> bool:
        """Whether a machine may have one more."""
        for transport in [one for one in self._all if one.is_closing()]:
            self._all.pop(transport).end.cancel()
        if self._door.knows(host):
            here = sum(one.is_known or one.is_paired for one in self._all.values())
            return here < limits.REMOTES
        strangers = [o.host for o in self._all.values() if not (o.is_known or o.is_paired)]
        return len(strangers) < STRANGERS and strangers.count(host) < EACH

    def add(self, transport: asyncio.Transport, host: str) -> None:
        """Note a connection, which is to be over within REQUEST_TIME."""
        end = asyncio.get_running_loop().call_later(limits.REQUEST_TIME, transport.abort)
        self._all[transport] = _Connection(end, host, self._door.knows(host))

    def keep(self, transport: asyncio.Transport, *, paired: bool) -> None:
        """Let one last: it has become a WebSocket."""
        if (one := self._all.get(transport)) is not None:
            one.end.cancel()
            one.is_paired = paired

    def send_away(self) -> None:
        """Hang up on those whom the operator has dismissed."""
        for transport, one in self._all.items():
            was_guest = one.is_known and not self._door.knows(one.host)
            if was_guest or (one.is_paired and self._door.has_dismissed(one.host)):
                transport.abort()

    def end(self) -> None:
        """Hang up on everyone."""
        for transport in list(self._all):
            transport.abort()
