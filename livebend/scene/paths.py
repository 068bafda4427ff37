"""Paths: the name of every live parameter, its spec and its value in a scene.

Spelled the same everywhere: `prompt.text`, `walk.radius`, `bend.swirl.angle`, `route.kick.high`. A
preset file is the same tree, OSC has slashes for dots, the command line takes paths after --set.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType

from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.ranges import Range
from livebend.core.sites import has_depth
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.operators.library import find_operator, mask_specs
from livebend.operators.registry import Function
from livebend.scene.values import FIELDS, Bend, Lora, Owner, Part, Scene

MASK = "mask."  # prefix of the names of a mask's parameters within its bend
PREFIXES = {kind: f"{kind}." for kind in FIELDS}  # of the paths of parts


def specs_of_bend(bend: Bend) -> Mapping[str, Spec]:
    """Return every parameter of a bend: its own, its operator's, and its mask's as mask.x etc.

    An operator with feedback has no strength: scaling its output would compound every frame.
    """
    return _specs_with(bend.operator, find_operator(bend.operator).function)


@cache
def _specs_with(operator: str, function: Function) -> Mapping[str, Spec]:
    """Cached by the function as well: another operator may be registered under the same name."""
    has_strength = "past" not in find_operator(operator).given
    names = ("name", "operator", "" if has_strength else "strength")
    own = {k: s for k, s in specs_of(Bend).items() if k not in names}
    masked = {f"{MASK}{k}": s for k, s in mask_specs().items()}
    return MappingProxyType({**own, **specs_of(function), **masked})


def specs_without_name(kind: type) -> Mapping[str, Spec]:
    """Return every parameter of a route, a LoRA or a mixed prompt."""
    return _without_name(kind)


@cache
def _without_name(kind: type) -> Mapping[str, Spec]:
    return MappingProxyType({k: s for k, s in specs_of(kind).items() if k != "name"})


def specs_of_part(part: Part | Lora) -> Mapping[str, Spec]:
    """Return every parameter of a part of a scene."""
    return specs_of_bend(part) if isinstance(part, Bend) else specs_without_name(type(part))


@cache
def _specs_of_scene() -> Mapping[str, Spec]:
    return MappingProxyType({"seed": specs_of(Scene)["seed"]})


@lru_cache(maxsize=1024)  # controllers and routes name the same few paths in every frame
def split(path: str) -> tuple[str, str, str]:
    """Split a path into (kind, name, leaf).

    kind: bend, route, lora, prompt.mix, a group, or "" for the scene itself.
    name: of that bend, route, LoRA or mixed prompt, else "".
    leaf: the parameter's own name, such as `angle` or `mask.size`.

    >>> split("bend.swirl.mask.size"), split("walk.radius"), split("seed")
    (('bend', 'swirl', 'mask.size'), ('walk', '', 'radius'), ('', '', 'seed'))
    """
    for kind, prefix in PREFIXES.items():
        if path.startswith(prefix):
            name, _, leaf = path.removeprefix(prefix).partition(".")
            return kind, name, leaf
    head, _, rest = path.partition(".")
    if head in Scene.GROUPS:
        return head, "", rest
    return "", "", path if rest else head


def owner_of(scene: Scene, kind: str, name: str) -> Owner:
    """Return what has the parameter of a path that was split. Raises: UnknownName."""
    if kind in FIELDS:
        return scene.part(kind, name)
    owner: Owner = getattr(scene, kind) if kind else scene
    return owner


def find(scene: Scene, path: str) -> Spec:
    """Return the spec of the parameter at `path`. Raises: UnknownName, with the nearest path."""
    kind, name, leaf = split(path)
    if kind in FIELDS:
        specs = specs_of_part(scene.part(kind, name))
    else:
        specs = specs_of(type(getattr(scene, kind))) if kind else _specs_of_scene()
    if leaf not in specs:
        raise UnknownName("parameter", path, [p for p, _ in every(scene)])
    return specs[leaf]


def soft_range(scene: Scene, path: str) -> Range:
    """Return the soft range of the parameter at `path`, which a fader covers; for a route's low and
    high, ± the width of its target's. Raises: UnknownName, OutOfRange where it is no number.
    """
    spec = find(scene, path)
    kind, name, leaf = split(path)
    if spec.range is None:
        raise OutOfRange(f"{path}: no number, and a fader goes over numbers only")
    if kind != "route" or leaf not in ("low", "high"):
        return spec.range.soft_range
    target = find(scene, scene.route(name).target).range
    if target is None:
        return spec.range.soft_range
    width = target.soft_range.high - target.soft_range.low
    return replace(spec.range, low=-width, high=width, unit=target.unit)


def every(scene: Scene) -> Iterator[tuple[str, Spec]]:
    """Yield (path, spec) of every live parameter of the scene, in the order of a preset file."""
    yield from _specs_of_scene().items()
    for group in Scene.GROUPS:
        for name, spec in specs_of(type(getattr(scene, group))).items():
            yield f"{group}.{name}", spec
    for kind in FIELDS:
        for part in scene.parts(kind):
            for name, spec in specs_of_part(part).items():
                yield f"{kind}.{part.name}.{name}", spec


def get(scene: Scene, path: str) -> ParameterValue:
    """Return the value at `path`. Raises: UnknownName."""
    spec = find(scene, path)
    kind, name, leaf = split(path)
    return value_of(owner_of(scene, kind, name), leaf, spec)


def value_of(owner: Owner, leaf: str, spec: Spec) -> ParameterValue:
    """Return the value of an owner's parameter `leaf`, whose spec is known."""
    if isinstance(owner, Bend):
        if leaf.startswith(MASK):
            return owner.mask.get(spec.name, spec.default)
        if leaf in find_operator(owner.operator).specs:
            return owner.values.get(leaf, spec.default)
    value: ParameterValue = getattr(owner, leaf)
    return value


def is_split(scene: Scene, path: str) -> bool:
    """Whether the parameter is an amount divided between two steps (sampling.depth = split)."""
    kind, name, leaf = split(path)
    if kind != "bend" or scene.sampling.depth != "split":
        return False
    bend = scene.bend(name)
    return has_depth(bend.site) and leaf in find_operator(bend.operator).amounts
