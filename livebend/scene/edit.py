"""A scene with another value or part in it, and the checks that may refuse one."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from livebend.core import limits
from livebend.core.channels import CLUSTER, check_channels
from livebend.core.errors import OutOfRange, Refused, UnknownName, shown
from livebend.core.sites import place
from livebend.core.specs import ParameterValue, specs_of
from livebend.operators.library import find_operator, mask_specs
from livebend.scene import loops, sides
from livebend.scene.copy import altered
from livebend.scene.paths import MASK, find, is_split, specs_of_bend, split
from livebend.scene.values import FIELDS, Bend, Loop, Lora, MixedPrompt, Part, Route, Scene


def put(scene: Scene, path: str, value: object, *, fit: bool = False) -> Scene:
    """Return the scene with `value` at `path`.

    A number out of range is clamped with `fit`, as for a live controller, and refused without.
    Raises: UnknownName, OutOfRange.
    """
    spec = find(scene, path)
    checked = spec.fit(value, path) if fit else spec.check(value, path)
    if path == sides.POSITION:
        return sides.moved(scene, float(checked))
    kind, name, leaf = split(path)
    changed = _with_grouped(scene, {kind: {name: {leaf: checked}}})
    if kind == "route":
        _check_target(changed, changed.route(name))
    elif kind == Loop.kind:
        _check_loop(changed, changed.loop(name))
    elif isinstance(checked, str):
        if kind == "bend":
            _check_where(changed.bend(name))
        _check_wraps(changed)
    return changed


def taken_over(scene: Scene, path: str) -> Scene:
    """Return the scene with the loop of a parameter muted: a hand plays it now."""
    if not any(loop.target == path and not loop.mute for loop in scene.loops):
        return scene
    muted = (altered(one, {"mute": True}) if one.target == path else one for one in scene.loops)
    return altered(scene, {"loops": tuple(muted)})


def with_prompt(scene: Scene, path: str, value: object) -> Scene:
    """Return the scene with the mixed prompt whose text `path` names, if it is not there yet.

    Raises: Refused for a name that it cannot have, OutOfRange for what is no text.
    """
    kind, name, leaf = split(path)
    if kind != MixedPrompt.kind or leaf != "text" or any(one.name == name for one in scene.mix):
        return scene
    check_name(kind, name)
    text = specs_of(MixedPrompt)["text"].check(value, path)
    return check(altered(scene, {"mix": (*scene.mix, MixedPrompt(name, str(text)))}))


def with_values(scene: Scene, values: Mapping[str, ParameterValue]) -> Scene:
    """Return the scene with values at their paths, all in range already: the same as `put` one
    after another, but each bend, route and group is copied only once."""
    if not values:
        return scene
    grouped: dict[str, dict[str, dict[str, ParameterValue]]] = {}
    for path, value in values.items():
        kind, name, leaf = split(path)
        grouped.setdefault(kind, {}).setdefault(name, {})[leaf] = value
    return _with_grouped(scene, grouped)


def _with_grouped(
    scene: Scene, grouped: Mapping[str, Mapping[str, Mapping[str, ParameterValue]]]
) -> Scene:
    """Return the scene with checked values, by kind, name and leaf as `paths.split` gives them."""
    changes: dict[str, Any] = {}
    for kind, owners in grouped.items():
        if kind in FIELDS:
            changes[FIELDS[kind]] = tuple(
                _part_with(p, owners[p.name]) if p.name in owners else p for p in scene.parts(kind)
            )
        elif kind:
            changes[kind] = altered(getattr(scene, kind), owners[""])
        else:
            changes.update(owners[""])
    return altered(scene, changes)


def _part_with(part: Part | Lora, values: Mapping[str, ParameterValue]) -> Part | Lora:
    return bend_with(part, values) if isinstance(part, Bend) else altered(part, values)


def bend_with(bend: Bend, values: Mapping[str, ParameterValue]) -> Bend:
    """Return the bend with checked values of its parameters, by name."""
    operator_specs = find_operator(bend.operator).specs
    own: dict[str, Any] = {}
    of_operator, of_mask = {}, {}
    for leaf, value in values.items():
        if leaf.startswith(MASK):
            of_mask[leaf.removeprefix(MASK)] = value
        elif leaf in operator_specs:
            of_operator[leaf] = value
        else:
            own[leaf] = value
    if of_operator:
        own["values"] = {**bend.values, **of_operator}
    if of_mask:
        whole = {**bend.mask, **of_mask}
        own["mask"] = {k: v for k, v in whole.items() if v != mask_specs()[k].default}
    return altered(bend, own)


def main_at(bend: Bend, t: float) -> Bend:
    """Return the bend with its operator's main parameter at t: 0 = its default, 1 = the end of its
    soft range; an operator without a main parameter has the mix set to t."""
    values = find_operator(bend.operator).main_at(t)
    return bend_with(bend, values or {"mix": t})


def swap(scene: Scene, part: Part) -> Scene:
    """Return the scene with the part of that name replaced in its place, without the routes and
    loops of parameters that the new one does not have."""
    parts = (part if p.name == part.name else p for p in scene.parts(part.kind))
    changed = altered(scene, {FIELDS[part.kind]: tuple(parts)})
    if not isinstance(part, Bend):
        return changed
    prefix = f"bend.{part.name}."
    known = {f"{prefix}{leaf}" for leaf in specs_of_bend(part)}
    return without(changed, lambda path: path.startswith(prefix) and path not in known)


def without(scene: Scene, gone: Callable[[str], bool]) -> Scene:
    """Return the scene without the routes and loops of parameters that are gone, by their path."""
    routes = tuple(route for route in scene.routes if not gone(route.target))
    left = tuple(loop for loop in scene.loops if not gone(loop.target))
    return altered(scene, {"routes": routes, "loops": left})


NAME = re.compile(f"[a-z0-9_-]{{1,{limits.NAME}}}")
MOST = {
    "bend": limits.BENDS, "route": limits.ROUTES, "lora": limits.LORAS, "prompt.mix": limits.MIXED,
    "loop": limits.LOOPS,
}  # fmt: skip
NOUNS = {"prompt.mix": "mixed prompt"}  # for a kind, where it is no word


def check_name(kind: str, name: str) -> None:
    """Refuse a name that cannot be a segment of a path, an OSC address and a preset's key."""
    if not NAME.fullmatch(name):
        what = f"{NOUNS.get(kind, kind)} name {shown(name)}"
        raise Refused(f"{what}: expected up to {limits.NAME} of a-z, 0-9, - and _")


def check_count(kind: str, count: int) -> None:
    """Raises: Refused for more parts of a kind than a scene may have."""
    if count > MOST[kind]:
        raise Refused(f"{count} {NOUNS.get(kind, kind)}s: expected up to {MOST[kind]}")


def check(scene: Scene) -> Scene:
    """Return the scene if every part of it can be played by some network.

    Raises: UnknownName for an operator, OutOfRange for a route's target that is not a number or
    for channels, Refused for too many parts, a target that does not exist, a name used twice or an
    invalid name or site.
    """
    for kind in FIELDS:
        parts = scene.parts(kind)
        check_count(kind, len(parts))
        names = set[str]()
        for part in parts:
            check_name(part.kind, part.name)
            if part.name in names:
                raise Refused(f"the name {part.name!r} is used twice")
            names.add(part.name)
    for bend in scene.bends:
        specs_of_bend(bend)
        _check_where(bend)
    for route in scene.routes:
        _check_target(scene, route)
    for loop in scene.loops:
        _check_loop(scene, loop)
    return scene


def with_loras(scene: Scene, loras: Iterable[Lora]) -> Scene:
    """Return the scene with the LoRAs of a show: as it has them, else at their first strength.

    Raises: Refused for one that acts in the scene and is not in the show.
    """
    own = {lora.name: lora for lora in scene.loras}
    made = tuple(
        altered(own.pop(lora.name), {"first": lora.first})
        if lora.name in own
        else Lora(lora.name, lora.first if lora.first is not None else 1.0, first=lora.first)
        for lora in loras
    )
    for lora in own.values():
        if lora.acts_in(scene):
            here = ", ".join(one.name for one in made) or "none"
            raise Refused(f"lora.{lora.name} is not loaded: --lora FILE; loaded: {here}")
    return altered(scene, {"loras": made})


def _check_where(bend: Bend) -> None:
    """Refuse a site or channels that are none in any network; clusters are of one network."""
    place(bend.site)
    if not bend.channels.startswith(CLUSTER):
        check_channels(bend.channels)


def _check_target(scene: Scene, route: Route) -> None:
    where = f"route.{route.name}.target = {shown(route.target)}"
    try:
        spec = find(scene, route.target)
    except UnknownName as why:
        raise Refused(f"{where}: {why}") from None
    if spec.kind not in ("float", "int"):
        raise OutOfRange(f"{where}: expected a number's path")
    if route.edge == "wrap" and is_split(scene, route.target):
        raise Refused(
            f"route.{route.name}.edge = 'wrap': while sampling.depth is split, a fraction of"
            f" {route.target} would jump where it wraps; expected fit, clip or fold"
        )


def _check_loop(scene: Scene, loop: Loop) -> None:
    where = f"loop.{loop.name}"
    try:
        loops.playable(scene, loop.target)
    except UnknownName as why:
        raise Refused(f"{where}.target = {shown(loop.target)}: {why}") from None
    try:
        loops.points_of(loop.points)
    except OutOfRange as why:
        raise OutOfRange(f"{where}.{why}") from None


def _check_wraps(scene: Scene) -> None:
    """Refuse a change of text, such as sampling.depth = split, under which a route may not wrap."""
    for route in scene.routes:
        if route.edge == "wrap":
            _check_target(scene, route)
