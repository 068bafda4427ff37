"""Changes: a scene with another value or part in it, and what can be refused about one."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from livebend import masks
from livebend.errors import OutOfRange, Refused, UnknownName
from livebend.operators import find_operator
from livebend.scene.naming import MASK, find, is_shared, specs_of_bend
from livebend.scene.values import Bend, Part, Route, Scene
from livebend.specs import Value


def put(scene: Scene, path: str, value: object, *, fit: bool = False) -> Scene:
    """Return the scene with `value` at `path`.

    `fit` brings a number that is out of range inside, as a live control wants; without it such a
    number is refused. Raises: UnknownName, OutOfRange.
    """
    spec = find(scene, path)
    checked = spec.fit(value, path) if fit else spec.check(value, path)
    head, _, rest = path.partition(".")
    if not rest:
        return replace(scene, seed=cast(int, checked))
    if head in Scene.GROUPS:
        group = replace(getattr(scene, head), **{spec.name: checked})
        return _unwrapped(replaced(scene, head, group), checked)
    name, _, leaf = rest.partition(".")
    if head == "bend":
        bend = bend_with(scene.bend(name), {leaf: checked})
        return _unwrapped(swap(scene, bend), checked)
    route = replace(scene.route(name), **{spec.name: checked})  # type: ignore[arg-type]
    _check_target(scene, route)
    return swap(scene, route)


def moved(scene: Scene, numbers: Mapping[str, float]) -> Scene:
    """Return the scene with numbers at their paths, each brought inside its range: as `put` would
    one after another, and everything they share made anew only once. Raises: UnknownName."""
    if not numbers:
        return scene
    made: dict[str, dict[str, Any]] = {}  # by what has them: bend.swirl, walk; "" for the scene
    for path, number in numbers.items():
        head, _, leaf = path.partition(".")
        owner, leaf = (head, leaf) if leaf else ("", head)
        if head in ("bend", "route"):
            name, _, leaf = leaf.partition(".")
            owner = f"{head}.{name}"
        made.setdefault(owner, {})[leaf] = find(scene, path).fit(number, path)
    changes = made.pop("", {})
    for group in made.keys() & set(Scene.GROUPS):
        changes[group] = replace(getattr(scene, group), **made[group])
    for kind, parts in (("bend", scene.bends), ("route", scene.routes)):
        if any(owner.startswith(f"{kind}.") for owner in made):
            changes[f"{kind}s"] = tuple(
                _with(part, made.get(f"{kind}.{part.name}")) for part in parts
            )
    return replace(scene, **changes)


def _with(part: Part, values: dict[str, Any] | None) -> Part:
    if values is None:
        return part
    return bend_with(part, values) if isinstance(part, Bend) else replace(part, **values)


def replaced(scene: Scene, name: str, value: object) -> Scene:
    """Return the scene with one field replaced."""
    return replace(scene, **{name: value})  # type: ignore[arg-type]


def bend_with(bend: Bend, values: Mapping[str, Value]) -> Bend:
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
        own["mask"] = {k: v for k, v in whole.items() if v != masks.SPECS[k].default}
    return replace(bend, **own)


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
    if route.edge == "wrap" and is_shared(scene, route.target):
        raise Refused(
            f"route.{route.name}.edge = 'wrap': while sampling.depth is split, a share of"
            f" {route.target} would jump where it wraps; expected fit, clip or fold"
        )


def _unwrapped(scene: Scene, value: Value) -> Scene:
    """Return the scene if the value, just put, a name, leaves every route a target it may drive."""
    if isinstance(value, str):
        for route in scene.routes:
            if route.edge == "wrap":
                _check_target(scene, route)
    return scene


def without_loose_routes(scene: Scene, part: Part) -> Scene:
    """Return the scene without the routes into `part`, a bend, that drive what it lacks."""
    if not isinstance(part, Bend):
        return scene
    known = {f"bend.{part.name}.{name}" for name in specs_of_bend(part)}
    prefix = f"bend.{part.name}."
    kept = (r for r in scene.routes if not r.target.startswith(prefix) or r.target in known)
    return replace(scene, routes=tuple(kept))
