"""Who follows the show by WebSocket: LISTEN and IGNORE, values as they change, and structure.

At most once in INTERVAL a follower gets the parts that came, went or have other parameters, as
JSON, and the values that changed of those that it listens to, one OSC message a frame. Of a value
that changes faster than it is sent, the newest goes out.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any

from livebend.control.desk import Desk
from livebend.control.osc_addresses import normal
from livebend.control.osc_feedback import changed
from livebend.control.parameters import Parameter, Trees, address_of, events, node_of
from livebend.control.remote.nodes import Nodes, as_json, message
from livebend.core import limits
from livebend.core.specs import ParameterValue
from livebend.scene import paths

INTERVAL = 0.05  # s between what a follower gets
COMMANDS = ("LISTEN", "IGNORE", "PATH_ADDED", "PATH_CHANGED", "PATH_REMOVED")
WORDS = {"added": "PATH_ADDED", "removed": "PATH_REMOVED", "changed": "PATH_CHANGED"}
MOST_NEWS = limits.BENDS + limits.ROUTES  # parts that a slow follower is told of later


class Follower:
    """One WebSocket: what it listens to, and what it is owed.

    wake: is called when it is owed something.
    """

    def __init__(self, among: "Followers", wake: Callable[[], None]) -> None:
        self.heard: dict[str, ParameterValue] = {}  # by path, what it was told last
        self.fresh: set[str] = set()  # of these, what it listens to since the last turn
        self.news: dict[str, str] = {}  # by address, what became of a part
        self.owed: dict[str, Parameter] = {}  # by path, whose newest value it is to get
        self.is_slow = False  # so that news were lost: it has to begin again
        self.among, self.wake = among, wake

    def say(self, text: str) -> int:
        """Do what it asks for; return how many parameters that was about."""
        return self.among.obey(self, text)

    def play(self, _: bytes) -> int:
        """Leave out what it would set: values are set by OSC, or by a page that is paired."""
        return 0

    def take(self, most: int) -> Iterator[str | bytes]:
        """Yield up to so many frames that it is owed, news first."""
        for _ in range(most):
            if self.news:
                address = next(iter(self.news))
                yield as_json({"COMMAND": self.news.pop(address), "DATA": address})
            elif self.owed:
                path = next(iter(self.owed))
                yield self.among.message(self.owed.pop(path), self.heard[path])
            else:
                return

    def owe(self, parameter: Parameter, value: ParameterValue) -> None:
        """Have it listen to a parameter, and owe it the value if that is not what it was told."""
        if self.heard.get(parameter.path) != value:
            self.heard[parameter.path] = value
            self.owed[parameter.path] = parameter

    def turn(self, nodes: Nodes) -> bool:  # noqa: ARG002 - a page looks at them
        """Look at the show; return whether it is owed something."""
        return bool(self.news or self.owed or self.is_slow)

    def keep(self, nodes: Nodes) -> None:
        """Have it no longer listen to what is gone."""
        for path in self.heard.keys() - nodes.tree.parameters.keys():
            del self.heard[path]
            self.owed.pop(path, None)

    def tell(self, address: str, command: str) -> None:
        """Owe it the news of a part; what is newest about a part is all that it has to know."""
        self.news.pop(address, None)
        if len(self.news) >= MOST_NEWS:
            self.is_slow = True
        else:
            self.news[address] = command


class Followers:
    """All WebSockets that follow a show. Used by the server's thread alone."""

    def __init__(self, desk: Desk, trees: Trees) -> None:
        self._desk, self._trees = desk, trees
        self._all: list[Follower] = []
        self._seen: Nodes | None = None
        self._first = 0  # whose turn it is, where not all have one
        self._messages: dict[tuple[str, ParameterValue], bytes] = {}  # of this turn

    def __len__(self) -> int:
        return len(self._all)

    def add(self, one: Follower) -> None:
        """Have it follow from now on."""
        if self._seen is None:
            self._seen = Nodes(self._desk, self._trees)
        self._all.append(one)

    def remove(self, one: Follower) -> None:
        """Forget it."""
        self._all.remove(one)

    @property
    def share(self) -> int:
        """Frames that each follower gets at once."""
        return max(1, round(limits.FOLLOWED * INTERVAL / max(1, len(self._all))))

    def obey(self, one: Follower, text: str) -> int:
        """Do what a follower asks for; what cannot be read is left out, as OSCQuery has it. Return
        how many parameters it was about."""
        command, address = command_in(text)
        if command not in ("LISTEN", "IGNORE"):
            return 0
        nodes = Nodes(self._desk, self._trees)
        found = list(_below(nodes, normal(address)))
        for parameter in found:
            if command == "IGNORE":
                one.heard.pop(parameter.path, None)
                one.owed.pop(parameter.path, None)
            else:
                one.heard.pop(parameter.path, None)
                one.owe(parameter, nodes.value(parameter))
                one.fresh.add(parameter.path)
        one.wake()
        return len(found)

    def message(self, parameter: Parameter, value: ParameterValue) -> bytes:
        """Return the OSC message that reports a value, made once for all in a turn."""
        key = parameter.path, value
        made = self._messages.get(key)
        if made is None:
            made = self._messages[key] = message(parameter, value)
        return made

    def turn(self) -> list[Follower]:
        """Look at the show, owe every follower what is new, and return whose turn it is to get
        it."""
        self._messages = {}
        if not self._all:
            self._seen = None  # who comes next follows from then on
            return []
        nodes, before = Nodes(self._desk, self._trees), self._seen
        moved: set[str] = set()
        if before is not None and before.scene is not nodes.scene:
            moved |= set(changed(before.scene, nodes.scene, before.tree, nodes.tree))
            news = _news(before, nodes, moved)
            for one in self._all:
                one.keep(nodes)
                for address, command in news.items():
                    one.tell(address, command)
        moved |= _measured(before, nodes)
        self._seen = nodes
        for one in self._all:
            self._owe(one, nodes, moved)
        return self._next([one for one in self._all if one.turn(nodes)])

    def _next(self, due: list[Follower]) -> list[Follower]:
        """Those of the followers that are owed something whose turn it is: all of them, or so many
        that no more is told than may be, the others in the turns to come."""
        most = max(1, round(limits.FOLLOWED * INTERVAL))
        if len(due) <= most:
            return due
        self._first = (self._first + most) % len(due)
        return (due + due)[self._first : self._first + most]

    @staticmethod
    def _owe(one: Follower, nodes: Nodes, moved: Set[str]) -> None:
        """Owe a follower what it listens to of what has moved."""
        fresh, one.fresh = one.fresh, set()
        for path in (moved | fresh) & one.heard.keys():
            parameter = nodes.tree.parameters[path]
            one.owe(parameter, nodes.value(parameter))


def _measured(before: Nodes | None, nodes: Nodes) -> set[str]:
    """What is not of the scene and differs from a turn ago."""
    found = set()
    for parameter in nodes.tree.measured:
        value = nodes.value(parameter)
        if before is None or before.value(parameter) != value:
            found.add(parameter.path)
    return found


def _news(before: Nodes, after: Nodes, moved: Iterable[str]) -> dict[str, str]:
    """What became of the nodes, by address. A route to another target has other ranges."""
    news = {address_of(e.node): WORDS[e.what] for e in events(before.tree, after.tree) if e.node}
    if any(not event.node for event in events(before.tree, after.tree)):
        news[address_of("").rstrip("/")] = WORDS["changed"]
    for path in moved:
        kind, _, leaf = paths.split(path) if _is_scenes(after, path) else ("", "", "")
        if kind == "route" and leaf == "target":
            news.setdefault(address_of(node_of(path)), WORDS["changed"])
    return news


def _is_scenes(nodes: Nodes, path: str) -> bool:
    parameter = nodes.tree.parameters[path]
    return parameter.access == "value" and not parameter.is_setting


def _below(nodes: Nodes, address: str) -> Iterator[Parameter]:
    """What has a value at an address or below it."""
    stem = f"{address.rstrip('/')}/"
    for parameter in nodes.tree.parameters.values():
        if parameter.access != "trigger" and f"{parameter.address}/".startswith(stem):
            yield parameter


def command_in(text: str) -> tuple[str, str]:
    """Return the command and the address in a frame; two empty texts for what is none."""
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    match given:
        case {"COMMAND": str(command), "DATA": str(address)}:
            return command.upper(), address
    return "", ""
