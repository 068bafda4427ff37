"""The leader's port and its thread, and what the render thread tells it of every frame.

The render thread never waits: it hands over what a frame is painted from, and the server's thread
writes it down, signs it for each follower and sends it.
"""

import asyncio
import hashlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from livebend.control.listening import Listening
from livebend.control.rig.key import MAC, MAGIC, NONCE, Handshake, Seal, nonce
from livebend.control.rig.messages import (
    ASKED,
    Begin,
    Foreseen,
    Join,
    Message,
    Opening,
    Painted,
    Ping,
    Pong,
    Said,
    bytes_of,
    message_in,
    said_of,
)
from livebend.core import clock, limits
from livebend.core.errors import LivebendError, Refused, one_line
from livebend.core.notify import Notify, Reports
from livebend.core.specs import ParameterValue
from livebend.core.watchdog import KeptWorker, OnFault, Term
from livebend.flow import Features, Tick
from livebend.modulation.heard import heard, reads_paper
from livebend.scene.commands import Clear, Command, Store
from livebend.scene.preset_text import text_of
from livebend.scene.values import Scene

PATIENCE = 5.0  # s that a stranger has to show that it knows the key
POLL = 0.1  # s between two looks at the stop event
MARKED = 1.0  # s between two frames whose scenes are compared
SETTINGS = ("blackout", "freeze", "brightness", "fade")  # of the display, that the rig shares

View = Callable[[], Mapping[str, ParameterValue]]
Moment = Callable[[Scene], str]


class _Frame(NamedTuple):
    """What the render thread hands over: a frame, its scene where that is to be compared, and where
    to begin, for those who wait for that or, where all are to, for everybody."""

    painted: Painted
    scene: Scene | None
    moment: str
    for_all: bool


class _Follower:
    """A connection whose other side knows the key. Used by the server's thread."""

    def __init__(self, writer: asyncio.StreamWriter, seal: Seal) -> None:
        self._writer, self._seal = writer, seal
        self.waits, self.follows = False, False

    def say(self, message: bytes) -> None:
        """Send a message; hang up on one that reads too slowly, which may join again."""
        self._writer.write(self._seal.sealed(message))
        if self._writer.transport.get_write_buffer_size() > limits.RIG_BACKLOG:
            self.end()

    def end(self) -> None:
        """Hang up."""
        self._writer.transport.abort()


class Leader(Listening):
    """Says what each frame is painted from. The render thread calls `begin` and `record`, any
    thread `foresee` and `begin_anew`.

    listening: a socket that `listen` opened, which is closed at the end.
    opening: what is played on.
    moment: returns what the renderer has kept, as text; the render thread calls it.
    view: returns the settings of the display that followers share.
    now: the clock of the show, in s.
    """

    def __init__(
        self,
        listening: socket.socket,
        key: bytes,
        opening: Opening,
        moment: Moment,
        *,
        view: View = dict,
        now: Callable[[], float] = clock.now,
        notify: Notify,
        on_fault: OnFault = lambda *_: None,
    ) -> None:
        super().__init__(listening, KeptWorker("leader", self._work, clock.now, on_fault))
        self._key, self._opening = key, opening
        self._moment, self._view, self._now, self._notify = moment, view, now, notify
        self._reports = Reports(clock.now)
        self._said: list[Said] = []
        self._shown: Mapping[str, ParameterValue] = {}
        self._paper = False  # whether a scene has read the paper's features
        self._marked, self._given = -MARKED, -limits.RIG_JOINS
        self._anew = threading.Event()  # everybody is to begin again
        self._waiting = threading.Event()  # somebody is to begin
        self._frames: deque[_Frame | Foreseen] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._followers: list[_Follower] = []
        self._strangers = 0

    @property
    def described(self) -> str:
        """How many follow, in words."""
        count = sum(one.follows for one in tuple(self._followers))
        return f"leads {count} show{'' if count == 1 else 's'}"

    @property
    def asked(self) -> bool:
        """Whether somebody is to begin with the next frame."""
        return self._waiting.is_set()

    # ---- the render thread ---------------------------------------------------------------------

    def record(self, _: float, command: Command) -> None:
        """Take a command that was applied."""
        if isinstance(command, Store | Clear):
            return
        try:
            self._said.append(said_of(command))
        except LivebendError:
            self.begin_anew()  # it has no words: what it made is sent instead

    def begin(self, scene: Scene, features: Features, tick: Tick) -> None:
        """Say what the frame that comes is painted from; before it is painted."""
        said, self._said = tuple(self._said), []
        view = {name: value for name, value in self._view().items() if name in SETTINGS}
        changed = {name: value for name, value in view.items() if self._shown.get(name) != value}
        self._shown, self._paper = view, self._paper or reads_paper(scene)
        marks = tick.time - self._marked >= MARKED
        if marks:
            self._marked = tick.time
        numbers = heard(features, paper=self._paper)
        moment, for_all = "", self._anew.is_set()
        is_due = self._waiting.is_set() and abs(tick.time - self._given) >= limits.RIG_JOINS
        if self._followers and (for_all or is_due):
            moment, changed = self._given_moment(scene, tick.time), view
        painted = Painted(tick, numbers, said, changed)
        self._hand_over(_Frame(painted, scene if marks else None, moment, for_all))

    def _given_moment(self, scene: Scene, time: float) -> str:
        self._anew.clear()
        self._waiting.clear()
        self._given = time
        try:
            return self._moment(scene)
        except LivebendError as why:
            self._notify(f"nobody can join now: {why}")
            return ""

    def begin_anew(self) -> None:
        """Have everybody begin with what the next frame begins with: what was painted from does
        not say it."""
        self._anew.set()

    def foresee(self, text: str) -> None:
        """Tell followers of a prompt that is being encoded."""
        self._hand_over(Foreseen((text,)))

    def _hand_over(self, what: "_Frame | Foreseen") -> None:
        loop = self._loop
        if loop is None or not self._followers:
            return
        self._frames.append(what)
        try:
            loop.call_soon_threadsafe(self._send)
        except RuntimeError:  # the loop has just ended: a new term begins without followers
            self._frames.clear()

    # ---- the server's thread -------------------------------------------------------------------

    def _send(self) -> None:
        while self._frames:
            what = self._frames.popleft()
            try:
                if isinstance(what, _Frame):
                    self._send_frame(what)
                else:
                    self._send_to(bytes_of(what), lambda one: one.follows)
            except Refused as why:
                self._report(f"a frame is not sent: {why}")
                self.begin_anew()

    def _send_frame(self, frame: _Frame) -> None:
        painted = frame.painted
        if frame.scene is not None:
            painted = replace(painted, mark=mark_of(frame.scene))
        begin = None
        if frame.moment:
            begin = bytes_of(Begin(frame.moment, replace(painted, said=(), mark="")))
        if begin is not None and len(begin) > limits.RIG_MESSAGE:
            self._report(f"nobody can join now: {len(begin) >> 20} MiB are too many")
            begin = None
        data = bytes_of(painted)
        for one in self._followers:
            if begin is not None and (one.waits or (one.follows and frame.for_all)):
                one.waits, one.follows = False, True
                one.say(begin)
            elif one.follows:
                one.say(data)

    def _send_to(self, data: bytes, whom: Callable[[_Follower], bool]) -> None:
        for one in self._followers:
            if whom(one):
                one.say(data)

    def _work(self, stop: Term) -> None:
        asyncio.run(self._serve(stop))

    async def _serve(self, stop: Term) -> None:
        self._followers, self._strangers = [], 0
        server = await asyncio.start_server(self._meet, sock=self._socket.dup(), limit=1 << 12)
        self._loop = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                await asyncio.sleep(POLL)
        finally:
            self._loop = None
            server.close()
            for one in self._followers:
                one.end()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until it ends."""
        host = str((writer.get_extra_info("peername") or ("somebody",))[0])
        try:
            self._check_room(self._strangers, host)
            shake = await self._known(reader, writer, host)
            self._check_room(len(self._followers), host)
            await self._follow(reader, writer, shake, host)
        except Refused as why:
            self._report(str(why))
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass  # it is gone, which is said where it has followed; or the show is over
        finally:
            writer.transport.abort()

    def _check_room(self, there: int, host: str) -> None:
        if there >= limits.RIG:
            raise Refused(f"more than {limits.RIG} shows: {host} is turned away")

    async def _known(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
    ) -> Handshake:
        """Return what was shown by one that knows the key. Raises: Refused."""
        self._strangers += 1
        try:
            own = nonce()
            writer.write(MAGIC + own)
            given = await asyncio.wait_for(reader.readexactly(NONCE + MAC), PATIENCE)
            shake = Handshake(self._key, own, given[:NONCE])
            if not shake.proves("follow", given[NONCE:]):
                raise Refused(f"{host} does not know the key, and does not follow")
            writer.write(shake.proof("lead"))
            return shake
        finally:
            self._strangers -= 1

    async def _follow(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        shake: Handshake,
        host: str,
    ) -> None:
        """Answer a follower until it is gone."""
        one = _Follower(writer, shake.seal("lead"))
        one.say(bytes_of(self._opening))
        self._followers.append(one)
        self._notify(f"{host} follows")
        try:
            await self._listen(reader, one, shake.seal("follow"), host)
        finally:
            self._followers.remove(one)
            self._notify(f"{host} follows no longer")

    async def _listen(
        self, reader: asyncio.StreamReader, one: _Follower, seal: Seal, host: str
    ) -> None:
        asked: deque[float] = deque(maxlen=limits.RIG_ASKS)
        while True:
            head = await reader.readexactly(4 + MAC)
            length, moment = int.from_bytes(head[:4], "big"), clock.now()
            if length > limits.RIG_ASKED:
                raise Refused(f"{host}: a message of {length} bytes; at most {limits.RIG_ASKED}")
            if len(asked) == limits.RIG_ASKS and moment - asked[0] < 1.0:
                raise Refused(f"{host}: more than {limits.RIG_ASKS} messages in a second")
            asked.append(moment)
            try:
                message = message_in(seal.opened(head[4:], await reader.readexactly(length)))
            except Refused as why:
                raise Refused(f"{host}: {why}") from why
            self._answer(one, message)

    def _answer(self, one: _Follower, message: Message) -> None:
        if not isinstance(message, ASKED):
            raise Refused(f"a follower says {type(message).__name__}: expected a question")
        if isinstance(message, Ping):
            one.say(bytes_of(Pong(message.sent, self._now())))
        elif isinstance(message, Join):
            one.waits = True
            self._waiting.set()

    def _report(self, why: str) -> None:
        if self._reports.first(why):
            self._notify(f"rig: {one_line(Refused(why))}")


def mark_of(scene: Scene) -> str:
    """Return a short hash of both sides of a scene, which another machine compares."""
    return hashlib.blake2b(text_of(scene).encode(), digest_size=8).hexdigest()
