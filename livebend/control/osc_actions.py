"""What messages do: an address and its values, as `osc_addresses` reads them, sent to the desk.

Datagrams of OSC and the pages of the remote come here, so that the same message does the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from livebend.control.desk import Action, Desk, FaderMove, Listen, Query, Request, SetDisplay
from livebend.control.osc_addresses import read
from livebend.control.osc_endpoint import Sender
from livebend.control.osc_packets import ROOT, reply
from livebend.control.parameters import OUTPUT, Tree, Trees, value_of
from livebend.core.errors import LivebendError, UnknownName
from livebend.core.notify import Reports
from livebend.core.specs import ParameterValue
from livebend.scene import paths
from livebend.scene.commands import Add, Change, Load, Replace, Set
from livebend.scene.values import Part

REPORTED = 8  # addresses that are reported in a while
PENDING_TIME = 2.0  # s that a part may take from the message that adds it to the scene


@dataclass(slots=True)
class OscCounts:
    """What has been received. Written by one thread alone; any thread may read it."""

    messages: int = 0
    garbage: int = 0  # datagrams that are not OSC
    refused: int = 0
    clamped: int = 0
    ignored: int = 0
    turned_away: int = 0  # datagrams of senders that are not allowed


class Audience(Protocol):
    """Who is told what others change, see `osc_feedback.Feedback`."""

    def touch(
        self,
        sender: Sender,
        path: str = "",
        value: ParameterValue | None = None,
        *,
        fader: bool = False,
    ) -> None:
        """Note that a sender is there and, with a path, that it has set a value."""

    def ask(self, sender: Sender, wish: Listen) -> None:
        """Note that a sender asks for feedback."""


class MessageActions:
    """Acts on messages, one at a time, in one thread.

    counts: what is counted.
    audience: who hears of it.
    now: the steady clock, in s.
    by: what the messages come by, for notices.
    """

    def __init__(
        self,
        desk: Desk,
        trees: Trees,
        counts: OscCounts,
        audience: Audience,
        now: Callable[[], float],
        by: str,
    ) -> None:
        self.counts = counts
        self._desk, self._trees, self._audience = desk, trees, audience
        self._now, self._by, self._reports = now, f"{by}: ", Reports(now, REPORTED)
        self._pending: dict[tuple[str, str], float] = {}  # part -> when it should be there, s

    def act(self, address: str, arguments: Sequence[object], sender: Sender) -> list[bytes]:
        """Act on a message whose address `normal` has spelled; return the replies it asks for."""
        tree = self._trees.of(self._desk.scene.get())
        try:
            request = read(address, arguments, tree, self._desk.bank)
            request = request or self._set_pending(address, arguments)
            if request is not None:
                return self._do(address, request, tree, sender)
        except LivebendError as why:
            self.refuse(address, str(why))
            return []
        self._count_unknown(address, tree)
        return []

    def refuse(self, address: str, why: str) -> None:
        """Count a refusal, and report it where nothing was lately about this address."""
        self.counts.refused += 1
        self.report(address, why)

    def report(self, subject: str, notice: str) -> None:
        """Report something, where nothing was lately about this subject."""
        if self._reports.first(subject):
            self._desk.warn(f"{self._by}{notice.removeprefix(self._by)}")

    def _do(self, address: str, request: Request, tree: Tree, sender: Sender) -> list[bytes]:
        if request.clamped:
            self.counts.clamped += 1
            self.report(f"{address} clamped", request.clamped)
        match request.action:
            case None:
                self.counts.ignored += 1
                self._audience.touch(sender)
            case Query(path):
                self._audience.touch(sender)
                return [reply(address, value_of(self._desk, tree.parameters[path]))]
            case Listen() as wish:
                self._audience.ask(sender, wish)
            case FaderMove(path, position) if position is not None:
                soft = paths.soft_range(self._desk.scene.get(), path)
                self._send(Set(path, soft.from_unit(position)), sender, fader=True)
            case FaderMove(path):
                self._audience.touch(sender, path, fader=True)
                scene = self._desk.scene.get()
                position = paths.soft_range(scene, path).to_unit(float(paths.get(scene, path)))
                return [reply(address, position)]
            case action:
                self._send(action, sender)
        return []

    def _send(self, action: Action, sender: Sender, *, fader: bool = False) -> None:
        """Send an action to the desk, and note who touched what by it."""
        match action:
            case Set(path, value):
                self._audience.touch(sender, path, value, fader=fader)
            case Change(path, by_fader=by_fader):
                self._audience.touch(sender, path, fader=by_fader)
            case SetDisplay(what, value):
                self._audience.touch(sender, f"{OUTPUT}.{what}", value)
            case _:
                self._audience.touch(sender)
        if not self._desk.send(action):
            self.counts.refused += 1
        self._expect_parts(action)

    def _expect_parts(self, action: Action) -> None:
        """Remember the parts that the scene will have once it has applied the action."""
        parts: Sequence[Part]
        match action:
            case Load(scene=scene):
                parts = (*scene.bends, *scene.routes, *scene.mix)
            case Add(part) | Replace(part):
                parts = (part,)
            case _:
                return
        until = self._now() + PENDING_TIME
        pending = {stem: end for stem, end in self._pending.items() if end > self._now()}
        self._pending = pending | {(part.kind, part.name): until for part in parts}

    def _set_pending(self, address: str, arguments: Sequence[object]) -> Request | None:
        """Read a value for a part that was just added; None if it is not one.

        A client sends "add a bend" and the bend's first values in one go. The part is in the scene
        only after the next frame, so the address is unknown until then: the value is queued
        unchecked behind the command that adds the part, and checked when it is applied.
        """
        path = address.removeprefix(f"{ROOT}/").replace("/", ".")
        part = paths.split(path)[:2]
        if self._pending.get(part, 0.0) <= self._now() or len(arguments) != 1:
            return None
        return Request(Set(path, cast(float | str, arguments[0])))

    def _count_unknown(self, address: str, tree: Tree) -> None:
        """Count an unknown address and, not too often, report the nearest name: an expensive
        search."""
        self.counts.refused += 1
        if self._reports.first(address):
            self._desk.warn(str(UnknownName("OSC address", address, tree.addresses)))
