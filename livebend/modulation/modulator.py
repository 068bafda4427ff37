"""All routes, once per frame: source → gain → curve → follower → low..high → target."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from livebend.core.specs import ParameterValue
from livebend.flow import Features
from livebend.modulation.auto_gain import AutoGain
from livebend.modulation.curves import edged, shaped
from livebend.modulation.feature_history import FeatureHistory
from livebend.modulation.follower import followed
from livebend.modulation.phase import Phase
from livebend.modulation.plan import ActiveRoute, Key, Plan, Target, planned, structure
from livebend.modulation.sources import SOURCES, Moment
from livebend.modulation.tapped_beat import TappedBeat
from livebend.scene import edit, paths
from livebend.scene.copy import altered
from livebend.scene.values import Agc, Edge, Route, Scene

FAINTEST = 1e-4  # of a strength that routes bring to 0, where 0 by hand would mean none asked for
LEVELS = tuple(name for name, source in SOURCES.items() if source.kind == "level")


@dataclass(frozen=True, slots=True)
class Modulation:
    """What the routes give in one frame.

    `values`: path -> value of every routed target, inside its range. `sources`: route -> what its
    source gives after curve and follower (0..1; degrees for a paper source), for meters. `added`:
    route -> what it adds to its target. `refused`: route -> why it is left out.
    """

    values: Mapping[str, ParameterValue] = field(default_factory=dict)
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
        self.history = FeatureHistory()
        self._gains = {name: AutoGain() for name in LEVELS}
        self._followers: dict[Key, float] = {}
        self._added: dict[Key, float] = {}
        self._phases: dict[str, Phase] = {}
        self._beats = TappedBeat()
        self._before = Features()
        self._plan = Plan()

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
        is_new = structure(scene) != self._plan.structure
        if is_new:
            self._plan = planned(scene)
        values: dict[str, ParameterValue] = {}
        sources: dict[str, float] = {}
        added: dict[str, float] = {}
        for one in self._plan.passes:
            scene = edit.with_values(scene, values)
            for active in one.routes:
                route = scene.routes[active.place]
                periods = self._phase(active).step(route.rate, tick_time, dt)
                heard = self._drive(active, route, _own(moment, active, periods, scene.seed), dt)
                sources[active.name] = heard
                added[active.name] = self._add(active, route, heard, dt)
            for target in one.targets:
                values[target.path] = _total(scene, target, added)
        if is_new:
            self._forget(scene)
        self._before = features
        return Modulation(values, sources, added, self._plan.refused)

    def _forget(self, scene: Scene) -> None:
        """Forget what is kept of routes that do not act, and the phases of those that are gone."""
        acting = {active.key for one in self._plan.passes for active in one.routes}
        names = {route.name for route in scene.routes}
        self._followers = {key: y for key, y in self._followers.items() if key in acting}
        self._added = {key: y for key, y in self._added.items() if key in acting}
        self._phases = {name: phase for name, phase in self._phases.items() if name in names}

    def _gained(self, features: Features, time: float, agc: Agc) -> Features:
        """Return the features with the automatic gain on every level."""
        sounding = features.rms >= 10.0 ** (agc.gate / 20.0)
        levels = {
            name: gain.step(getattr(features, name), time, sounding, agc)
            for name, gain in self._gains.items()
        }
        return altered(features, levels)

    def _drive(self, active: ActiveRoute, route: Route, moment: Moment, dt: float) -> float:
        """Return what the route's source gives, after gain, curve and follower."""
        kind = active.source.kind
        value = route.gain * active.source.read(moment)
        if kind == "paper":
            return value if math.isfinite(value) else 0.0
        value = shaped(value, route.curve)
        if kind == "time":
            return value
        attack = 0.0 if kind == "pulse" else route.attack
        last = _last(self._followers, active, value)
        value = followed(last, value, dt, attack, route.release)
        self._followers[active.key] = value
        return value

    def _phase(self, active: ActiveRoute) -> Phase:
        """The route's phase; one that leaves goes on from that of its own name."""
        phase = self._phases.get(active.name)
        if phase is None:
            own = self._phases.get(active.origin[0])
            phase = self._phases[active.name] = own.copy() if own else Phase()
        return phase

    def _add(self, active: ActiveRoute, route: Route, value: float, dt: float) -> float:
        """Return what the route adds to its target, no faster than its slew limit.

        The way is that of the sum before it wraps, so an angle of many turns goes through them
        all. Only where a source itself comes round again (an LFO, the beat) is a whole turn none.
        """
        added = route.low + (route.high - route.low) * value
        if route.slew != 0.0:
            last = _last(self._added, active, added)
            added = _slewed(last, added, route.slew * dt, circles=active.circles)
        self._added[active.key] = added
        return added


def _own(moment: Moment, active: ActiveRoute, periods: float, seed: int) -> Moment:
    """The moment as a route's own source sees it: only those of time ask where its phase is."""
    if active.source.kind != "time":
        return moment
    return Moment(moment.features, moment.before, moment.progress, periods, seed ^ active.chance)


def _last(kept: Mapping[Key, float], active: ActiveRoute, value: float) -> float:
    """What a route gave last; one that leaves goes on from what it gave under its own name."""
    last = kept.get(active.key)
    return kept.get(active.origin, value) if last is None else last


def _slewed(last: float, wanted: float, reach: float, *, circles: bool) -> float:
    """Return `wanted`, or what lies `reach` from `last` on the way there: round a circle the
    shorter one."""
    gap = wanted - last
    if circles:
        gap = math.remainder(gap, 360.0)
    if wanted - last == gap and abs(gap) <= reach:
        return wanted
    return last + min(max(gap, -reach), reach)


def _total(scene: Scene, target: Target, added: Mapping[str, float]) -> ParameterValue:
    """Return base + Σ routes, inside the target's range and of its type; the last edge that is not
    fit decides."""
    driven = 0.0
    edge: Edge = "clip" if target.is_split else "fit"  # a part of an angle that wraps would jump
    for active in target.routes:
        route = scene.routes[active.place]
        driven += added[active.name]
        edge = edge if route.edge == "fit" else route.edge
    spec, owner = target.spec, paths.owner_of(scene, target.kind, target.name)
    total = float(paths.value_of(owner, target.leaf, spec)) + driven
    value = total if spec.range is None else edged(total, edge, spec.range)
    if target.leaf == "strength":
        value = max(value, FAINTEST)
    return int(value) if spec.kind == "int" else value
