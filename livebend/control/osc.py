"""OSC input: a thread that receives datagrams and acts on them, as `osc_addresses` reads them.

Black and freeze do not queue up behind faders: the thread takes what waits at the socket first, and
acts on those of it that are about the display alone.
"""

import heapq
import select
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count

from livebend.control.desk import Desk
from livebend.control.door import Door
from livebend.control.listening import Listening
from livebend.control.osc_actions import MessageActions, OscCounts
from livebend.control.osc_addresses import FADER, is_private, named, normal
from livebend.control.osc_aliases import ALIASES
from livebend.control.osc_backlog import Backlog, numbers
from livebend.control.osc_endpoint import REPLY_PORT, Sender
from livebend.control.osc_feedback import Feedback, Hears, everyone
from livebend.control.osc_learnt import LearntAddresses
from livebend.control.osc_packets import ROOT, Message, read_packet
from livebend.control.osc_patterns import expanded, is_pattern
from livebend.control.parameters import Tree, Trees
from livebend.core import clock, limits
from livebend.core.errors import LivebendError, OutOfRange, UnknownName, shown
from livebend.core.notify import Reports
from livebend.core.watchdog import KeptWorker, OnFault, Term

LARGEST = 65_535  # bytes of a datagram
POLL = 0.2  # s between looks at the stop event
BREATH = 0.002  # s between looks at the socket: each costs the frame more than what it finds
TAKING = 0.2  # s that datagrams are taken at a time, where they come faster than that
ACTING = 0.01  # s that they are acted on then
TURN = 16  # datagrams that are acted on at least
SEARCHES = 64  # addresses with wildcards that are looked up in a while
PATTERNS = 64  # of those, whose parameters are remembered
AHEAD = 10.0  # s: a bundle dated further ahead is held, and reported
URGENT = (b"livebend/blackout", b"livebend/freeze", b"pause", b"play")
EVERYTHING = "/?"
HERE = Sender("")


class OscReader:
    """Acts on datagrams, one at a time, in one thread; it knows nothing of the socket.

    now: the steady clock, in s.
    calendar: the clock that bundles are dated by, in s since 1970.
    hears: whether a machine may still be told what changes.
    learnt: the foreign addresses that are known.
    """

    def __init__(
        self,
        desk: Desk,
        now: Callable[[], float] = clock.now,
        calendar: Callable[[], float] = clock.calendar,
        hears: Hears = everyone,
        learnt: LearntAddresses | None = None,
    ) -> None:
        self._desk, self._now, self._calendar = desk, now, calendar
        self._trees = Trees(desk.output)
        self._trees.of(desk.scene.get())  # now: operators that nobody has loaded yet take seconds
        self.learnt = learnt or LearntAddresses(desk, now=now)
        self.feedback = Feedback(desk, self._trees, now, hears, self.learnt.players)
        self.counts, self._searches = OscCounts(), Reports(now, SEARCHES)
        self._actions = MessageActions(desk, self._trees, self.counts, self.feedback, now, "OSC")
        self._named: OrderedDict[str, tuple[Tree, list[str]]] = OrderedDict()
        self._dated: list[tuple[float, int, Message, Sender]] = []  # a heap, by time
        self._places = count()
        self._numbers: tuple[Tree | None, Mapping[bytes, str]] = None, {}

    def receive(self, datagram: bytes, sender: Sender = HERE) -> list[bytes]:
        """Act on a datagram, or keep what is dated ahead; return the replies it asks for."""
        packet = read_packet(datagram)
        self.counts.garbage += packet.garbage
        for notice in packet.notices:
            self._actions.report(notice, notice)
        answers: list[bytes] = []
        for message in packet.messages:
            if message.time is None or not self._is_kept(message, message.time, sender):
                answers += self._handle(message.address, message.arguments, sender)
        return answers[: limits.MATCHES]

    def numbers(self) -> Mapping[bytes, str]:
        """Return the paths of the numbers there are now, see `Backlog`."""
        tree = self._trees.of(self._desk.scene.get())
        if self._numbers[0] is not tree:
            self._numbers = tree, numbers(tree, FADER)
        return self._numbers[1]

    def due(self) -> float | None:
        """Return the seconds until the next message that is dated, None where there is none."""
        return max(self._dated[0][0] - self._now(), 0.0) if self._dated else None

    def act_on_dated(self) -> list[tuple[bytes, Sender]]:
        """Act on the messages whose time has come; return replies and who asked for them."""
        answers: list[tuple[bytes, Sender]] = []
        while self._dated and self._dated[0][0] <= self._now():
            _, _, message, sender = heapq.heappop(self._dated)
            found = self._handle(message.address, message.arguments, sender)
            answers += [(answer, sender) for answer in found]
        return answers

    def _is_kept(self, message: Message, time: float, sender: Sender) -> bool:
        """Keep a message until its time; False if it is to act at once."""
        ahead = time - self._calendar()
        if ahead <= 0.0:
            return False
        if ahead > limits.DATED_TIME or len(self._dated) >= limits.DATED:
            self._actions.report(
                "too far", f"a bundle is dated {ahead:.0f} s ahead: it acts at once"
            )
            return False
        if ahead > AHEAD:
            wait = f"a bundle waits {ahead:.0f} s for its time; is its sender's clock right?"
            self._actions.report("waits", wait)
        heapq.heappush(self._dated, (self._now() + ahead, next(self._places), message, sender))
        return True

    def _handle(self, address: str, arguments: list[object], sender: Sender) -> list[bytes]:
        self.counts.messages += 1
        address = normal(address)
        if is_private(address):
            self.counts.ignored += 1
            return []
        try:
            if address in ALIASES:
                return self._handle_alias(address, arguments, sender)
            if address.endswith(EVERYTHING):
                return self._ask_for_all(address, sender)
            return self._handle_all(self._meant(address, arguments), sender)
        except LivebendError as why:
            self._actions.refuse(address, str(why))
            return []

    def _handle_alias(self, address: str, arguments: list[object], sender: Sender) -> list[bytes]:
        """Do what an address of another program means here. Raises: OutOfRange."""
        meaning = ALIASES[address](arguments, self._desk.scene.get())
        if meaning.notice:
            self._actions.report(address, meaning.notice)
        self.counts.ignored += not meaning.messages
        return self._handle_all(meaning.messages, sender)

    def _handle_all(
        self, messages: Iterable[tuple[str, Sequence[object]]], sender: Sender
    ) -> list[bytes]:
        """Handle messages that another one stands for; return their replies."""
        answers: list[bytes] = []
        for address, arguments in messages:
            answers += self._actions.act(address, arguments, sender)
        return answers

    def _ask_for_all(self, address: str, sender: Sender) -> list[bytes]:
        """Have a listener get all below /livebend/NODE/?, in its turns. Raises: UnknownName."""
        stem = address.removesuffix(EVERYTHING)
        node = stem.removeprefix(ROOT).strip("/").replace("/", ".")
        tree = self._trees.of(self._desk.scene.get())
        if f"{stem}/".startswith(f"{ROOT}/") and tree.below(node):
            self.feedback.ask(sender, node)
            return []
        raise UnknownName("OSC address", stem, [ROOT, *tree.addresses])

    def _meant(self, address: str, arguments: list[object]) -> list[tuple[str, list[object]]]:
        """Return the addresses that one means, with the values of each: a learnt one, its own; one
        with wildcards, those that it matches. As many values as the braces have parts go to one
        part each, as an XY pad's to {x,y}."""
        foreign = not address.startswith(f"{ROOT}/") and self.learnt.hear(address, arguments)
        if isinstance(foreign, list):
            return foreign
        if not is_pattern(address):
            return [(address, arguments)]
        parts = expanded(address)
        each = len(parts) == len(arguments) > 1
        return [
            (one, arguments[index : index + 1] if each else arguments)
            for index, part in enumerate(parts)
            for one in (self._search(part) if is_pattern(part) else (part,))
        ]

    def _search(self, pattern: str) -> list[str]:
        """Return the addresses that a pattern matches, remembered while the parts stay."""
        tree = self._trees.of(self._desk.scene.get())
        found = self._named.get(pattern)
        if found is None or found[0] is not tree:
            if not self._searches.first(pattern) and found is None:
                raise OutOfRange(f"more than {SEARCHES} addresses with wildcards at once")
            found = tree, named(pattern, tree)
            self._named[pattern] = found
            if len(self._named) > PATTERNS:
                self._named.popitem(last=False)
        if not found[1]:
            raise OutOfRange(f"{shown(pattern)} names no parameter")
        return found[1]


class OscInput(Listening):
    """The thread at a socket that `listen` opened, which it closes at the end. Replies go to the
    sender's machine, at REPLY_PORT.

    door: who is heard. Datagrams of others are counted but not read.
    learnt: the foreign addresses that are known.
    on_fault: is called with its name and the fault where the thread fails, None where it hangs;
        then it is started again, without the messages that wait for their time.
    """

    def __init__(
        self,
        desk: Desk,
        listening: socket.socket,
        *,
        door: Door | None = None,
        learnt: LearntAddresses | None = None,
        on_fault: OnFault = lambda *_: None,
    ) -> None:
        self._door = door or Door()
        self._desk, self._reader = desk, OscReader(desk, hears=self._door.lets_in, learnt=learnt)
        self._backlog = Backlog()
        feedback = KeptWorker("osc feedback", self._reader.feedback.work, clock.now, on_fault)
        listener = KeptWorker("osc", self._listen, clock.now, on_fault)
        super().__init__(listening, listener, feedback)

    @property
    def learnt(self) -> LearntAddresses:
        """The foreign addresses that are known."""
        return self._reader.learnt

    @property
    def counts(self) -> OscCounts:
        """What has been received so far."""
        return self._reader.counts

    def _listen(self, term: Term) -> None:
        while not term.is_set():
            if not self._backlog:
                term.wait(BREATH)
                due = self._reader.due()
                select.select([self._socket], [], [], POLL if due is None else min(POLL, due))
            self._take_and_act()
            self._reader.learnt.turn()
            for answer, sender in self._reader.act_on_dated():
                self._answer(answer, sender)

    def _take_and_act(self) -> None:
        """Take what waits at the socket, then act on some of it."""
        self._take(clock.now() + TAKING)
        until, acted = clock.now() + ACTING, 0
        while self._backlog and (acted < TURN or clock.now() < until):
            self._act(*self._backlog.take())
            acted += 1

    def _take(self, until: float) -> None:
        """Take every datagram that waits at the socket, or those up to a time, and act at once on
        those about the display alone."""
        numbers = self._reader.numbers()
        while clock.now() < until:
            try:
                datagram, (host, port, *_) = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except ConnectionResetError:  # on Windows: a reply was lost
                continue
            sender = Sender(host, port)
            if not self._door.lets_in(host):
                self.counts.turned_away += 1
            elif datagram[:24].lstrip(b"/ ").lower().startswith(URGENT):
                self._act(datagram, sender)
            else:
                lost, replaced = self._backlog.add(datagram, sender, numbers)
                self.counts.refused += lost
                self.counts.messages += replaced

    def _act(self, datagram: bytes, sender: Sender) -> None:
        for answer in self._reader.receive(datagram, sender):
            self._answer(answer, sender)

    def _answer(self, answer: bytes, sender: Sender) -> None:
        try:
            self._socket.sendto(answer, (sender.host, REPLY_PORT))
        except OSError as why:
            self._desk.warn(f"OSC: no reply to {sender.host}: {why.strerror}")
