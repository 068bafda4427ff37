"""From one scene to the next in time: what both have moves over, the rest fades out and in.

A part is in both scenes where its name, its kind (a bend's operator and site, and whether it has a
strength to reach; a route's source and target) and everything about it that is not a number is the
same. Angles take the shorter way round, logarithmic ranges equal ratios. What leaves fades by its
mix, a route by its low and high; its name gets a ~ where the new scene has another part of that
name, and loses it nowhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from livebend.core.ranges import eased
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.scene import edit, paths
from livebend.scene.paths import specs_of_bend, specs_of_route
from livebend.scene.values import LEAVING, Arrival, Bend, Part, Route, Scene

NUMBERS = ("sampling", "agc")  # groups that move over; prompt and noise cross in the renderer

P = TypeVar("P", Bend, Route)


class SceneMorph:
    """The way from the scene that was played to the one that was loaded, in the time of the show.

    Owned by the render thread. `begun` says that the last step was the first of a way, and
    `keeps_noise` that both its ends walk the same noise.
    """

    def __init__(self) -> None:
        self._arrival: Arrival | None = None
        self.begun = self.keeps_noise = False
        self._begin = 0.0
        self._origin: Scene | None = None
        self._shown: Scene | None = None

    def step(self, scene: Scene, time: float) -> tuple[Scene, float]:
        """Return the scene to play at `time`, and how far it is on its way, 0..1, eased."""
        self.begun = scene.arrival is not self._arrival
        if self.begun:
            was = self._shown if self._origin is None else None
            self.keeps_noise = was is not None and (was.seed, was.walk) == (scene.seed, scene.walk)
            self._arrival, self._begin, self._origin = scene.arrival, time, self._shown
        t = self._way(time)
        if self._origin is None or t >= 1.0:
            self._origin, self._shown = None, scene
            return scene, 1.0
        self._shown = blended(self._origin, scene, t)
        return self._shown, t

    def _way(self, time: float) -> float:
        if self._arrival is None:
            return 1.0
        u = min((time - self._begin) / self._arrival.seconds, 1.0)
        return eased(u)


def blended(old: Scene, new: Scene, t: float) -> Scene:
    """Return the scene at `t` (0..1) on the way from old to new, but for prompt and noise, which
    are the new one's. At 1 it is `new` and what has faded away."""
    bends, renamed = _merged(_audible(old.bends), _audible(new.bends), t, {})
    routes, _ = _merged(old.routes, new.routes, t, renamed)
    groups: dict[str, Any] = {
        name: _between(getattr(old, name), getattr(new, name), t) for name in NUMBERS
    }
    return replace(new, bends=bends, routes=routes, **groups)


def _audible(bends: tuple[Bend, ...]) -> tuple[Bend, ...]:
    """Say by mute what solo says, so that a solo in one scene does not silence the other."""
    any_solo = any(b.solo for b in bends)
    return tuple(replace(b, mute=b.mute or (any_solo and not b.solo), solo=False) for b in bends)


def _merged(
    old: tuple[P, ...], new: tuple[P, ...], t: float, gone: Mapping[str, str]
) -> tuple[tuple[P, ...], Mapping[str, str]]:
    """Merge two chains in an order that keeps that of both; return it, and the path of every part
    that leaves with its path from now on. `gone` are the bends that left, for routes."""
    paired = {a.name for a in old for b in new if _same(a, b, gone)}
    names = {p.name for p in (*old, *new)}
    leaving: dict[str, P] = {}
    for part in (p for p in old if p.name not in paired):
        name = part.name
        while name in names - {part.name} or name in {p.name for p in new}:
            name += LEAVING
        names.add(name)
        leaving[part.name] = replace(part, name=name)
    moved = dict(gone) | {_path(p, was): _path(p, p.name) for was, p in leaving.items()}
    merged: list[P] = []
    rest = list(old)
    for part in new:
        if part.name not in paired:
            merged.append(_faded(part, t))
            continue
        while rest and part.name in {p.name for p in rest}:
            first = rest.pop(0)
            if first.name == part.name:
                merged.append(_between(first, part, t))
            elif first.name in leaving:
                merged.append(_led(_faded(leaving.pop(first.name), 1.0 - t), moved))
    merged += [_led(_faded(p, 1.0 - t), moved) for p in leaving.values()]
    return tuple(merged), moved


def _path(part: Part, name: str) -> str:
    return f"{part.kind}.{name}."


def _led(part: P, moved: Mapping[str, str]) -> P:
    """Lead a leaving route to what it drove, under its new name."""
    if not isinstance(part, Route):
        return part
    for was, now in moved.items():
        if part.target.startswith(was):
            return replace(part, target=now + part.target.removeprefix(was))
    return part


def _same(a: P, b: P, gone: Mapping[str, str]) -> bool:
    if isinstance(a, Route) and any(a.target.startswith(path) for path in gone):
        return False
    if isinstance(a, Bend) and isinstance(b, Bend) and _kind(a) != _kind(b):
        return False
    specs = _specs(a)
    fixed = (name for name, spec in specs.items() if spec.kind != "float")
    return a.name == b.name and all(
        paths.value_of(a, n, specs[n]) == paths.value_of(b, n, specs[n]) for n in fixed
    )


def _kind(bend: Bend) -> tuple[str, bool]:
    return bend.operator, bend.strength > 0.0


def _specs(part: Part) -> Mapping[str, Spec]:
    return specs_of_bend(part) if isinstance(part, Bend) else specs_of_route()


def _faded(part: P, t: float) -> P:
    if isinstance(part, Bend):
        return replace(part, mix=part.mix * t)
    return replace(part, low=part.low * t, high=part.high * t)


G = TypeVar("G")


def _between(a: G, b: G, t: float) -> G:
    """Return b with every number `t` of the way from a's."""
    if isinstance(a, Bend) and isinstance(b, Bend):
        return cast(G, _bend_between(a, b, t))
    specs = specs_of(type(b))
    values: dict[str, Any] = {
        leaf: _number(spec, getattr(a, leaf), getattr(b, leaf), t) for leaf, spec in _moving(specs)
    }
    return replace(b, **values)  # type: ignore[type-var]


def _bend_between(a: Bend, b: Bend, t: float) -> Bend:
    values: dict[str, ParameterValue] = {
        leaf: _number(spec, paths.value_of(a, leaf, spec), paths.value_of(b, leaf, spec), t)
        for leaf, spec in _moving(specs_of_bend(b))
    }
    return edit.bend_with(b, values)


def _moving(specs: Mapping[str, Spec]) -> Sequence[tuple[str, Spec]]:
    return [(leaf, spec) for leaf, spec in specs.items() if spec.kind == "float"]


def _number(spec: Spec, a: object, b: object, t: float) -> float:
    first, last = cast(float, a), cast(float, b)
    if first == last:
        return last
    if spec.range is None:
        return first + t * (last - first)
    return spec.range.between(first, last, t)
