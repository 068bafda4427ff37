"""A page of the remote: it follows the show like any WebSocket, sees it, and plays it.

What it sends in bytes is OSC: the same packets, read and obeyed by the same code as those that come
as datagrams. What it asks for in text is LISTEN and IGNORE as OSCQuery has them, and once each time

    LIVE      what there is to show, as soon as that is new
    PICTURE   the newest frame, as a JPEG

so that a page that is not looked at, or is slow, gets neither. Values come as bundles of OSC.
"""

from collections.abc import Callable, Iterator

from livebend.control.desk import Desk
from livebend.control.osc_actions import MessageActions, OscCounts
from livebend.control.osc_addresses import is_private, normal
from livebend.control.osc_endpoint import Sender
from livebend.control.osc_packets import read_packet
from livebend.control.parameters import Trees
from livebend.control.remote.descriptions import Descriptions
from livebend.control.remote.followers import Follower, Followers, command_in
from livebend.control.remote.live import LIVE, live_text
from livebend.control.remote.nodes import Nodes, bundle
from livebend.control.remote.preview import Preview
from livebend.core.errors import Refused

PICTURE = "PICTURE"
BUNDLED = 256  # values in one frame
APART = 0.09  # s between two pictures: every second turn has one


class Stage:
    """What all pages share. Used by the server's thread alone."""

    def __init__(
        self, desk: Desk, trees: Trees, preview: Preview, now: Callable[[], float]
    ) -> None:
        self.counts, self._desk = OscCounts(), desk
        self.preview, self.now, self.descriptions = preview, now, Descriptions()
        self._actions = MessageActions(desk, trees, self.counts, _Silent(), now, "remote")
        self._live: tuple[Nodes | None, str] = None, ""

    def act(self, packet: bytes, host: str) -> int:
        """Act on a packet of OSC; return how many messages it had. Its time is now."""
        found = read_packet(packet)
        self.counts.garbage += found.garbage
        for message in found.messages:
            self.counts.messages += 1
            if not is_private(address := normal(message.address)):
                self._actions.act(address, message.arguments, Sender(host))
        return len(found.messages)

    def live(self, nodes: Nodes) -> str:
        """Return what there is to show now, made once for all."""
        if self._live[0] is not nodes:
            version = self.descriptions.version(nodes)
            self._live = nodes, live_text(nodes, version, self._desk.bank.version)
        return self._live[1]


class Page(Follower):
    """The WebSocket of a page that is paired."""

    def __init__(self, among: Followers, wake: Callable[[], None], stage: Stage, host: str) -> None:
        super().__init__(among, wake)
        self._stage, self._host = stage, host
        self._wants: set[str] = set()
        self._nodes: Nodes | None = None
        self._picture, self._painted = -1, -APART  # the index of the last, and when it was sent, s
        self._shown = ""  # the last text of what there is to show

    def say(self, text: str) -> int:
        """Do what it asks for in text."""
        command, _ = command_in(text)
        if command not in (LIVE, PICTURE):
            return super().say(text)
        self._wants.add(command)
        return 1

    def play(self, packet: bytes) -> int:
        """Do what it asks for in OSC."""
        return self._stage.act(packet, self._host)

    def tell(self, address: str, command: str) -> None:
        """Nothing: what there is to show has the number of the tree."""

    def turn(self, nodes: Nodes) -> bool:
        """Look at the show; return whether it is owed something."""
        self._nodes = nodes
        return bool(self.owed or self._wants)

    def take(self, most: int) -> Iterator[str | bytes]:
        """Yield what it is owed, values first."""
        for _ in range(most):
            if not self.owed:
                break
            paths = list(self.owed)[:BUNDLED]
            yield bundle([self.among.message(self.owed.pop(p), self.heard[p]) for p in paths])
        if self._nodes is not None and LIVE in self._wants:
            text = self._stage.live(self._nodes)
            if text != self._shown:
                self._wants.discard(LIVE)
                self._shown = text
                yield text
        if PICTURE in self._wants:
            yield from self._newest()

    def _newest(self) -> Iterator[bytes]:
        """The newest picture, where it is another than the last, and it is time for one."""
        if self._stage.now() - self._painted < APART:
            return
        found = self._stage.preview.newest()
        if found is not None and found[0] != self._picture:
            self._picture, self._painted = found[0], self._stage.now()
            self._wants.discard(PICTURE)
            yield found[1]


class _Silent:
    """Pages follow values; they are no listeners of OSC's feedback."""

    def touch(self, *_: object, **__: object) -> None:
        """Note nothing."""

    def ask(self, *_: object) -> None:
        """Raises: Refused."""
        raise Refused("feedback: a page follows values by LISTEN")
