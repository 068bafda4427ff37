"""OSC feedback: a thread that sends listeners what others change, meters and notices.

Who sends is a listener, at REPLY_PORT of its machine; who asks with /livebend/feedback PORT, at
that port. At most once in INTERVAL each gets, in bundles of a bounded size: meters and readings
that moved, parts that came and went, and values that changed. A value that it sent itself does not
come back, and for HOLD after it has sent one nothing does at that path: a control that is touched
is never moved. Then it hears where the value is, if that is not where it put it. What a foreign
address plays comes at that address too, as far as its control goes.

A listener that is gone refuses what it is sent; it gets nothing more until it sends again.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping

from livebend.control.desk import Desk, Listen
from livebend.control.osc_addresses import FADER
from livebend.control.osc_endpoint import REPLY_PORT, Sender
from livebend.control.osc_learnt import Players
from livebend.control.osc_listener import Listener, Touch
from livebend.control.osc_packets import ROOT, reply
from livebend.control.parameters import Parameter, Tree, Trees, events, soft_range, value_of
from livebend.control.readings import READINGS, driven
from livebend.core import clock, limits
from livebend.core.errors import LivebendError, UnknownName
from livebend.core.notify import Reports
from livebend.core.specs import ParameterValue
from livebend.core.status import Status
from livebend.flow import Features
from livebend.scene import paths
from livebend.scene.values import Owner, Scene

INTERVAL = 0.05  # s between what a listener gets
HOLD = 0.5  # s for which a touched control is left alone
BUNDLES = 8  # for a listener at once
RETRY = 2.0  # s before one that was gone is tried again
TOUCHES = 4096  # that are noted between two rounds
NOTICE = "notice"  # the reading that is sent whenever there is one, not where it differs


Hears = Callable[[str], bool]
FindPlayers = Callable[[Tree, Scene], Players]


def everyone(_: str) -> bool:
    """Hear every machine."""
    return True


def nobody(_: Tree, __: Scene) -> Players:
    """Return that no foreign address plays anything."""
    return {}


class Feedback:
    """What listeners are sent. The OSC thread reports what it heard, which never waits long; a
    thread of its own calls `turn`.

    now: the steady clock, in s.
    hears: whether a machine may still listen, by its address.
    players: finds the foreign addresses that play a value.
    """

    def __init__(
        self,
        desk: Desk,
        trees: Trees,
        now: Callable[[], float] = clock.now,
        hears: Hears = everyone,
        players: FindPlayers = nobody,
    ) -> None:
        self._hears, self._players = hears, players
        self._desk, self._trees, self._now = desk, trees, now
        self._lock = threading.Lock()
        self._touched: dict[tuple[Sender, str], tuple[Touch, bool]] = {}
        self._asked: list[tuple[Sender, Listen | str]] = []
        self.listeners: dict[tuple[str, int], Listener] = {}
        self._scene: Scene | None = None
        self._tree: Tree | None = None
        self._settings: dict[str, ParameterValue] = {}
        self._before = Features()
        self._notice = 0.0  # time of the newest that was sent
        self._reports = Reports(now)

    # ---- the OSC thread --------------------------------------------------------------------------

    def touch(
        self,
        sender: Sender,
        path: str = "",
        value: ParameterValue | None = None,
        *,
        fader: bool = False,
    ) -> None:
        """Note that a sender is there and, with a path, that it has set a value, None for one that
        is not known; `fader`: by its position."""
        with self._lock:
            if len(self._touched) < TOUCHES:
                self._touched[sender, path] = Touch(self._now(), value), fader

    def ask(self, sender: Sender, wish: Listen | str) -> None:
        """Note that a sender asks for feedback, or for every value below a node of the tree."""
        with self._lock:
            if len(self._asked) < limits.LISTENERS:
                self._asked.append((sender, wish))

    # ---- its own thread --------------------------------------------------------------------------

    def work(self, stop: threading.Event) -> None:
        """Serve the listeners until stopped: a Worker's body."""
        with contextlib.ExitStack() as ending:
            ending.callback(self.close)
            while not stop.wait(INTERVAL):
                self.turn()

    def close(self) -> None:
        """Close the sockets of the listeners."""
        for one in self.listeners.values():
            one.close()

    def turn(self) -> None:
        """Send every listener what it is owed."""
        self._hear()
        for one in [one for one in self.listeners.values() if not self._hears(one.host)]:
            self._forget(one)
        present = [one for one in self.listeners.values() if one.gone is None]
        if not present:
            self._scene = None  # who comes next gets what changes from then on
            return
        scene, status = self._desk.scene.get(), self._desk.status()
        tree = self._trees.of(scene)
        news = self._news(tree, status)
        for path in self._changed(scene, tree):
            for one in present:
                one.owed[path] = None
        known: dict[str, ParameterValue]
        measured = {p: r.read(status, self._before) for p, r in READINGS.items() if p != NOTICE}
        played = driven(scene, status) if any("routes" in o.wants for o in present) else {}
        for one in present:
            known = {**measured, **played} if "routes" in one.wants else measured
            self._serve(one, self._messages(one, tree, news, known))
        self._scene, self._tree, self._before = scene, tree, status.features

    def _hear(self) -> None:
        """Take over what the OSC thread has noted."""
        with self._lock:
            touched, self._touched = self._touched, {}
            asked, self._asked = self._asked, []
        for sender, wish in asked:
            if isinstance(wish, Listen):
                self._listen(sender, wish)
            elif (one := self._listener(sender)) is not None:
                one.owe(self._trees.of(self._desk.scene.get()).below(wish))
        for (sender, path), (touch, fader) in touched.items():
            if (listener := self._listener(sender)) is not None and path:
                listener.touches[path] = touch
                listener.owed[path] = None
                listener.wants |= {"play"} if fader else set()

    def _listen(self, sender: Sender, wish: Listen) -> None:
        """Begin or end the feedback that a sender asked for."""
        for one in list(self.listeners.values()):
            if one.host == sender.host and sender.port in one.senders:
                one.senders.remove(sender.port)
                if not one.senders or not wish.port:
                    self._forget(one)
        if wish.port and (new := self._place(sender.host, wish.port, asked=True)) is not None:
            new.asked, new.wants, new.gone = True, wish.wants, None
            new.senders = [sender.port]
            new.heard = self._now()

    def _listener(self, sender: Sender) -> Listener | None:
        """The listener that a sender belongs to; None where there is no room for it."""
        host, port = sender
        for one in self.listeners.values():
            if one.host == host and port in one.senders:
                self._welcome(one)
                return one
        found = self._place(host, REPLY_PORT)
        if found is not None:
            if not found.asked:
                found.belongs(sender)
            self._welcome(found)
        return found

    def _place(self, host: str, port: int, *, asked: bool = False) -> Listener | None:
        """The listener at an address, a new one in the place of the one that was silent for longest
        where there are too many; None where all of them asked."""
        if (host, port) in self.listeners:
            return self.listeners[host, port]
        if len(self.listeners) >= limits.LISTENERS:
            idle = [one for one in self.listeners.values() if one.gone is not None or not one.asked]
            if not idle:
                if asked and self._reports.first("full"):
                    self._desk.warn(f"OSC: feedback for {limits.LISTENERS} at most")
                return None
            self._forget(min(idle, key=lambda one: (one.gone is None, one.heard)))
        self.listeners[host, port] = found = Listener(host, port, asked=asked)
        return found

    def _welcome(self, one: Listener) -> None:
        """Note that a listener is heard; one that was gone is tried again after a while."""
        one.heard = self._now()
        if one.gone is not None and one.heard - one.gone >= RETRY:
            one.gone = None

    def _forget(self, one: Listener) -> None:
        one.close()
        self.listeners.pop((one.host, one.port), None)

    # ---- what there is to say --------------------------------------------------------------------

    def _changed(self, scene: Scene, tree: Tree) -> Iterator[str]:
        """Yield the paths of values that are not what they were; the first time none is."""
        settings = dict(self._settings_now(tree))
        if self._scene is not None and self._tree is not None:
            if self._scene is not scene:
                yield from changed(self._scene, scene, self._tree, tree)
            yield from (p for p, value in settings.items() if self._settings.get(p) != value)
        self._settings = settings

    def _settings_now(self, tree: Tree) -> Iterator[tuple[str, ParameterValue]]:
        for parameter in tree.values():
            if parameter.is_setting:
                yield parameter.path, value_of(self._desk, parameter)

    def _news(self, tree: Tree, status: Status) -> list[bytes]:
        """The structure's events, and notices that are newer than the last."""
        before = self._tree if self._scene is not None and self._tree is not None else tree
        found = [reply(f"{ROOT}/{event.what}", event.node) for event in events(before, tree)]
        fresh = [notice for notice in status.notices if notice.time > self._notice]
        if fresh:
            self._notice = fresh[-1].time
        return found + [reply(f"{ROOT}/{NOTICE}", notice.text) for notice in fresh]

    def _messages(
        self, one: Listener, tree: Tree, news: list[bytes], measured: Mapping[str, ParameterValue]
    ) -> Iterator[list[bytes]]:
        """Yield what a listener is to get, what belongs together at once; what was yielded counts
        as sent."""
        if news:
            yield news
        for path, value in measured.items():
            if one.told.get(path) != value and not self._is_held(one, path):
                one.told[path] = value
                yield self._values(one, tree, path, value)
        for path in list(one.owed):
            if self._is_held(one, path):
                continue
            del one.owed[path]
            touch = one.touches.pop(path, None)
            now = self._value_now(tree, path)
            if now is None or path in measured or (touch is not None and touch.value == now):
                continue
            yield self._values(one, tree, path, now)

    def _is_held(self, one: Listener, path: str) -> bool:
        touch = one.touches.get(path)
        return touch is not None and self._now() - touch.time < HOLD

    def _value_now(self, tree: Tree, path: str) -> ParameterValue | None:
        """The value at a path; None for one that is gone."""
        parameter = tree.parameters.get(path)
        try:
            return None if parameter is None else value_of(self._desk, parameter)
        except LivebendError:  # the scene has changed meanwhile: the next turn has its own tree
            return None

    def _values(self, one: Listener, tree: Tree, path: str, value: ParameterValue) -> list[bytes]:
        """The messages about a value: itself, where a fader for it stands if the listener plays by
        faders, and what the foreign addresses that play it are to show."""
        if path not in tree.parameters:
            return []
        parameter, scene = tree.parameters[path], self._desk.scene.get()
        found = [reply(parameter.address, value)]
        if parameter.access != "value":
            return found
        soft = soft_range(scene, parameter)
        position = None if soft is None or isinstance(value, str) else soft.to_unit(value)
        if "play" in one.wants and position is not None and not parameter.is_setting:
            found.append(reply(parameter.address + FADER, position))
        for at, most in self._players(tree, scene).get(path, ()):
            found.append(reply(at, shown_by(value, position, most)))
        return found

    def _serve(self, one: Listener, messages: Iterator[list[bytes]]) -> None:
        """Send as much as a turn allows; what is still owed waits for the next."""
        for _ in range(BUNDLES):
            bundle = one.bundle(messages)
            if bundle is None:
                return
            if not one.send(bundle):
                one.leave(self._now())
                return


def changed(before: Scene, after: Scene, old: Tree, new: Tree) -> Iterator[str]:
    """Yield the paths whose values differ between two scenes, and all of parts that are new. What
    both scenes share costs a look at its identity."""
    for (kind, name), leaves in new.owners.items():
        first, last = _owner(before, kind, name), paths.owner_of(after, kind, name)
        if first is last:
            continue
        for leaf, parameter in leaves:
            was = old.parameters.get(parameter.path)
            if (
                first is None
                or was is None
                or was.spec is not parameter.spec
                or _value(first, leaf, parameter) != _value(last, leaf, parameter)
            ):
                yield parameter.path


def _owner(scene: Scene, kind: str, name: str) -> Owner | None:
    try:
        return paths.owner_of(scene, kind, name)
    except UnknownName:
        return None


def _value(owner: Owner, leaf: str, parameter: Parameter) -> ParameterValue:
    return paths.value_of(owner, leaf, parameter.spec)


def shown_by(value: ParameterValue, position: float | None, most: float) -> ParameterValue:
    """Return what a control is to show that sends `most` at its far end, see `osc_learnt.RANGES`:
    a part of 1, a whole number of 127, or the value itself, as also where it has no position."""
    if position is None or not most:
        return value
    return position if most == 1.0 else round(position * most)
