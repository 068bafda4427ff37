"""Which routes act, in which order and on what: kept while nothing but values change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from zlib import crc32

from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.specs import Spec
from livebend.modulation.sources import SOURCES, SourceSpec
from livebend.scene import paths
from livebend.scene.values import Route, Scene, own_name

Structure = tuple[object, ...]
Key = tuple[str, str]  # the names of a route and of its source


@dataclass(frozen=True, slots=True)
class ActiveRoute:
    """A route that acts.

    index: among the scene's routes.
    key: under which its last value is kept.
    origin: the key it had before it began to fade out, whose value it goes on from.
    seed: of its random source, combined with the scene's.
    circles: both its source and its target are periodic.
    """

    index: int
    name: str
    source: SourceSpec
    key: Key
    origin: Key
    seed: int
    circles: bool


@dataclass(frozen=True, slots=True)
class Target:
    """A parameter that routes drive: its path, whole and split, and those routes."""

    path: str
    kind: str
    name: str
    leaf: str
    spec: Spec
    is_split: bool
    routes: tuple[ActiveRoute, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """Routes that act together, in the scene's order, and the parameters they drive."""

    routes: tuple[ActiveRoute, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The passes over a scene's routes, those that drive other routes first.

    structure: what the plan depends on.
    refused: route -> why it is left out.
    """

    structure: Structure = ()
    passes: tuple[Pass, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


_name = attrgetter("name")
_bend = attrgetter("name", "operator", "site")
_route = attrgetter("name", "source", "target", "mute")


def structure(scene: Scene) -> Structure:
    """Return everything in a scene that its plan depends on; fast, since every frame needs it."""
    bends, routes = map(_bend, scene.bends), map(_route, scene.routes)
    loras, mix = map(_name, scene.loras), map(_name, scene.mix)
    return scene.sampling.depth, tuple(bends), tuple(routes), tuple(loras), tuple(mix)


def planned(scene: Scene) -> Plan:
    """Return the plan of a scene, the same for every scene with that structure.

    A route whose target does not exist or is not a number is left out and named in `refused`.
    """
    acting = [index for index, route in enumerate(scene.routes) if not route.mute]
    into_routes = [i for i in acting if scene.routes[i].target.startswith("route.")]
    others = [i for i in acting if i not in into_routes]
    refused = dict(_refused(scene, (scene.routes[i] for i in (*into_routes, *others))))
    passes = [
        _pass(scene, [i for i in indices if scene.routes[i].name not in refused])
        for indices in (into_routes, others)
    ]
    return Plan(structure(scene), tuple(p for p in passes if p.routes), refused)


def _refused(scene: Scene, routes: Iterable[Route]) -> Iterable[tuple[str, str]]:
    for route in routes:
        try:
            if paths.find(scene, route.target).kind not in ("float", "int"):
                raise OutOfRange(f"route.{route.name}.target = {route.target!r}: expected a number")
        except (UnknownName, OutOfRange) as fault:
            yield route.name, str(fault)


def _pass(scene: Scene, indices: Iterable[int]) -> Pass:
    by_target: dict[str, list[ActiveRoute]] = {}
    routes = []
    for index in indices:
        route = scene.routes[index]
        routes.append(_active(index, route, paths.find(scene, route.target)))
        by_target.setdefault(route.target, []).append(routes[-1])
    targets = (_target(scene, path, driving) for path, driving in by_target.items())
    return Pass(tuple(routes), tuple(targets))


def _active(index: int, route: Route, target: Spec) -> ActiveRoute:
    source, own = SOURCES[route.source], own_name(route.name)
    circles = source.kind == "time" and target.range is not None and target.range.wraps
    key, origin = (route.name, route.source), (own, route.source)
    return ActiveRoute(index, route.name, source, key, origin, crc32(own.encode()), circles)


def _target(scene: Scene, path: str, driving: Iterable[ActiveRoute]) -> Target:
    spec, is_split = paths.find(scene, path), paths.is_split(scene, path)
    return Target(path, *paths.split(path), spec, is_split, tuple(driving))
