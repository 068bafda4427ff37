"""Crossing from one scene to the next: what both have is interpolated, the rest fades out and in.

A part is in both scenes if its name, its kind (a bend's operator and site, and whether it has a
strength; a route's source and target) and everything else about it that is not a number are the
same. Angles take the shorter way round, logarithmic ranges move in equal ratios. A bend fades by
its mix, a route by its low and high; a part that fades out has ~ appended to its name if the new
scene has another part of that name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from livebend.core.ranges import eased
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.scene import edit, paths
from livebend.scene.paths import specs_of_bend, specs_of_part
from livebend.scene.show_values import Arrival
from livebend.scene.sides import MIDDLE
from livebend.scene.values import LEAVING, Bend, MixedPrompt, Part, Route, Scene

# Groups that are interpolated; the renderer crosses prompt and noise.
NUMBERS = ("sampling", "picture", "echo", "agc")

P = TypeVar("P", Bend, Route)


@dataclass(eq=False)
class SceneMorph:
    """The crossing from the scene that was played to the one that was loaded.

    Owned by the render thread. `begun`: the last call began a crossing; `keeps_noise`: both scenes
    of that have the same seed and walk.
    """

    begun: bool = False
    keeps_noise: bool = False
    _arrival: Arrival | None = None
    _begin: float = 0.0
    _seconds: float = 0.0
    _origin: Scene | None = None
    _shown: Scene | None = None

    def advance(self, scene: Scene, time: float, bpm: float = 0.0) -> tuple[Scene, float]:
        """Return the scene to play at `time` (s, rising), and t of its crossing, 0..1, eased.

        bpm: the tempo, 0 = not known: a crossing that is given in beats takes their time as it
            begins.
        """
        self.begun = scene.arrival is not self._arrival
        if self.begun:
            was = self._shown if self._origin is None else None
            self.keeps_noise = was is not None and (was.seed, was.walk) == (scene.seed, scene.walk)
            self._arrival, self._begin, self._origin = scene.arrival, time, self._shown
            if scene.arrival is not None:
                self._seconds = scene.arrival.seconds(bpm, scene.tempo.bar)
        t = self._eased_t(time)
        if self._origin is None or t >= 1.0:
            self._origin, self._shown = None, scene
            return scene, 1.0
        self._shown = blended(self._origin, scene, t)
        return self._shown, t

    def _eased_t(self, time: float) -> float:
        if self._arrival is None:
            return 1.0
        return eased(min((time - self._begin) / self._seconds, 1.0))


def blended(old: Scene, new: Scene, t: float) -> Scene:
    """Return the scene at t (0..1) between old and new. Prompt and noise are the new scene's; at 1
    it is `new` with faded-out parts of the old."""
    bends, renamed = _merged(_solo_as_mute(old.bends), _solo_as_mute(new.bends), t, {})
    routes, _ = _merged(old.routes, new.routes, t, renamed)
    groups: dict[str, Any] = {
        name: _between(getattr(old, name), getattr(new, name), t) for name in NUMBERS
    }
    before = {lora.name: lora for lora in old.loras}
    loras = tuple(_between(before.get(lora.name, lora), lora, t) for lora in new.loras)
    routes = tuple(route for route in routes if _drives_something(route, new))
    return replace(new, bends=bends, routes=routes, loras=loras, **groups)


def crossed(a: Scene, b: Scene, t: float) -> Scene:
    """Return the scene at t (0..1) between the two sides of a crossfader: as `blended`, but what is
    no number is that of the side that is nearer."""
    made = blended(a, b, t)
    if t > MIDDLE:
        return made
    groups: dict[str, Any] = {name: getattr(a, name) for name in ("title", "seed", *Scene.GROUPS)}
    numbers = {name: _between(getattr(made, name), groups[name], 0.0) for name in NUMBERS}
    return replace(made, **groups | numbers, mix=a.mix)


def _drives_something(route: Route, new: Scene) -> bool:
    """Whether the target of a route is there: the old scene's mixer is not, since prompts cross
    over as a whole."""
    kind, name, _ = paths.split(route.target)
    return kind != MixedPrompt.kind or any(mixed.name == name for mixed in new.mix)


def _solo_as_mute(bends: tuple[Bend, ...]) -> tuple[Bend, ...]:
    """Express solo as mute, so that a solo in one scene does not silence the other scene."""
    any_solo = any(b.solo for b in bends)
    return tuple(replace(b, mute=b.mute or (any_solo and not b.solo), solo=False) for b in bends)


def _merged(
    old: tuple[P, ...], new: tuple[P, ...], t: float, renamed: Mapping[str, str]
) -> tuple[tuple[P, ...], Mapping[str, str]]:
    """Merge two chains, keeping the order of both.

    renamed: old path -> new path of the parts that fade out; for routes, that of the bends.
    Returns (the chain, `renamed` with this chain's parts).
    """
    paired = {a.name for a in old for b in new if _is_same(a, b, renamed)}
    names = {p.name for p in (*old, *new)}
    leaving: dict[str, P] = {}
    for part in (p for p in old if p.name not in paired):
        name = part.name
        while name in names - {part.name} or name in {p.name for p in new}:
            name += LEAVING
        names.add(name)
        leaving[part.name] = replace(part, name=name)
    renamed = {**renamed, **{_path(p, was): _path(p, p.name) for was, p in leaving.items()}}
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
                merged.append(_retargeted(_faded(leaving.pop(first.name), 1.0 - t), renamed))
    merged += [_retargeted(_faded(p, 1.0 - t), renamed) for p in leaving.values()]
    return tuple(merged), renamed


def _path(part: Part, name: str) -> str:
    return f"{part.kind}.{name}."


def _retargeted(part: P, renamed: Mapping[str, str]) -> P:
    """Return a route with its target's new path where that was renamed; a bend as it is."""
    if not isinstance(part, Route):
        return part
    for was, now in renamed.items():
        if part.target.startswith(was):
            return replace(part, target=now + part.target.removeprefix(was))
    return part


def _is_same(a: P, b: P, renamed: Mapping[str, str]) -> bool:
    """Whether two parts can be interpolated; a route to a bend that fades out cannot."""
    if isinstance(a, Route) and any(a.target.startswith(path) for path in renamed):
        return False
    if isinstance(a, Bend) and isinstance(b, Bend) and _kind(a) != _kind(b):
        return False
    specs = specs_of_part(a)
    fixed = (name for name, spec in specs.items() if spec.kind != "float")
    return a.name == b.name and all(
        paths.value_of(a, n, specs[n]) == paths.value_of(b, n, specs[n]) for n in fixed
    )


def _kind(bend: Bend) -> tuple[str, bool]:
    return bend.operator, bend.strength > 0.0


def _faded(part: P, t: float) -> P:
    if isinstance(part, Bend):
        return replace(part, mix=part.mix * t)
    return replace(part, low=part.low * t, high=part.high * t)


G = TypeVar("G")


def _between(a: G, b: G, t: float) -> G:
    """Return b with every number at t between a's and its own."""
    if isinstance(a, Bend) and isinstance(b, Bend):
        return cast(G, _bend_between(a, b, t))
    values: dict[str, Any] = {
        leaf: _number(spec, getattr(a, leaf), getattr(b, leaf), t)
        for leaf, spec in _floats(specs_of(type(b)))
    }
    return replace(b, **values)  # type: ignore[type-var]


def _bend_between(a: Bend, b: Bend, t: float) -> Bend:
    values: dict[str, ParameterValue] = {
        leaf: _number(spec, paths.value_of(a, leaf, spec), paths.value_of(b, leaf, spec), t)
        for leaf, spec in _floats(specs_of_bend(b))
    }
    return edit.bend_with(b, values)


def _floats(specs: Mapping[str, Spec]) -> Sequence[tuple[str, Spec]]:
    return [(leaf, spec) for leaf, spec in specs.items() if spec.kind == "float"]


def _number(spec: Spec, a: object, b: object, t: float) -> float:
    first, last = cast(float, a), cast(float, b)
    if first == last:
        return last
    if spec.range is None:
        return first + t * (last - first)
    return spec.range.between(first, last, t)
