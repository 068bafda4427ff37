"""Scenes as the tables of a preset file: checked when read, without default values when written.

    {"title": "Dub", "prompt": {"text": "flames"},
     "bend": {"swirl": {"operator": "rotate", "site": "latent@0.8", "angle": 30.0,
                        "mask": {"kind": "disc", "x": 0.2}}},
     "route": {"kick": {"source": "low", "target": "bend.swirl.angle", "high": 90.0}}}

The prompts of the mixer stand in the prompt's table: {"prompt": {"mix": {"night": {"text": …}}}}.

A bend's own keys and its operator's stand side by side. Every error begins with the key's path.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, cast

from livebend.core.errors import OutOfRange, Refused, UnknownName, shown
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.core.texts import plain_text
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator
from livebend.scene import edit
from livebend.scene.paths import MASK, specs_of_bend, specs_without_name
from livebend.scene.values import Bend, Loop, Lora, MixedPrompt, Part, Route, Scene

Table = Mapping[str, object]
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "bend": ("operator", "site"), "route": ("source", "target"), "lora": (),
    "prompt.mix": ("text",), "loop": ("target", "points"),
}  # fmt: skip
KEYS = ("title", "about", "seed", *Scene.GROUPS, "bend", "route", "lora", "loop", "sweep")
INSIDE = {"prompt": "mix"}  # groups with the tables of parts inside
OTHER = "other"  # the side of the crossfader that is further from it, of a scene in a show


def scene_from(table: Table, title: str = "") -> Scene:
    """Return the scene that a table describes, checked; `title` is used where it has none.

    Raises: UnknownName, OutOfRange or Refused, with the path of the key.
    """
    _check_keys("", table, (*KEYS, OTHER))
    for kind in REQUIRED:
        edit.check_count(kind, len(_tables(table, kind)))
    groups = {name: _group(name, table.get(name, {})) for name in Scene.GROUPS}
    _text(table.get("about", ""), "about")
    seed = specs_of(Scene)["seed"]
    scene = Scene(
        title=_text(table.get("title", title), "title"),
        seed=cast(int, seed.check(table.get("seed", seed.default), "seed")),
        bends=tuple(bend_from(n, t) for n, t in _named(table, "bend")),
        routes=tuple(route_from(n, t) for n, t in _named(table, "route")),
        loras=tuple(_lora(n, t) for n, t in _named(table, "lora")),
        mix=tuple(mixed_from(n, t) for n, t in _named(table, "prompt.mix")),
        loops=tuple(loop_from(n, t) for n, t in _named(table, "loop")),
        **groups,
    )
    other = _table(table.get(OTHER, {}), OTHER)
    return edit.check(_beside(scene, other) if other else scene)


def _beside(scene: Scene, table: Table) -> Scene:
    """The scene with the one on the other side of its crossfader."""
    _check_keys(f"{OTHER}.", table, KEYS)
    other = scene_from(table)
    return replace(scene, other=replace(other, home=other, deck=1))


def bend_from(name: str, table: Table, *, fit: bool = False) -> Bend:
    """Return the bend that a table describes. `fit` clamps numbers, as for a live controller.

    Raises: UnknownName, OutOfRange, Refused.
    """
    where = _checked_path("bend", name, table)
    operator = _operator(_text(table["operator"], f"{where}.operator"), where)
    bend = Bend(name, operator.name, "")
    specs = specs_of_bend(bend)
    table = _flat(table, where)
    _check_keys(f"{where}.", table, ("operator", *specs))
    return edit.bend_with(bend, _checked(specs, table, where, fit))


def route_from(name: str, table: Table, *, fit: bool = False) -> Route:
    """Return the route that a table describes, as `bend_from`."""
    return Route(name, **_plain("route", Route, name, table, fit))


def mixed_from(name: str, table: Table, *, fit: bool = False) -> MixedPrompt:
    """Return the prompt of the mixer that a table describes, as `bend_from`."""
    return MixedPrompt(name, **_plain("prompt.mix", MixedPrompt, name, table, fit))


def loop_from(name: str, table: Table, *, fit: bool = False) -> Loop:
    """Return the loop that a table describes, as `bend_from`."""
    return Loop(name, **_plain("loop", Loop, name, table, fit))


def _lora(name: str, table: Table) -> Lora:
    return Lora(name, **_plain("lora", Lora, name, table, False))


def _plain(kind: str, made: type, name: str, table: Table, fit: bool) -> dict[str, Any]:
    """The checked values of a part that is not a bend."""
    where = _checked_path(kind, name, table)
    specs = specs_without_name(made)
    _check_keys(f"{where}.", table, specs)
    return _checked(specs, table, where, fit)


READERS: Mapping[str, Callable[..., Part]] = {
    "bend": bend_from, "route": route_from, "prompt.mix": mixed_from,
    "loop": loop_from,
}  # fmt: skip


def part_from(kind: str, name: str, table: Table, *, fit: bool = False) -> Part:
    """Return the part of a kind that a table describes, as `bend_from`."""
    return READERS[kind](name, table, fit=fit)


def table_of(scene: Scene) -> dict[str, Any]:
    """Return the scene as a table that `scene_from` reads back to an equal scene."""
    table: dict[str, Any] = {"title": scene.title, "seed": scene.seed}
    for name in Scene.GROUPS:
        if group := _changed(getattr(scene, name)):
            table[name] = group
    if scene.mix:
        mix = {mixed.name: part_table(mixed) for mixed in scene.mix}
        table["prompt"] = table.get("prompt", {}) | {"mix": mix}
    if scene.bends:
        table["bend"] = {bend.name: _nested(part_table(bend)) for bend in scene.bends}
    if scene.routes:
        table["route"] = {route.name: part_table(route) for route in scene.routes}
    if scene.loras:
        table["lora"] = {lora.name: _changed(lora) for lora in scene.loras}
    if scene.loops:
        table["loop"] = {loop.name: part_table(loop) for loop in scene.loops}
    if scene.other is not None:
        table[OTHER] = table_of(scene.other)
    return table


def part_table(part: Part) -> dict[str, Any]:
    """Return a part as a flat table, without its name and values at their default."""
    if isinstance(part, Route):
        return {"source": part.source, "target": part.target} | _changed(part)
    if isinstance(part, MixedPrompt):
        return {"text": part.text} | _changed(part)
    if isinstance(part, Loop):
        return {"target": part.target, "points": part.points} | _changed(part)
    required = {"operator": part.operator, "site": part.site}
    masked = {f"{MASK}{key}": value for key, value in part.mask.items()}
    return required | dict(part.values) | _changed(part) | masked


def _flat(table: Table, where: str) -> dict[str, object]:
    """Return a bend's table with {"mask": {"x": 1}} as {"mask.x": 1}."""
    inner = _table(table.get("mask", {}), f"{where}.mask")
    rest = {key: value for key, value in table.items() if key != "mask"}
    return rest | {f"{MASK}{key}": value for key, value in inner.items()}


def _nested(table: dict[str, Any]) -> dict[str, Any]:
    """Return a bend's flat table with {"mask.x": 1} as {"mask": {"x": 1}}."""
    inner = {k.removeprefix(MASK): v for k, v in table.items() if k.startswith(MASK)}
    rest = {key: value for key, value in table.items() if not key.startswith(MASK)}
    return rest | ({"mask": inner} if inner else {})


def _changed(part: object) -> dict[str, ParameterValue]:
    """Return the declared fields of a dataclass that are not at their default."""
    specs = specs_of(type(part))
    names = [f.name for f in fields(part) if f.name in specs and f.name != "name"]  # type: ignore[arg-type]
    values = ((name, cast(ParameterValue, getattr(part, name))) for name in names)
    return {name: value for name, value in values if value != specs[name].default}


def _group(name: str, given: object) -> Any:
    kind = type(getattr(Scene(), name))
    table = {k: v for k, v in _table(given, name).items() if k != INSIDE.get(name)}
    specs = specs_of(kind)
    _check_keys(f"{name}.", table, specs)
    return kind(**_checked(specs, table, name))


def _named(table: Table, kind: str) -> Iterable[tuple[str, Table]]:
    for name, given in _tables(table, kind).items():
        yield name, _table(given, f"{kind}.{name}")


def _tables(table: Table, kind: str) -> Table:
    """The tables of the parts of a kind, by their names."""
    head, _, inner = kind.partition(".")
    found = _table(table.get(head, {}), head)
    return _table(found.get(inner, {}), kind) if inner else found


def _checked(
    specs: Mapping[str, Spec], table: Table, where: str, fit: bool = False
) -> dict[str, ParameterValue]:
    given = {key: value for key, value in table.items() if key in specs}
    if fit:
        return {key: specs[key].fit(value, f"{where}.{key}") for key, value in given.items()}
    return {key: specs[key].check(value, f"{where}.{key}") for key, value in given.items()}


def _operator(name: str, where: str) -> Operator:
    if name not in all_operators():
        raise UnknownName(f"{where}.operator", name, all_operators())
    return all_operators()[name]


def _check_keys(where: str, table: Table, allowed: Iterable[str]) -> None:
    names = set(allowed)
    for key in table:
        if key not in names:
            raise UnknownName("key", f"{where}{key}", [f"{where}{name}" for name in names])


def _checked_path(kind: str, name: str, table: Table) -> str:
    """Return the path of a part. Raises: Refused for its name or a missing key."""
    edit.check_name(kind, name)
    where = f"{kind}.{name}"
    for key in REQUIRED[kind]:
        if key not in table:
            raise Refused(f"{where}: {key} is missing")
    return where


def _table(given: object, where: str) -> Table:
    if not isinstance(given, Mapping):
        raise OutOfRange(f"{where} = {shown(given)}: expected a table")
    return given


def _text(given: object, where: str) -> str:
    if not isinstance(given, str):
        raise OutOfRange(f"{where} = {shown(given)}: expected text")
    return plain_text(given, where)
