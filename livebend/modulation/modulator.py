"""All routes, once per frame: source → gain → curve → follower → low..high → target."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from livebend.errors import OutOfRange, UnknownName
from livebend.flow import Features
from livebend.modulation.follower import followed
from livebend.modulation.gain import AutoGain
from livebend.modulation.history import History
from livebend.modulation.phase import Phase
from livebend.modulation.shapes import edged, shaped
from livebend.modulation.sources import SOURCES, Moment
from livebend.modulation.tempo import Beats
from livebend.morphing import own_name
from livebend.scene import Agc, Route, Scene, find, get, is_shared, moved
from livebend.specs import Spec

LEVELS = tuple(name for name, source in SOURCES.items() if source.kind == "level")


@dataclass(frozen=True, slots=True)
class Modulation:
    """What the routes give in one frame.

    `values`: path -> value of every routed target, inside its range. `sources`: route -> what its
    source gives after curve and follower (0..1; degrees for a paper source), for meters. `added`:
    route -> what it adds to its target. `refused`: route -> why it is left out.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, float] = field(default_factory=dict)
    added: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


class Modulator:
    """Owned by the render thread. The same calls give the same values.

    A follower is kept under the names of its route and source, an LFO's phase under its route's
    name, and forgotten when they go: a new rate or shape goes on from where the LFO is.
    `history` is what the steps heard, after the gain.
    """

    def __init__(self) -> None:
        self.history = History()
        self._gains = {name: AutoGain() for name in LEVELS}
        self._followers: dict[tuple[str, str], float] = {}
        self._added: dict[tuple[str, str], float] = {}
        self._phases: dict[str, Phase] = {}
        self._beats = Beats()
        self._before = Features()

    def step(
        self, scene: Scene, features: Features, tick_time: float, dt: float, progress: float = 0.0
    ) -> Modulation:
        """Return the value of every routed parameter at `tick_time`, `dt` s after the last step.

        A target is its value in the scene plus what all its routes give, brought into its range.
        Routes that drive other routes come first, and act in the same frame. A route whose target
        is not there, or not a number, is left out and named in `refused`.
        """
        features = self._beats.step(scene.tempo, features, tick_time, dt)
        gained = self._gained(features, tick_time, scene.agc)
        self.history.add(tick_time, gained)
        moment = Moment(gained, self._before, progress)
        drives = [r.name for r in scene.routes if r.target.startswith("route.")]
        first = self._play(scene, moment, tick_time, dt, drives)
        scene = moved(scene, first.values)
        others = [r.name for r in scene.routes if r.name not in drives]
        rest = self._play(scene, moment, tick_time, dt, others)
        sources = {**first.sources, **rest.sources}
        kept = {(r.name, r.source) for r in scene.routes if r.name in sources}
        self._followers = {key: y for key, y in self._followers.items() if key in kept}
        self._added = {key: y for key, y in self._added.items() if key in kept}
        names = {route.name for route in scene.routes}
        self._phases = {name: phase for name, phase in self._phases.items() if name in names}
        self._before = features
        refused = {**first.refused, **rest.refused}
        added = {**first.added, **rest.added}
        return Modulation({**first.values, **rest.values}, sources, added, refused)

    def _play(
        self, scene: Scene, moment: Moment, time: float, dt: float, names: Sequence[str]
    ) -> Modulation:
        routes = [r for r in scene.routes if r.name in names and not r.mute]
        targets, refused = _targets(scene, routes)
        routes = [r for r in routes if r.name not in refused]
        turns = {r.name: self._phase(r).step(r.rate, time, dt) for r in routes}
        sources = {r.name: self._drive(r, moment, turns[r.name], scene.seed, dt) for r in routes}
        added = {r.name: self._add(r, sources[r.name], targets[r.target], dt) for r in routes}
        values = {
            path: _total(scene, path, spec, [r for r in routes if r.target == path], added)
            for path, spec in targets.items()
        }
        return Modulation(values, sources, added, refused)

    def _gained(self, features: Features, time: float, agc: Agc) -> Features:
        """Return the features with the automatic gain on every level."""
        sounding = features.rms >= 10.0 ** (agc.gate / 20.0)
        levels: dict[str, Any] = {
            name: gain.step(getattr(features, name), time, sounding, agc)
            for name, gain in self._gains.items()
        }
        return replace(features, **levels)

    def _drive(self, route: Route, moment: Moment, turns: float, seed: int, dt: float) -> float:
        """Return what the route's source gives, after gain, curve and follower."""
        source = SOURCES[route.source]
        own_seed = seed ^ crc32(own_name(route.name).encode())
        own = Moment(moment.features, moment.before, moment.progress, turns, own_seed)
        value = route.gain * source.read(own)
        if source.kind == "paper":
            return value if math.isfinite(value) else 0.0
        value = shaped(value, route.curve)
        if source.kind == "time":
            return value
        attack = 0.0 if source.kind == "pulse" else route.attack
        last = _last(self._followers, route, value)
        value = followed(last, value, dt, attack, route.release)
        self._followers[route.name, route.source] = value
        return value

    def _phase(self, route: Route) -> Phase:
        """The route's phase; one that leaves goes on from that of its own name."""
        if route.name not in self._phases:
            own = self._phases.get(own_name(route.name))
            self._phases[route.name] = own.copy() if own else Phase()
        return self._phases[route.name]

    def _add(self, route: Route, value: float, spec: Spec, dt: float) -> float:
        """Return what the route adds to its target, no faster than its slew limit.

        The way is that of the sum before it wraps, so an angle of many turns goes through them
        all. Only where a source itself comes round again (an LFO, the beat) is a whole turn none.
        """
        wanted = route.low + (route.high - route.low) * value
        last = _last(self._added, route, wanted)
        gap = wanted - last
        if SOURCES[route.source].kind == "time" and spec.range is not None and spec.range.wraps:
            gap = math.remainder(gap, 360.0)
        reach = route.slew * dt
        free = route.slew == 0.0 or (wanted - last == gap and abs(gap) <= reach)
        added = wanted if free else last + min(max(gap, -reach), reach)
        self._added[route.name, route.source] = added
        return added


def _last(kept: Mapping[tuple[str, str], float], route: Route, value: float) -> float:
    """What a route gave last; one that leaves goes on from what it gave under its own name."""
    own = kept.get((own_name(route.name), route.source), value)
    return kept.get((route.name, route.source), own)


def _targets(scene: Scene, routes: Iterable[Route]) -> tuple[dict[str, Spec], dict[str, str]]:
    """Return path -> spec of what the routes drive, and route -> why not."""
    targets: dict[str, Spec] = {}
    refused: dict[str, str] = {}
    for route in routes:
        try:
            spec = find(scene, route.target)
            if spec.kind not in ("float", "int"):
                raise OutOfRange(f"route.{route.name}.target = {route.target!r}: expected a number")
            targets[route.target] = spec
        except (UnknownName, OutOfRange) as fault:
            refused[route.name] = str(fault)
    return targets, refused


def _total(
    scene: Scene, path: str, spec: Spec, routes: Sequence[Route], added: Mapping[str, float]
) -> float:
    """Return base + Σ routes, inside the target's range; the last edge that is not fit decides."""
    total = float(get(scene, path)) + sum(added[route.name] for route in routes)
    if spec.range is None:
        return total
    edges = [route.edge for route in routes if route.edge != "fit"]
    if not edges and is_shared(scene, path):
        return edged(total, "clip", spec.range)  # a share of an angle that wraps would jump
    return edged(total, edges[-1] if edges else "fit", spec.range)
