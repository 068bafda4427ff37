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
from livebend.scene import edit, paths
from livebend.scene.copy import altered
from livebend.scene.values import Agc, Edge, Route, Scene

FAINTEST = 1e-4  # strength where routes drive it to 0: 0 itself would mean that it is not scaled
LEVELS: tuple[str, ...] = tuple(name for name, source in SOURCES.items() if source.kind == "level")


@dataclass(frozen=True, slots=True)
class Modulation:
    """What the routes give in one frame.

    values: path -> value of every routed target, in its range.
    sources: route -> its source after curve and follower, 0..1 (degrees for a paper source).
    added: route -> what it adds to its target.
    refused: route -> why it is left out.
    """

    values: Mapping[str, ParameterValue] = field(default_factory=dict)
    sources: Mapping[str, float] = field(default_factory=dict)
    added: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def _gains() -> dict[str, AutoGain]:
    return {name: AutoGain() for name in LEVELS}


@dataclass(eq=False)
class Modulator:
    """Applies a scene's routes. Owned by the render thread; the same calls give the same values.

    A follower belongs to a route and its source, an LFO's phase to a route alone: with a new rate
    or shape the LFO goes on from where it is. `history` holds the features after the gain.
    """

    history: FeatureHistory = field(default_factory=FeatureHistory)
    _gains: dict[str, AutoGain] = field(default_factory=_gains)
    _followers: dict[Key, float] = field(default_factory=dict)
    _added: dict[Key, float] = field(default_factory=dict)
    _phases: dict[str, Phase] = field(default_factory=dict)
    _before: Features = field(default_factory=Features)
    _plan: Plan = field(default_factory=Plan, init=False)  # made anew from the scene

    def modulate(
        self, scene: Scene, features: Features, tick_time: float, dt: float, progress: float = 0.0
    ) -> Modulation:
        """Return the value of every routed parameter in a frame.

        features: with the beats of the scene's tempo, see `BandTime`.
        tick_time: s, on the clock of the show.
        dt: s, since the last frame.
        progress: position in the show, 0..1.

        A target is its value in the scene plus the sum of its routes, brought into its range.
        Routes that drive other routes come first, and act in the same frame. A route whose target
        does not exist or is not a number is left out and named in `refused`.
        """
        gained = self._gained(features, tick_time, scene.agc)
        self.history.add(tick_time, gained)
        moment = Moment(gained, self._before, progress)
        is_new = structure(scene) != self._plan.structure
        if is_new:
            self._plan = planned(scene)
        values: dict[str, ParameterValue] = {}
        sources: dict[str, float] = {}
        added: dict[str, float] = {}
        for each in self._plan.passes:
            scene = edit.with_values(scene, values)
            for active in each.routes:
                route = scene.routes[active.index]
                periods = self._phase(active).advance(route.rate, tick_time, dt)
                seen = _moment_of(active, moment, periods, scene.seed)
                sources[active.name] = self._drive(active, route, seen, dt)
                added[active.name] = self._add(active, route, sources[active.name], dt)
            for target in each.targets:
                values[target.path] = _total(scene, target, added)
        if is_new:
            self._forget(scene)
        self._before = features
        return Modulation(values, sources, added, self._plan.refused)

    def _forget(self, scene: Scene) -> None:
        """Drop the state of routes that do not act, and the phases of those that are gone."""
        acting = {active.key for each in self._plan.passes for active in each.routes}
        names = {route.name for route in scene.routes}
        self._followers = {key: y for key, y in self._followers.items() if key in acting}
        self._added = {key: y for key, y in self._added.items() if key in acting}
        self._phases = {name: phase for name, phase in self._phases.items() if name in names}

    def _gained(self, features: Features, time: float, agc: Agc) -> Features:
        """Return the features with the automatic gain on every level, unless they have another."""
        if features.normalised:
            return features
        sounding = features.rms >= 10.0 ** (agc.gate / 20.0)
        levels = {
            name: gain.apply(getattr(features, name), time, sounding, agc)
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
        """The route's phase; one that begins to fade out copies that of its name before."""
        phase = self._phases.get(active.name)
        if phase is None:
            earlier = self._phases.get(active.origin[0])
            phase = self._phases[active.name] = earlier.copy() if earlier else Phase()
        return phase

    def _add(self, active: ActiveRoute, route: Route, value: float, dt: float) -> float:
        """Return what the route adds to its target, changing no faster than its slew limit.

        The limit applies before the sum wraps, so an angle that rises by several turns goes through
        all of them. Only a periodic source (an LFO, the beat) may take the shorter way round.
        """
        added = route.low + (route.high - route.low) * value
        if route.slew != 0.0:
            last = _last(self._added, active, added)
            added = _slewed(last, added, route.slew * dt, circles=active.circles)
        self._added[active.key] = added
        return added


def _moment_of(active: ActiveRoute, moment: Moment, periods: float, seed: int) -> Moment:
    """Return the moment with the route's own phase and seed, if its source reads them."""
    if active.source.kind != "time":
        return moment
    return Moment(moment.features, moment.before, moment.progress, periods, seed ^ active.seed)


def _last(kept: Mapping[Key, float], active: ActiveRoute, value: float) -> float:
    """Return a route's last value; of one that begins to fade out, that of its name before."""
    last = kept.get(active.key)
    return kept.get(active.origin, value) if last is None else last


def _slewed(last: float, wanted: float, reach: float, *, circles: bool) -> float:
    """Return `wanted`, but no further than `reach` from `last`; with `circles`, the shorter way
    round."""
    gap = wanted - last
    if circles:
        gap = math.remainder(gap, 360.0)
    if wanted - last == gap and abs(gap) <= reach:
        return wanted
    return last + min(max(gap, -reach), reach)


def _total(scene: Scene, target: Target, added: Mapping[str, float]) -> ParameterValue:
    """Return base + Σ routes, in the target's range and of its type, by the last edge that is not
    fit."""
    driven = 0.0
    edge: Edge = "clip" if target.is_split else "fit"  # a part of an angle that wraps would jump
    for active in target.routes:
        route = scene.routes[active.index]
        driven += added[active.name]
        edge = edge if route.edge == "fit" else route.edge
    spec, owner = target.spec, paths.owner_of(scene, target.kind, target.name)
    total = float(paths.value_of(owner, target.leaf, spec)) + driven
    value = total if spec.range is None else edged(total, edge, spec.range)
    if target.leaf == "strength":
        value = max(value, FAINTEST)
    return int(value) if spec.kind == "int" else value
