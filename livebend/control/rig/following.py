"""A follower's clock, sound and commands: the leader's while there is one, else its own.

    following   every frame that the leader painted comes with what it was painted from. The newest
                is painted; those that this machine is too slow for are followed without painting,
                so that beats, envelopes and fades are where the leader has them.
    alone       no frame has come for PATIENCE s: the show goes on from the last one, by its own
                clock, hands and sound, at the leader's tempo. It asks to join; then the leader's
                next frame is painted, whatever was played meanwhile.

What goes to the window and to films has this show's own time, which never goes back, in the steps
of the leader's: so that flashes are limited alike.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from livebend.control.rig.alone import Alone
from livebend.control.rig.leader import SETTINGS, mark_of
from livebend.control.rig.messages import Begin, Painted, command_in
from livebend.control.rig.receiver import Receiver
from livebend.core.clock import LiveClock, Time
from livebend.core.errors import LivebendError
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue
from livebend.core.statistics import Histogram
from livebend.flow import Features, FeatureSource, Frame, Tick
from livebend.modulation.heard import features_of
from livebend.scene.commands import Command, CommandSource
from livebend.scene.values import Scene

PATIENCE = 1.0  # s without a frame of the leader's, after which the show goes on by itself
LOOK = 0.1  # s between two looks at the stop event
REFUSED = 5.0  # s until it asks again to join what it cannot play
PLAY_THERE = "the leader's hands play this show: what is played here has no effect"

SetView = Callable[[str, ParameterValue], None]


class Player(Protocol):
    """The network and what paints with it."""

    scene: Scene

    def render(self, scene: Scene, features: Features, tick: Tick) -> Frame: ...

    def follow(self, scene: Scene, features: Features, tick: Tick) -> None:
        """Follow a frame without painting it."""

    def take(self, moment: str) -> Scene:
        """Go on from what another renderer has kept; return the scene. Raises: LivebendError."""

    def check(self, scene: Scene) -> Scene:
        """Return a scene if it can be played, its prompts encoded. Raises: LivebendError."""

    def take_up(self) -> None: ...

    def anew(self) -> None: ...

    def renew(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Become:
    """Take a scene as it is."""

    key: ClassVar[None] = None
    barrier: ClassVar[bool] = True

    scene: Scene

    def apply(self, _: Scene) -> Scene:
        return self.scene


@dataclass(frozen=True, slots=True)
class Now:
    """What the frame that is painted now is painted from."""

    scene: Scene
    features: Features
    tick: Tick


@dataclass(slots=True)
class FollowedCounts:
    """What became of the leader's frames. The render thread writes it, any other reads."""

    painted: int = 0
    skipped: int = 0
    alone: int = 0
    joined: int = 0


class Following:
    """Clock, sound, commands and player of a follower, all of them for `Painting`. The render
    thread alone calls it; any may read `counts` and `described`.

    ticks: of the show while it is alone.
    ends: the sound that is heard here, and what is played by hand.
    set_view: changes a setting of the display.
    """

    def __init__(
        self,
        receiver: Receiver,
        player: Player,
        time: Time,
        *,
        fps: float,
        seconds: float | None,
        ends: tuple[FeatureSource, CommandSource],
        set_view: SetView,
        notify: Notify,
    ) -> None:
        self.scene = player.scene
        self.counts, self.late = FollowedCounts(), Histogram()
        self._receiver, self._player, self._time = receiver, player, time
        self._fps, self._seconds, self._notify = fps, seconds, notify
        self._sound, self._hands = ends
        self._set_view = set_view
        self._begin: float | None = None  # of the show, s
        self._last, self._index = 0.0, 0  # this show's own last frame
        self._joined, self._told = False, False
        self._heard = 0.0  # when the leader's last frame came, s
        self._asked = 0.0
        self._now = Now(self.scene, Features(), Tick(-1, 0.0, 0.0, 0.0))
        self._given = self.scene  # the scene that the loop has from here
        self._alone: Alone | None = None
        self._followed: Tick | None = None  # the leader's last frame
        self._shift: float | None = None  # s from the leader's ticks to what is shown of them
        self._offset = 0.0  # s to add to the time here for the leader's, while alone

    # ---- the clock -----------------------------------------------------------------------------

    def going_on(self, stop: threading.Event) -> "FollowedTicks":
        """Return the ticks of this show for a thread."""
        return FollowedTicks(self, stop)

    def ticks(self, stop: threading.Event) -> Iterator[Tick]:
        """Yield the ticks of this show until it is stopped."""
        if self._begin is None:
            self._begin = self._last = self._heard = self._time.now()
        while not stop.is_set() and not self._is_over():
            if self._alone is None:
                if self._next_followed():
                    yield self._tick()
            else:
                yield from self._ticks_alone(stop)

    def _is_over(self) -> bool:
        begin = self._begin or 0.0
        return self._seconds is not None and self._time.now() - begin > self._seconds

    def _tick(self) -> Tick:
        """This show's own tick, for what comes after painting."""
        moment, last = self._time.now(), self._last
        tick = Tick(self._index, moment, moment - last, last - (self._begin or 0.0))
        self._index, self._last = self._index + 1, moment
        return tick

    def _next_followed(self) -> bool:
        """Wait a while for the leader; return whether there is a frame to paint."""
        due = self._obeyed(self._receiver.inbox.take(LOOK))
        moment = self._time.now()
        if due:
            self._heard = moment
        elif moment - self._heard > PATIENCE:
            self._go_alone(moment)
        return due

    def _ticks_alone(self, stop: threading.Event) -> Iterator[Tick]:
        """Yield ticks by this show's own clock until the leader is back."""
        for own in LiveClock(self._time, stop, self._fps):
            if self._is_over():
                return
            if self._obeyed(self._receiver.inbox.take(0.0)):
                self._heard, self._alone = own.time, None
                yield self._tick()
                return
            self._ask_again(own.time)
            yield self._tick_alone(own.time)

    def _tick_alone(self, moment: float) -> Tick:
        before = self._now.tick
        time = max(moment + self._offset, before.time)
        tick = Tick(before.index + 1, time, time - before.time, before.time)
        assert self._alone is not None
        features = self._alone.at(time, self._sound.at(moment))
        self._now = Now(self.scene, features, tick)
        self.counts.alone += 1
        return self._tick()

    def _go_alone(self, moment: float) -> None:
        offset = self._receiver.clock.seconds
        if self._followed is None:
            self._notify(f"rig: waiting for the leader at {self._receiver.name}; playing alone")
            self._offset = 0.0
        else:
            self._notify("rig: the leader is gone; playing on alone, at its tempo")
            usual = self._followed.time + (moment - self._heard)
            self._offset = (usual - moment) if offset is None else offset
        self._alone = Alone(self._now.features, self._sound.at(moment), self._offset)
        self._joined = False
        self._ask(moment)

    def _ask(self, moment: float) -> None:
        self._asked = moment
        self._receiver.join()

    def _ask_again(self, moment: float) -> None:
        """Ask to join a leader that may not have heard it."""
        if self._receiver.connected and moment - self._asked > REFUSED:
            self._ask(moment)

    # ---- the leader's frames -------------------------------------------------------------------

    def _obeyed(self, messages: Sequence[Begin | Painted]) -> bool:
        """Do what the leader did; return whether there is a frame of it to paint."""
        due = False
        for message in messages:
            painted = message if isinstance(message, Painted) else message.painted
            if isinstance(message, Painted) and not self._joined:
                continue
            try:
                if due:
                    self._skip()
                due = self._moved_on(message, painted)
            except LivebendError as why:
                self._leave(str(why))
                due = False
        self.counts.painted += due
        return due

    def _skip(self) -> None:
        self.counts.skipped += 1
        self._player.follow(self._now.scene, self._now.features, self._now.tick)

    def _moved_on(self, message: Begin | Painted, painted: Painted) -> bool:
        """Be where the leader was at a frame. Raises: LivebendError."""
        if isinstance(message, Begin):
            self._join(message)
        elif self._followed is not None and painted.tick.index != self._followed.index + 1:
            self._leave("frames of the leader's are missing")
            return False
        else:
            self.scene = self._changed(painted)
        if painted.mark and painted.mark != mark_of(self.scene):
            self._leave("the scene differs from the leader's")
            return False
        for name, value in painted.view.items():
            if name in SETTINGS:
                self._set_view(name, value)
        self._followed = painted.tick
        self._now = Now(self.scene, features_of(painted.heard), painted.tick)
        return True

    def _changed(self, painted: Painted) -> Scene:
        scene = self.scene
        for said in painted.said:
            scene = command_in(said).apply(scene)
        return scene if scene is self.scene else self._player.check(scene)

    def _join(self, begin: Begin) -> None:
        self.scene = self._player.take(begin.moment)
        first = self._followed is None or not self._joined
        self._joined, self._told, self._shift = True, False, None
        self.counts.joined += 1
        if first:
            frame = begin.painted.tick.index
            self._notify(f"rig: follows {self._receiver.name} from frame {frame} on")

    def _leave(self, why: str) -> None:
        """Join again, since what is here is not what the leader has."""
        if self._joined:
            self._joined = False
            self._ask(self._time.now())
        self._notify(f"rig: {why}; joining again")

    # ---- sound, commands, frames ---------------------------------------------------------------

    def at(self, _: float) -> Features:
        """Return the features of the frame that is painted now."""
        return self._now.features

    def until(self, time: float) -> Sequence[Command]:
        """Return what is done before this frame: the leader's scene, or what hands do here while
        there is no leader."""
        own = list(self._hands.until(time))
        if self._alone is not None:
            return own
        if own and not self._told:
            self._told = True
            self._notify(PLAY_THERE)
        if self.scene is self._given:
            return ()
        self._given = self.scene
        return [Become(self.scene)]

    def render(self, scene: Scene, _: Features, tick: Tick) -> Frame:
        """Paint the frame of this moment; it has this show's own time."""
        now = self._now
        frame = self._player.render(scene, now.features, now.tick)
        if self._alone is not None:
            return replace(frame, index=tick.index, time=tick.time, sound_time=tick.time,
                           presentation=tick.presentation)  # fmt: skip
        if self._shift is None:
            self._shift = tick.time - now.tick.time
        if (offset := self._receiver.clock.seconds) is not None:
            self.late.add((self._time.now() + offset - now.tick.time) * 1e3)
        time, heard = now.tick.time + self._shift, frame.sound_time + self._shift
        return Frame(frame.pixels, tick.index, time, heard, tick.presentation)

    def take_up(self) -> None:
        """Prepare the calling thread to paint."""
        self._player.take_up()

    def anew(self) -> None:
        """Forget what earlier frames left, and join again."""
        self._player.anew()
        self._leave("painting failed")

    def renew(self) -> None:
        """Paint with another renderer from now on, and join again."""
        self._player.renew()
        self._leave("painting failed")

    @property
    def painted(self) -> int:
        """The leader's number of the frame that was painted last; -1 = it was none of its."""
        return self._now.tick.index if self._alone is None else -1

    @property
    def described(self) -> str:
        """How the leader is followed, in words."""
        clock, counts = self._receiver.clock, self.counts
        if self._alone is not None:
            state = "alone" if self._receiver.connected else "alone, no leader"
            return f"{state} at {self._receiver.name}"
        offset = clock.seconds or 0.0
        return (
            f"follows {self._receiver.name}: {counts.skipped} of"
            f" {counts.skipped + counts.painted} frames skipped, {self.late.percentile(50):.0f} ms"
            f" behind; clock {offset:+.3f} s, drift {clock.drift * 6e4:+.2f} ms a minute,"
            f" round trip {clock.trip * 1e3:.1f} ms"
        )


@dataclass(frozen=True, slots=True)
class FollowedTicks:
    """The ticks of a show that follows, for one thread."""

    following: Following
    stop: threading.Event

    def going_on(self, stop: threading.Event) -> "FollowedTicks":
        """Return them for another thread, from where they are now."""
        return self.following.going_on(stop)

    def __iter__(self) -> Iterator[Tick]:
        return self.following.ticks(self.stop)
