"""A follower's connection and its thread: connects, and again wherever that is lost."""

import socket
import threading
from collections import deque
from collections.abc import Callable

from livebend.control.osc_endpoint import place
from livebend.control.rig.clock_offset import ClockOffset
from livebend.control.rig.connecting import Pipe
from livebend.control.rig.key import MAC, MAGIC, NONCE, Handshake, Seal, nonce
from livebend.control.rig.messages import (
    Begin,
    Foreseen,
    Join,
    Message,
    Opening,
    Painted,
    Ping,
    Pong,
    bytes_of,
    message_in,
)
from livebend.core import clock, limits
from livebend.core.errors import Refused, one_line
from livebend.core.notify import Notify
from livebend.core.watchdog import KeptWorker, OnFault, Term

CONNECT = 1.5  # s that a leader may take to answer
AGAIN = 0.5  # s from a lost connection to the next
PINGS = 0.25  # s between two questions for the time
LOOKS = 40  # of `Pipe.LOOK`, for each step of a handshake
SILENT = 15.0  # s that looking a name up may take


class Inbox:
    """What a follower is still to play: from the receiver's thread to the render thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Begin | Painted] = deque()
        self._lost = False  # whether what has to be played did not fit

    def put(self, message: Begin | Painted) -> bool:
        """Add what comes; a beginning makes what came before it needless. False where it is full,
        and until there is a beginning."""
        with self._changed:
            if isinstance(message, Begin):
                self._waiting.clear()
                self._lost = False
            elif self._lost or len(self._waiting) >= limits.RIG_TICKS:
                self._lost = True
                return False
            self._waiting.append(message)
            self._changed.notify_all()
            return True

    def take(self, timeout: float) -> list[Begin | Painted]:
        """Return all that waits, as soon as there is something or after `timeout` s."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting), timeout)
            taken = list(self._waiting)
            self._waiting.clear()
            return taken


class Receiver:
    """Follows a leader. `worker` is its thread; any other may call `join` and read the rest.

    leader: host and port.
    met: is called with what the leader plays on, whenever it is met.
    foreseen: is called with prompts that will be played.
    now: the clock of this show, in s.
    """

    def __init__(
        self,
        leader: tuple[str, int],
        key: bytes,
        *,
        met: Callable[[Opening], None],
        foreseen: Callable[[str], None],
        now: Callable[[], float],
        notify: Notify,
        on_fault: OnFault = lambda *_: None,
    ) -> None:
        self.name = place(*leader)
        self.inbox, self.clock = Inbox(), ClockOffset()
        self.connected = False
        self._leader, self._key, self._now, self._notify = leader, key, now, notify
        self._met, self._foreseen = met, foreseen
        self._asks = threading.Event()
        self._last = ""  # what was said last of a connection that failed
        self.worker = KeptWorker(
            "follower", self._work, clock.now, on_fault, patience=lambda: SILENT
        )

    def start(self) -> "Receiver":
        """Begin to follow; return self."""
        self.worker.start()
        return self

    def join(self) -> None:
        """Ask the leader where to begin, as soon as there is a connection."""
        self._asks.set()

    def _work(self, stop: Term) -> None:
        while not stop.is_set():
            try:
                self._follow(stop)
            except Refused as why:
                self._say(str(why))
            except OSError as why:
                self._say(f"no leader at {self.name}: {why.strerror or one_line(why)}")
            self.connected = False
            stop.wait(AGAIN)

    def _say(self, why: str) -> None:
        """Report why there is no connection, once until that is another reason or there was one."""
        if why != self._last:
            self._notify(f"rig: {why}")
        self._last = why

    def _follow(self, stop: Term) -> None:
        """Follow until the connection ends. Raises: OSError, Refused."""
        opened = socket.create_connection(self._leader, CONNECT)
        pipe = Pipe(opened)
        try:
            theirs, ours = self._seals(pipe, stop)
            self.clock = ClockOffset()
            self.join()
            self._listen(pipe, stop, theirs, ours)
        finally:
            pipe.close()

    def _seals(self, pipe: Pipe, stop: Term) -> tuple[Seal, Seal]:
        """Show that this side knows the key, and see that the other does; return what signs the
        leader's messages, and this side's. Raises: Refused."""
        head = pipe.wait(len(MAGIC) + NONCE, stop, LOOKS)
        if not head.startswith(MAGIC):
            raise Refused(f"at {self.name} is no leader of this version")
        shake = Handshake(self._key, head[len(MAGIC) :], nonce())
        pipe.send(shake.followers + shake.proof("follow"))
        try:
            proof = pipe.wait(MAC, stop, LOOKS)
        except ConnectionError as why:
            raise Refused(f"the leader at {self.name} has another key, or no room") from why
        if not shake.proves("lead", proof):
            raise Refused(f"the leader at {self.name} does not know the key")
        return shake.seal("lead"), shake.seal("follow")

    def _listen(self, pipe: Pipe, stop: Term, theirs: Seal, ours: Seal) -> None:
        asked = -PINGS
        while not stop.is_set():
            moment = clock.now()
            if moment - asked >= PINGS:
                asked = moment
                pipe.send(ours.sealed(bytes_of(Ping(self._now()))))
            if self._asks.is_set():
                self._asks.clear()
                pipe.send(ours.sealed(bytes_of(Join())))
            if (message := self._message(pipe, theirs)) is not None:
                self._hear(message)

    def _message(self, pipe: Pipe, theirs: Seal) -> Message | None:
        """Return the next message where it is there, after one look. Raises: Refused."""
        head = 4 + MAC
        if not pipe.has(head):
            return None
        length = int.from_bytes(pipe.peek(4), "big")
        if length > limits.RIG_MESSAGE:
            raise Refused(f"{self.name}: a message of {length >> 20} MiB")
        if not pipe.has(head + length):
            return None
        signature = pipe.take(head)[4:]
        try:
            return message_in(theirs.opened(signature, pipe.take(length)))
        except Refused as why:
            raise Refused(f"{self.name}: {why}") from why

    def _hear(self, message: Message) -> None:
        match message:
            case Opening():
                self.connected, self._last = True, ""
                self._met(message)
            case Begin() | Painted():
                if not self.inbox.put(message):
                    self.join()
            case Foreseen(texts):
                for text in texts[: limits.PROMPTS]:
                    self._foreseen(text)
            case Pong(sent, time):
                self.clock.add(sent, time, self._now())
            case _:
                raise Refused(f"{self.name} says {type(message).__name__}: expected a frame")
