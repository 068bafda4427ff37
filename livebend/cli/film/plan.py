"""The whole film, walked once without painting: how long it is, where it can be cut.

So a cue that cannot be played is found before the night, and every process cuts at the same places:
they hang on what is rendered, never on how many render it.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from torch import Tensor

from livebend.audio.feature_sources import PulledSound
from livebend.audio.look_ahead import LookAhead
from livebend.cli.film.jobs import Segment
from livebend.cli.film.options import FilmOptions
from livebend.core.clock import OfflineClock
from livebend.core.notify import ignore
from livebend.device.memory import Memory
from livebend.flow import Features, Tick
from livebend.modulation.band_time import BandTime
from livebend.modulation.beats import Beats
from livebend.rendering.deck import Decks
from livebend.rendering.inputs import InputSource
from livebend.rendering.painted_past import PaintedPast, past_of
from livebend.rendering.prompts import Prompts
from livebend.scene.values import Sampling, Scene

SEGMENT = 8.0  # s: what is lost at most by a worker that dies, and the least that is worth a cut
SPARE = 3  # a segment is at least so many times as long as the pre-roll before it


class Loaded(NamedTuple):
    """A preset that plays from `frame` on."""

    frame: int
    title: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the walk found.

    frames: of the whole film.
    loaded: the presets that play, in their order.
    forever: what hangs on every frame before, and the first that does: no cut there.
    scenes: a digest of all that is played, cues and presets.
    sites: every place that is bent at.
    """

    frames: int
    segments: tuple[Segment, ...]
    loaded: tuple[Loaded, ...]
    forever: dict[str, int]
    scenes: str
    sites: frozenset[str]


Heard = PulledSound | LookAhead


def planned(options: FilmOptions, scene: Scene, sound: Heard, duration: float) -> Plan:
    """Walk the film that begins with a scene; `duration` in s is the end of `show.progress`.

    Raises: LivebendError where a cue or the sound cannot be played to its end.
    """
    walk = _Walk(options, scene, duration)
    for tick in ticks_of(sound, options):
        walk.step(sound.at(tick.time), tick)
    return walk.plan()


def ticks_of(sound: Heard, options: FilmOptions) -> Iterator[Tick]:
    """Yield the film's ticks: while there is sound for at least half of the next frame, up to the
    seconds that are asked for; `options.blur` of them for each frame."""
    most = math.inf if options.seconds is None else options.seconds
    each = OfflineClock(options.fps * options.blur, math.inf)
    for frame in OfflineClock(options.fps, most):
        if frame.index and not sound.reaches((frame.index + 0.5) / options.fps):
            return
        yield from (each.tick(frame.index * options.blur + n) for n in range(options.blur))


class _Walk:
    """Goes through a film as the renderer does, but for prompts, noise and pictures."""

    def __init__(self, options: FilmOptions, scene: Scene, duration: float) -> None:
        self._scene, self._fps, self._blur = scene, options.fps, options.blur
        self._commands = options.commands(scene, ignore)
        inputs = partial(InputSource, Prompts(_not_encoded), Memory(), duration, ())
        self._decks, self._band = Decks(inputs, Memory(), _of_any_model), BandTime()
        self._past = PaintedPast()
        self._loaded = [Loaded(0, scene.title)]
        self._digest, self._sites = hashlib.sha256(), set[str]()
        self._take(scene)

    def step(self, features: Features, tick: Tick) -> None:
        """Go on to the next frame."""
        before = self._scene
        for command in self._commands.until(tick.time):
            self._scene = command.apply(self._scene)
        scene = self._scene
        if scene is not before:
            self._digest.update(str(tick.index).encode())
            self._take(scene)
        is_loaded = (scene.loads, scene.deck) != (before.loads, before.deck)
        if is_loaded:
            self._loaded.append(Loaded(tick.index // self._blur, scene.title))
        features = self._band.apply(scene.tempo, features, tick.time, tick.dt)
        playing, _ = self._decks.play(scene, Beats(tick.time, scene.tempo, features), tick)
        anew = is_loaded and scene.deck == before.deck
        self._past.add(past_of(playing), tick.dt, anew=anew)

    def plan(self) -> Plan:
        """Return what was found up to here."""
        return Plan(
            len(self._past) // self._blur,
            cut(self._past, max(1, round(SEGMENT * self._fps)), self._blur),
            tuple(self._loaded),
            {what: tick // self._blur for what, tick in self._past.forever.items()},
            self._digest.hexdigest(),
            frozenset(self._sites),
        )

    def _take(self, scene: Scene) -> None:
        self._digest.update(repr(scene).encode())
        sides = (scene,) if scene.other is None else (scene, scene.other)
        self._sites.update(bend.site for side in sides for bend in side.bends)


def cut(past: PaintedPast, length: int, each: int = 1) -> tuple[Segment, ...]:
    """Return the segments of a film of `each` ticks a frame: cut at multiples of `length` frames,
    but where the pre-roll would be more than 1/SPARE of the segment before."""
    segments, first, preroll, frames = list[Segment](), 0, 0, len(past) // each
    for place in range(length, frames, length):
        found = past.preroll(place * each, (place - first) // SPARE * each)
        if found is not None:
            segments.append(Segment(first, place, preroll))
            first, preroll = place, -(-found // each)
    return (*segments, Segment(first, frames, preroll))


def said_of(plan: Plan, fps: float) -> Iterator[str]:
    """Yield what to know of a plan, in lines."""
    longest = max(plan.segments, key=lambda segment: segment.until - segment.first)
    seconds = (longest.until - longest.first) / fps
    for what, frame in plan.forever.items():
        yield (
            f"{what}: every frame from {frame / fps:g} s on hangs on the one before, so it cannot"
            f" be cut there; the longest segment has {seconds:g} s"
        )
    prerolls = sum(segment.preroll for segment in plan.segments)
    if prerolls:
        share = prerolls / plan.frames
        yield f"{prerolls} frames more ({share:.0%}) are painted before cuts, for trails and reuse"


def _not_encoded(_: object) -> Tensor:
    raise AssertionError("nothing is painted, so no prompt is read")


def _of_any_model(sampling: Sampling) -> Sampling:
    """Numbers where it is left open, so that two can be crossed: nothing here depends on them."""
    return replace(sampling, steps=sampling.steps or 1, guidance=sampling.guidance or 1.0)
