"""Changes: a scene with another value or part in it, and what can be refused about one."""

import re
from collections.abc import Mapping
from typing import Any

from livebend.core.errors import OutOfRange, Refused, UnknownName
from livebend.core.specs import ParameterValue
from livebend.operators.library import find_operator, mask_specs
from livebend.scene.copy import altered
from livebend.scene.paths import MASK, find, is_split, specs_of_bend, split
from livebend.scene.values import Bend, Part, Route, Scene


def put(scene: Scene, path: str, value: object, *, fit: bool = False) -> Scene:
    """Return the scene with `value` at `path`.

    `fit` brings a number that is out of range inside, as a live control wants; without it such a
    number is refused. Raises: UnknownName, OutOfRange.
    """
    spec = find(scene, path)
    checked = spec.fit(value, path) if fit else spec.check(value, path)
    kind, name, leaf = split(path)
    changed = _with(scene, {kind: {name: {leaf: checked}}})
    if kind == "route":
        _check_target(changed, changed.route(name))
    elif isinstance(checked, str):
        _check_wraps(changed)
    return changed


def with_values(scene: Scene, values: Mapping[str, ParameterValue]) -> Scene:
    """Return the scene with values at their paths, all of them fitted already: as `put` would one
    after another, but everything that they have in common is made anew only once."""
    if not values:
        return scene
    made: dict[str, dict[str, dict[str, ParameterValue]]] = {}
    for path, value in values.items():
        kind, name, leaf = split(path)
        made.setdefault(kind, {}).setdefault(name, {})[leaf] = value
    return _with(scene, made)


def _with(scene: Scene, made: Mapping[str, Mapping[str, Mapping[str, ParameterValue]]]) -> Scene:
    """Return the scene with values, already checked, by what has them as `apart` says it."""
    changes: dict[str, Any] = {}
    for kind, owners in made.items():
        if kind == "bend":
            changes["bends"] = tuple(
                bend_with(b, owners[b.name]) if b.name in owners else b for b in scene.bends
            )
        elif kind == "route":
            changes["routes"] = tuple(
                altered(r, owners[r.name]) if r.name in owners else r for r in scene.routes
            )
        elif kind:
            changes[kind] = altered(getattr(scene, kind), owners[""])
        else:
            changes.update(owners[""])
    return altered(scene, changes)


def replaced(scene: Scene, name: str, value: object) -> Scene:
    """Return the scene with one field replaced."""
    return altered(scene, {name: value})


def bend_with(bend: Bend, values: Mapping[str, ParameterValue]) -> Bend:
    """Return the bend with values, already checked, of its parameters by name."""
    operator = find_operator(bend.operator).specs
    own: dict[str, Any] = {}
    amounts, shape = {}, {}
    for leaf, value in values.items():
        if leaf.startswith(MASK):
            shape[leaf.removeprefix(MASK)] = value
        elif leaf in operator:
            amounts[leaf] = value
        else:
            own[leaf] = value
    if amounts:
        own["values"] = {**bend.values, **amounts}
    if shape:
        whole = {**bend.mask, **shape}
        own["mask"] = {k: v for k, v in whole.items() if v != mask_specs()[k].default}
    return altered(bend, own)


def main_at(bend: Bend, t: float) -> Bend:
    """Return the bend with its operator's main parameter at t (0..1) of the way from its default to
    the end of its soft range, or with its mix there where it has none."""
    values = find_operator(bend.operator).main_at(t)
    return bend_with(bend, values or {"mix": t})


def parts_of(scene: Scene, part: Part) -> tuple[str, tuple[Part, ...]]:
    """Return the field that holds parts of this kind, and what it holds."""
    return (f"{part.kind}s", scene.bends if isinstance(part, Bend) else scene.routes)


def swap(scene: Scene, part: Part) -> Scene:
    """Return the scene with the part of that name replaced in its place."""
    name, parts = parts_of(scene, part)
    return replaced(scene, name, tuple(part if p.name == part.name else p for p in parts))


NAME = re.compile(r"[a-z0-9_-]{1,64}")


def check_name(kind: str, name: str) -> None:
    """Refuse what cannot be one step of a path, an OSC address and a preset's key alike."""
    if not NAME.fullmatch(name):
        raise Refused(f"{kind} name {name[:80]!r}: expected up to 64 of a-z, 0-9, - and _")


def check(scene: Scene) -> Scene:
    """Return the scene if every part of it can be played.

    Raises: UnknownName for an operator, OutOfRange for a route's target that is not a number,
    Refused for a target that is not there, a name used twice or a name that is not one.
    """
    for parts in (scene.bends, scene.routes):
        names = [part.name for part in parts]
        for part in parts:
            check_name(part.kind, part.name)
        if twice := next((n for n in names if names.count(n) > 1), None):
            raise Refused(f"the name {twice!r} is used twice")
    for bend in scene.bends:
        specs_of_bend(bend)
    for route in scene.routes:
        _check_target(scene, route)
    return scene


def _check_target(scene: Scene, route: Route) -> None:
    where = f"route.{route.name}.target = {route.target!r}"
    try:
        spec = find(scene, route.target)
    except UnknownName as why:
        raise Refused(f"{where}: {why}") from None
    if spec.kind not in ("float", "int"):
        raise OutOfRange(f"{where}: expected a number's path")
    if route.edge == "wrap" and is_split(scene, route.target):
        raise Refused(
            f"route.{route.name}.edge = 'wrap': while sampling.depth is split, a share of"
            f" {route.target} would jump where it wraps; expected fit, clip or fold"
        )


def _check_wraps(scene: Scene) -> None:
    """Refuse what leaves a route that wraps a target it may not drive, as a new name may."""
    for route in scene.routes:
        if route.edge == "wrap":
            _check_target(scene, route)


def without_loose_routes(scene: Scene, part: Part) -> Scene:
    """Return the scene without the routes into `part`, a bend, that drive what it lacks."""
    if not isinstance(part, Bend):
        return scene
    known = {f"bend.{part.name}.{name}" for name in specs_of_bend(part)}
    prefix = f"bend.{part.name}."
    kept = (r for r in scene.routes if not r.target.startswith(prefix) or r.target in known)
    return replaced(scene, "routes", tuple(kept))
