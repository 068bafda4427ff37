"""Paths: the name of every live parameter, its spec and its value in a scene.

One spelling everywhere: `prompt.text`, `walk.radius`, `bend.swirl.angle`, `route.kick.high`. A
preset file has the same tree, OSC the same names with slashes, the command line the same names
after --set.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import cast

from livebend import masks
from livebend.errors import OutOfRange, UnknownName
from livebend.operators import find_operator
from livebend.operators.registry import Function
from livebend.ranges import Range
from livebend.scene.values import Bend, Part, Route, Scene
from livebend.specs import Spec, Value, specs_of

MASK = "mask."  # before the name of a mask's parameter, within its bend
_MASKED = {f"{MASK}{name}": spec for name, spec in masks.SPECS.items()}


def specs_of_bend(bend: Bend) -> Mapping[str, Spec]:
    """Every parameter of a bend: its own, its operator's, and its mask's as mask.x and so on; kept
    and shared, to be read.

    An operator that is given what it made last has no strength: a factor on that would grow from
    frame to frame.
    """
    operator = find_operator(bend.operator)
    return _specs_with(operator.function, "past" not in operator.given)


@cache
def _specs_with(function: Function, has_strength: bool) -> Mapping[str, Spec]:
    names = ("name", "operator", "" if has_strength else "strength")
    own = {k: s for k, s in specs_of(Bend).items() if k not in names}
    return MappingProxyType({**own, **specs_of(function), **_MASKED})


@cache
def specs_of_route() -> Mapping[str, Spec]:
    """Every parameter of a route; kept and shared, to be read."""
    return MappingProxyType({k: s for k, s in specs_of(Route).items() if k != "name"})


def find(scene: Scene, path: str) -> Spec:
    """Return the spec of the parameter at `path`. Raises: UnknownName, with the nearest path."""
    head, _, rest = path.partition(".")
    name, _, leaf = rest.partition(".")
    specs: Mapping[str, Spec] = {}
    if head == "bend":
        specs = specs_of_bend(scene.bend(name))
    elif head == "route":
        scene.route(name)
        specs = specs_of_route()
    elif head in Scene.GROUPS and not leaf:
        specs, leaf = specs_of(type(getattr(scene, head))), rest
    elif not rest:
        specs, leaf = {"seed": specs_of(Scene)["seed"]}, head
    if leaf not in specs:
        raise UnknownName("parameter", path, [p for p, _ in paths(scene)])
    return specs[leaf]


def played(scene: Scene, path: str) -> Range:
    """Return the range that a fader of 0..1 goes over at `path`; for what a route adds, the width
    of its target's, both ways. Raises: UnknownName, OutOfRange where it is no number.
    """
    spec = find(scene, path)
    head, _, rest = path.partition(".")
    name, _, leaf = rest.partition(".")
    if spec.range is None:
        raise OutOfRange(f"{path}: no number, and a fader goes over numbers only")
    if head != "route" or leaf not in ("low", "high"):
        return spec.range.played
    aim = find(scene, scene.route(name).target).range
    if aim is None:
        return spec.range.played
    width = aim.played.high - aim.played.low
    return replace(spec.range, low=-width, high=width, unit=aim.unit)


def paths(scene: Scene) -> Iterator[tuple[str, Spec]]:
    """Yield (path, spec) of every live parameter of the scene, in reading order."""
    yield "seed", specs_of(Scene)["seed"]
    for group in Scene.GROUPS:
        for name, spec in specs_of(type(getattr(scene, group))).items():
            yield f"{group}.{name}", spec
    for bend in scene.bends:
        for name, spec in specs_of_bend(bend).items():
            yield f"bend.{bend.name}.{name}", spec
    for route in scene.routes:
        for name, spec in specs_of_route().items():
            yield f"route.{route.name}.{name}", spec


def get(scene: Scene, path: str) -> Value:
    """Return the value at `path`. Raises: UnknownName."""
    spec = find(scene, path)
    head, _, rest = path.partition(".")
    if not rest:
        return scene.seed
    if head in Scene.GROUPS:
        return cast(Value, getattr(getattr(scene, head), spec.name))
    name, _, leaf = rest.partition(".")
    part: Part = scene.bend(name) if head == "bend" else scene.route(name)
    return value_of(part, leaf, spec)


def value_of(part: Part, leaf: str, spec: Spec) -> Value:
    """Return a part's value of the parameter `leaf`, which has that spec."""
    if isinstance(part, Bend) and leaf.startswith(MASK):
        return part.mask.get(spec.name, spec.default)
    if isinstance(part, Bend) and leaf in find_operator(part.operator).specs:
        return part.values.get(leaf, spec.default)
    return cast(Value, getattr(part, leaf))


def is_shared(scene: Scene, path: str) -> bool:
    """Whether the parameter is an amount of which two steps get a share each (depth "split")."""
    head, _, rest = path.partition(".")
    name, _, leaf = rest.partition(".")
    if head != "bend" or scene.sampling.depth != "split":
        return False
    bend = scene.bend(name)
    return bend.site.startswith("latent@") and leaf in find_operator(bend.operator).amounts
