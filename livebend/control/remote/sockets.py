"""The WebSockets of the remote: each is served by two tasks until it is closed, one of which hears
what it says while the other sends what it is owed."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import WSMsgType

from livebend.control.remote.gate import Gate
from livebend.core import limits
from livebend.core.errors import one_line

GOING_AWAY, TOO_MUCH, TRY_AGAIN = 1001, 1008, 1013  # why a WebSocket is closed


class Counts(Protocol):
    """What is counted of WebSockets."""

    refused: int
    lost: int


class Speaker(Protocol):
    """The other end of a WebSocket, as the show has it: a `Follower`."""

    is_slow: bool

    def say(self, text: str) -> int:
        """Hear a text; return how many parameters it was about."""

    def play(self, packet: bytes) -> int:
        """Hear bytes; return how many parameters they were about."""

    def take(self, most: int) -> Any:
        """Yield up to so many frames that it is owed."""


class Sockets:
    """Used by the server's thread alone.

    share: returns how many frames each may get at once.
    fault: is called with what was an error of this program.
    """

    def __init__(
        self, gate: Gate, counts: Counts, share: Callable[[], int], fault: Callable[[str], None]
    ) -> None:
        self._gate, self._counts, self._share, self._fault = gate, counts, share, fault
        self._open: set[Any] = set()

    async def serve(
        self, socket: Any, one: Speaker, due: asyncio.Event, host: str, abort: Callable[[], None]
    ) -> None:
        """Serve an open WebSocket until it is closed.

        due: is set whenever the speaker is owed something.
        abort: hangs up.
        """
        self._open.add(socket)
        sending = asyncio.create_task(self._send(socket, one, due, abort))
        try:
            await self._hear(socket, one, host)
        except ConnectionError:
            self._counts.lost += 1
        finally:
            self._open.discard(socket)
            sending.cancel()
            (fault,) = await asyncio.gather(sending, return_exceptions=True)
            if isinstance(fault, Exception):
                self._fault(one_line(fault))

    async def close(self) -> None:
        """Close all of them: the show ends."""
        await asyncio.gather(*(one.close(code=GOING_AWAY) for one in self._open))

    async def _hear(self, socket: Any, one: Speaker, host: str) -> None:
        async for frame in socket:
            if not self._gate.spend(host, 1):
                self._counts.refused += 1
                await socket.close(code=TOO_MUCH)
            elif frame.type is WSMsgType.TEXT:
                self._gate.spend(host, one.say(frame.data))
            elif frame.type is WSMsgType.BINARY:
                self._gate.spend(host, one.play(frame.data))
            await asyncio.sleep(0)  # many may have come at once: others have their turn

    async def _send(
        self, socket: Any, one: Speaker, due: asyncio.Event, abort: Callable[[], None]
    ) -> None:
        """Send what is owed; who does not read for long is let go."""
        try:
            while await due.wait():
                due.clear()
                async with asyncio.timeout(limits.REQUEST_TIME):
                    for frame in list(one.take(self._share())):
                        await (socket.send_str if isinstance(frame, str) else socket.send_bytes)(
                            frame
                        )
                if one.is_slow:
                    await socket.close(code=TRY_AGAIN)
        except ConnectionError:
            self._counts.lost += 1
        except TimeoutError:
            abort()
