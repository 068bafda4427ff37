"""What a scene's routes are to do, worked out once and kept while nothing but values change."""

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
    """A route that acts. `place` is its own among the scene's routes. What it gave last is kept
    under `key`; one that leaves goes on from `origin`. `chance` is its share of a random source's
    seed. `circles`: its source comes round again, and so does its target.
    """

    place: int
    name: str
    source: SourceSpec
    key: Key
    origin: Key
    chance: int
    circles: bool


@dataclass(frozen=True, slots=True)
class Target:
    """A parameter that routes drive, its path as it is and taken apart, and those routes."""

    path: str
    kind: str
    name: str
    leaf: str
    spec: Spec
    is_split: bool
    routes: tuple[ActiveRoute, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """The routes that act together, in the scene's order, and all that they drive."""

    routes: tuple[ActiveRoute, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The passes over a scene's routes, those that drive other routes first.

    `structure` is what the plan depends on; `refused` says of a route why it is left out.
    """

    structure: Structure = ()
    passes: tuple[Pass, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


_bend = attrgetter("name", "operator", "site")
_route = attrgetter("name", "source", "target", "mute")


def structure(scene: Scene) -> Structure:
    """Return all of a scene that its plan depends on. It is asked for in every frame."""
    bends, routes = map(_bend, scene.bends), map(_route, scene.routes)
    return scene.sampling.depth, tuple(bends), tuple(routes)


def planned(scene: Scene) -> Plan:
    """Return the plan of a scene, the same for every scene of its structure.

    A route whose target is not there, or not a number, is left out and named in `refused`.
    """
    drives: list[int] = []
    others: list[int] = []
    for place, route in enumerate(scene.routes):
        if not route.mute:
            (drives if route.target.startswith("route.") else others).append(place)
    refused = dict(_refused(scene, (scene.routes[place] for place in (*drives, *others))))
    passes = [
        _pass(scene, [p for p in places if scene.routes[p].name not in refused])
        for places in (drives, others)
    ]
    return Plan(structure(scene), tuple(one for one in passes if one.routes), refused)


def _refused(scene: Scene, routes: Iterable[Route]) -> Iterable[tuple[str, str]]:
    for route in routes:
        try:
            if paths.find(scene, route.target).kind not in ("float", "int"):
                raise OutOfRange(f"route.{route.name}.target = {route.target!r}: expected a number")
        except (UnknownName, OutOfRange) as fault:
            yield route.name, str(fault)


def _pass(scene: Scene, places: Iterable[int]) -> Pass:
    driving: dict[str, list[ActiveRoute]] = {}
    acting = []
    for place in places:
        route = scene.routes[place]
        acting.append(_active(place, route, paths.find(scene, route.target)))
        driving.setdefault(route.target, []).append(acting[-1])
    return Pass(tuple(acting), tuple(_target(scene, path, own) for path, own in driving.items()))


def _active(place: int, route: Route, target: Spec) -> ActiveRoute:
    source, own = SOURCES[route.source], own_name(route.name)
    circles = source.kind == "time" and target.range is not None and target.range.wraps
    key, origin = (route.name, route.source), (own, route.source)
    return ActiveRoute(place, route.name, source, key, origin, crc32(own.encode()), circles)


def _target(scene: Scene, path: str, acting: Iterable[ActiveRoute]) -> Target:
    return Target(
        path,
        *paths.split(path),
        paths.find(scene, path),
        paths.is_split(scene, path),
        tuple(acting),
    )
