"""Automation: a parameter recorded for some bars of the show, and then looped.

What is recorded is what the scene had in every frame, whoever played it. The loop comes as one
command, and so as one cue: a replay plays the hand's own cues, and then the same loop at the same
frame. Beats are counted from the first of the phrases, and a loop of n beats lies on that count
round and round, so a recording may begin anywhere and fits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from livebend.control.desk import Automate
from livebend.core.errors import LivebendError, Refused
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.texts import name_like
from livebend.modulation.beats import Beats
from livebend.scene import loops, paths
from livebend.scene.commands import Command, Replace
from livebend.scene.values import Loop, Scene

NEARLY = 1e-6  # of a beat: rounding must not delay an end by a frame


@dataclass(slots=True)
class _Take:
    """A recording: of what, for how many beats, and what it has so far.

    from_bar: the bar that it begins with; None = it has begun.
    points: the beat of every frame, rising, and the value in it.
    """

    path: str
    beats: float
    deck: int
    from_bar: int | None = None
    points: list[loops.Point] = field(default_factory=list)


class LoopRecorder:
    """Records one parameter at a time. A command source of the render thread; any thread may call
    `automate` and read `recording`.

    scenes: the newest scene, as it is painted.
    beats: where the beat was in that frame.
    notify: is told what begins and ends.
    """

    def __init__(self, scenes: Latest[Scene], beats: Callable[[], Beats], notify: Notify) -> None:
        self._scenes, self._beats, self._notify = scenes, beats, notify
        self._wish: Latest[Automate | None] = Latest(None)
        self._done: Automate | None = None  # the wish that was seen to last
        self._take: _Take | None = None

    @property
    def recording(self) -> str:
        """The path that is recorded, or is from the next bar on; "" = none."""
        take = self._take
        return "" if take is None else take.path

    def automate(self, action: Automate) -> None:
        """Begin to record, or with `stop` drop what is recorded. Where `preset.quantise` is on, it
        begins with the next bar.

        Raises: LivebendError for what no loop can play, and where there is no tempo.
        """
        if not action.stop:
            loops.playable(self._scenes.get(), action.path)
            if not self._beats().bpm:
                raise Refused("automation: there is no tempo yet to count bars by")
        self._wish.put(replace(action))  # another one, even if it is equal

    def until(self, _: float) -> list[Command]:
        """Look at the last frame; return the loop of a recording that is complete."""
        wish = self._wish.get()
        if wish is not self._done:
            self._done = wish
            self._obey(wish)
        if self._take is None:
            return []
        try:
            return self._record(self._take, self._scenes.get(), self._beats())
        except LivebendError as why:
            self._drop(str(why))
            return []

    def _obey(self, wish: Automate | None) -> None:
        if wish is None:
            return
        if wish.stop:
            if self._take is not None and wish.path in ("", self._take.path):
                self._drop("it was stopped")
            return
        scene, beats = self._scenes.get(), self._beats()
        take = _Take(wish.path, float(wish.bars * beats.tempo.bar), scene.deck)
        if scene.preset.quantise != "off":
            take.from_bar = math.floor(beats.played / beats.tempo.bar + NEARLY) + 1
        self._take = take
        when = " from the next bar on" if take.from_bar is not None else ""
        self._notify(f"{wish.path} is recorded{when}, for {take.beats:g} beats")

    def _record(self, take: _Take, scene: Scene, beats: Beats) -> list[Command]:
        """Add a frame; return the loop where that is the last."""
        played = beats.played
        if not beats.bpm:
            raise Refused("the tempo is gone")
        if scene.deck != take.deck:
            raise Refused("the other side is edited now")
        if take.from_bar is not None:
            if played / beats.tempo.bar + NEARLY < take.from_bar:
                return []
            take.from_bar = None
        if take.points and played < take.points[-1][0]:
            take.points.clear()  # the beats were counted anew: from here on
        spec = loops.playable(scene, take.path)
        value = loops.number_of(spec, paths.get(scene, take.path))
        begin = take.points[0][0] if take.points else played
        if played < begin + take.beats - NEARLY:
            take.points.append((played, value))
            return []
        self._take = None
        points = loops.thinned(take.points, spec)
        text = loops.written((beat % take.beats, value) for beat, value in points)
        self._notify(f"{take.path}: a loop of {take.beats:g} beats")
        return [Replace(Loop(_name(scene, take.path), take.path, text, take.beats))]

    def _drop(self, why: str) -> None:
        if self._take is not None:
            self._notify(f"{self._take.path} is recorded no longer: {why}")
        self._take = None


def _name(scene: Scene, path: str) -> str:
    """The name of the loop of a parameter: that which it has, or one that is free."""
    for loop in scene.loops:
        if loop.target == path:
            return loop.name
    taken = {loop.name for loop in scene.loops}
    name = like = name_like(path.replace(".", "-"), Loop.kind)
    number = 1
    while name in taken:
        number += 1
        name = f"{like[:-4]}-{number}"
    return name
