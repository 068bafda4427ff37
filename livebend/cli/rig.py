"""What a show has to do with others: nothing, or it leads them, or follows one."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from socket import SOCK_STREAM
from threading import Event
from typing import Any, NamedTuple

from livebend.cli.live_state import LiveState
from livebend.cli.painting import Paints, Ticks
from livebend.cli.player import Player
from livebend.cli.printing import print_notice
from livebend.control.command_queue import Recorder, texts_of
from livebend.control.osc_endpoint import is_loopback, listen, place
from livebend.control.rig.connecting import EVERYWHERE, leader_at, leads_at
from livebend.control.rig.following import Following
from livebend.control.rig.key import read_key
from livebend.control.rig.leader import SETTINGS, Leader
from livebend.control.rig.meeting import differences
from livebend.control.rig.messages import Opening
from livebend.control.rig.receiver import Receiver
from livebend.core.clock import LiveClock
from livebend.core.errors import Refused
from livebend.core.watchdog import KeptWorker
from livebend.flow import Features, FeatureSource, Frame, Tick
from livebend.models.fingerprint import fingerprint
from livebend.operators.drawn_masks import DrawnMasks
from livebend.rendering.kept import Moment, moment_in, text_of
from livebend.rendering.network import Network
from livebend.rendering.open_network import made_by
from livebend.scene.commands import Command, CommandSource
from livebend.scene.values import Scene

DEMO, SILENCE = "demo", "silence"
PLAYED_THERE = ("cues", "record_cues", "resume")  # options that a follower has no use for


class Ends(NamedTuple):
    """What the render thread plays: the network, when, the sound, and the commands."""

    player: Paints
    ticks: Ticks
    sound: FeatureSource
    commands: CommandSource


class Rig:
    """The show among others. Made before the show, opened by its main thread."""

    def __init__(self, lead: str | None, follow: str | None, key: Path | None) -> None:
        """lead, follow: the addresses of the command line; None = not. Raises: Refused."""
        if lead is not None and follow is not None:
            raise Refused("--lead and --follow: a show does one of them")
        self._lead = None if lead is None else leads_at(lead)
        self._follow = None if follow is None else leader_at(follow)
        is_one = self._lead is not None or self._follow is not None
        self._key = read_key(key, make=self._lead is not None) if is_one else b""
        self.leader: Leader | None = None
        self.following: Following | None = None
        self.workers: list[KeptWorker] = []

    @classmethod
    def of(cls, options: Any) -> "Rig":
        """Return the rig of a show's options. Raises: Refused."""
        made = cls(options.lead, options.follow, options.key)
        given = [name for name in PLAYED_THERE if getattr(options, name) is not None]
        if made._follow is not None and given:
            raise Refused(f"--{given[0].replace('_', '-')}: the leader plays this show")
        return made

    def input_of(self, name: str) -> str:
        """Return the sound to hear, of which a follower has none unless it is named."""
        return SILENCE if self._follow is not None and name == DEMO else name

    def record(self, own: Recorder | None) -> Recorder | None:
        """Return what takes the commands that were applied."""
        if self._lead is None:
            return own

        def both(time: float, command: Command) -> None:
            if self.leader is not None:
                self.leader.record(time, command)
            if own is not None:
                own(time, command)

        return both

    def foresees(self, request: Callable[[str], None]) -> Callable[[str], None]:
        """Return what has a prompt encoded, here and by those who follow."""
        if self._lead is None:
            return request

        def both(text: str) -> None:
            if self.leader is not None:
                self.leader.foresee(text)
            request(text)

        return both

    def open(
        self,
        live: LiveState,
        ending: ExitStack,
        player: Player,
        sound: FeatureSource,
        commands: CommandSource,
    ) -> Ends:
        """Lead, or follow, or neither; return what the render thread plays. Raises: Refused.

        sound, commands: of the show itself.
        """
        options = live.options
        ticks = LiveClock(live.time, Event(), options.fps, options.seconds)
        ends = Ends(player, ticks, sound, commands)
        if self._lead is not None:
            return self._leads(live, ending, ends, player, self._lead)
        if self._follow is not None:
            return self._follows(live, ending, ends, player, self._follow)
        return ends

    def _leads(
        self, live: LiveState, ending: ExitStack, ends: Ends, player: Player,
        at: tuple[str, int],
    ) -> Ends:  # fmt: skip
        listening = listen(*at, live.notices.warn, what="rig", option="--lead", kind=SOCK_STREAM)
        leader = self.leader = Leader(
            listening, self._key, opening_of(player.network, live.drawn),
            lambda scene: text_of(Moment(scene, player.render.kept)),
            view=lambda: {name: live.display.get(name) for name in SETTINGS}, now=live.time.now,
            notify=live.statistics.notice, on_fault=live.notices.report_fault,
        )  # fmt: skip
        live.statistics.join(lambda: leader.described)
        ending.callback(leader.start().stop)
        self.workers += leader.workers
        host, port = leader.address
        here = " or ".join(place(one, port) for one in reached_at(host))
        said = f"rig: leads; others: livebend live --follow {here} --key FILE"
        live.statistics.notice(said)
        if not live.options.headless:
            print_notice(said)
        return ends._replace(player=Leading(player, leader))

    def _follows(
        self, live: LiveState, ending: ExitStack, ends: Ends, player: Player,
        leader: tuple[str, int],
    ) -> Ends:  # fmt: skip
        own = opening_of(player.network, live.drawn)
        receiver = Receiver(
            leader, self._key, met=partial(_compare, own, live.notices.warn),
            foreseen=player.prompts.request, now=live.time.now, notify=live.notices.warn,
            on_fault=live.notices.report_fault,
        )  # fmt: skip
        options = live.options
        following = self.following = Following(
            receiver, Followed(player), live.time, fps=options.fps, seconds=options.seconds,
            ends=(ends.sound, ends.commands), set_view=live.display.set, notify=live.notices.warn,
        )  # fmt: skip
        live.statistics.join(lambda: following.described)
        receiver.start()
        ending.callback(receiver.worker.stop)
        self.workers.append(receiver.worker)
        return Ends(following, following.going_on(Event()), following, following)


def opening_of(network: Network, drawn: DrawnMasks) -> Opening:
    """Return what a show plays on."""
    places = network.model.places
    hashes = {f"mask {name}": _hash(file) for name, file in drawn.files().items()}
    model = fingerprint(*places) if places else network.model.name
    return Opening(made_by(network), network.shown, {"model": model, **hashes})


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:16]


def _compare(ours: Opening, warn: Callable[[str], None], leaders: Opening) -> None:
    """Say where this show differs from its leader, so that its frames may."""
    if differs := differences(ours, leaders):
        warn(f"rig: frames may differ from the leader's; {'; '.join(differs)}")


def reached_at(host: str) -> list[str]:
    """Return the addresses by which others reach one that is listened at."""
    if host != EVERYWHERE or is_loopback(host):
        return [host]
    from livebend.control.remote.announcing import addresses  # noqa: PLC0415 - imports ifaddr

    return addresses() or ["127.0.0.1"]


class Leading:
    """A player that says what each frame is painted from before it paints it."""

    def __init__(self, player: Player, leader: Leader) -> None:
        self._player, self._leader = player, leader
        self.scene = player.scene

    def render(self, scene: Scene, features: Features, tick: Tick) -> Frame:
        self._leader.begin(scene, features, tick)
        return self._player.render(scene, features, tick)

    def take_up(self) -> None:
        self._player.take_up()

    def anew(self) -> None:
        self._player.anew()
        self._leader.begin_anew()

    def renew(self) -> None:
        self._player.renew()
        self._leader.begin_anew()


class Followed:
    """A player that can go on from what another renderer has kept."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self.scene = player.scene
        self.take_up, self.anew, self.renew = player.take_up, player.anew, player.renew

    def render(self, scene: Scene, features: Features, tick: Tick) -> Frame:
        return self._player.render(scene, features, tick)

    def follow(self, scene: Scene, features: Features, tick: Tick) -> None:
        """Follow a frame without painting it."""
        self._player.render.follow(scene, features, tick)

    def take(self, moment: str) -> Scene:
        """Go on from what another renderer has kept; return the scene. Raises: LivebendError."""
        network = self._player.network
        found = moment_in(moment, network.memory, network.model.device)
        scene = self.check(found.scene)
        text = self._player.prompts.value(scene.prompt.text).tensor
        self._player.render.kept = found.kept.fitting(text, network.shape)
        return scene

    def check(self, scene: Scene) -> Scene:
        """Return a scene if it can be played, its prompts encoded. Raises: LivebendError."""
        checked = self._player.network.check(scene)
        for side in (scene, scene.other) if scene.other else (scene,):
            for text in texts_of(side):
                self._player.prompts.value(text)
        return checked
