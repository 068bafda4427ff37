"""The scene: everything a performer wants, as one frozen value.

A path names every live parameter, one spelling everywhere: `prompt.text`, `walk.radius`,
`bend.swirl.angle`, `route.kick.high`. A preset file has the same tree, OSC the same names with
slashes, the command line the same names after --set.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal, TypeVar, cast

from livebend import masks
from livebend.errors import OutOfRange, Refused, UnknownName
from livebend.operators import find_operator
from livebend.ranges import Degrees, Gain, Range, Seconds, Seed, Unit
from livebend.specs import Spec, Value, specs_of

Source = Literal[
    "rms", "flux", "flux_raw", "centroid", "brightness", "low", "mid", "high", "pitch", "bpm",
    "beat.phase", "beat.pulse", "onset.pulse",
    "lfo.sine", "lfo.triangle", "lfo.saw", "lfo.square", "lfo.random",
    "constant", "show.progress",
    "paper.rms", "paper.flux", "paper.centroid",
]  # fmt: skip
Shape = Literal["linear", "square", "cube", "root", "smooth", "step", "inverse"]
Edge = Literal["fit", "clip", "wrap", "fold"]
Sampler = Literal["euler", "ddim", "lcm"]
DepthRule = Literal["nearest", "insert", "split"]
Normalise = Literal["auto", "none", "match", "match.channel"]
Units = Literal["sigma", "raw"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is painted: `text`, or the texts of `turns` one after another."""

    text: Annotated[str, "what is painted"] = ""
    turns: Annotated[str, "prompts in turn, with | between them; empty = text alone"] = ""
    turn: Annotated[float, Range(0, 64, "prompts"), "which of them comes first, 0 = the first"] = (
        0.0
    )
    every: Annotated[
        Seconds, "time for each; 0 = stay. A show with an end has them spread over it"
    ] = 20.0
    to: Annotated[str, "second prompt, reached at blend 1; empty = none"] = ""
    blend: Annotated[Unit, "place between the two prompts"] = 0.0
    fade: Annotated[Seconds, "time to cross from an old prompt to a new one"] = 1.0
    negative: Annotated[str, "what is kept away, where guidance is above 1"] = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """What `text` and `turns` name to be painted, in turn; never empty."""
        return turns_of(self.turns) or (self.text,)

    def now(self, time: float, progress: float | None) -> str:
        """The text whose turn it is at `time` in s; `progress` 0..1 is the place in a show that has
        an end, and None in one that has not."""
        texts = self.texts
        if progress is not None:
            place = min(progress * len(texts), len(texts) - 1)
        else:
            place = time / self.every if self.every else 0.0
        return texts[math.floor(self.turn + place) % len(texts)]


def turns_of(text: str) -> tuple[str, ...]:
    """The prompts in a text with | between them; one that is empty is left out."""
    return tuple(part.strip() for part in text.split("|") if part.strip())


@dataclass(frozen=True, slots=True)
class Walk:
    """The circular noise walk: x_T = n0 + radius (cos φ n1 + sin φ n2), φ once round a period."""

    radius: Annotated[float, Range(0, 4), "size of the circle, in deviations of the noise"] = 0.3
    period: Annotated[float, Range(0, 3600, "s"), "time once round; 0 = stand still"] = 20.0
    phase: Annotated[Degrees, "place on the circle at time 0"] = 0.0
    normalise: Annotated[bool, "divide by sqrt(1 + radius²), so that the noise keeps its size"] = (
        True
    )


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the network is run."""

    sampler: Annotated[Sampler, "euler for few steps, ddim for the paper's mode, lcm"] = "euler"
    steps: Annotated[int, Range(0, 50, whole=True), "network calls per frame; 0 = the model's"] = 0
    guidance: Annotated[float, Range(0, 30), "classifier-free guidance; 0 or 1 = off"] = 0.0
    depth: Annotated[DepthRule, "how a bend at latent@p finds its place; split is approximate"] = (
        "nearest"
    )


@dataclass(frozen=True, slots=True)
class Agc:
    """The automatic gain in front of every route that listens to a level."""

    window: Annotated[float, Range(1, 60, "s"), "how far back it looks"] = 15.0
    ceiling: Annotated[float, Range(1, 1000), "largest gain"] = 20.0
    gate: Annotated[float, Range(-90, 0, "dBFS"), "below this it is silence"] = -60.0
    on: Annotated[bool, "off = levels as they come"] = True


@dataclass(frozen=True, slots=True)
class Recall:
    """How a preset is loaded."""

    fade: Annotated[Seconds, "time to cross from one preset to the next; 0 = at once"] = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """That a scene was loaded, and takes over in so many seconds. Each is another one."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Bend:
    """One operator at one site. `values` are the operator's own parameters, `mask` those of its
    mask, by their names after `mask.`; what is at its default need not be there."""

    kind: ClassVar[str] = "bend"

    name: str
    operator: str
    site: Annotated[str, "where it acts, such as unet.mid, unet.mid#1 or latent@0.8"]
    values: Mapping[str, Value] = field(default_factory=dict)
    mask: Mapping[str, Value] = field(default_factory=dict, kw_only=True)
    channels: Annotated[
        str, "all, or 0-3, or 0,2, or random:0.25:7 (fraction, seed), or cluster:c0"
    ] = "all"
    mix: Annotated[Unit, "0 = untouched, 1 = fully bent"] = 1.0
    strength: Annotated[
        float, Range(0, 2), "the d = ‖y − x‖/‖x‖ to reach at mix 1 without a mask; 0 = as it comes"
    ] = 0.0
    normalise: Annotated[
        Normalise, "auto = match mean and deviation where the operator asks for it"
    ] = "auto"
    units: Annotated[Units, "sigma = amounts in deviations of the site; raw = as in the paper"] = (
        "sigma"
    )
    mute: Annotated[bool, "leave this bend out"] = False
    solo: Annotated[bool, "leave the bends that are not solo out"] = False


@dataclass(frozen=True, slots=True)
class Route:
    """From a source to a parameter: target = base + Σ routes, each low..high."""

    kind: ClassVar[str] = "route"

    name: str
    source: Annotated[Source, "what drives it"]
    target: Annotated[str, "path of the parameter it drives"]
    low: Annotated[float, Range(-1e6, 1e6), "added to the target at source 0"] = 0.0
    high: Annotated[float, Range(-1e6, 1e6), "added to the target at source 1"] = 1.0
    curve: Annotated[Shape, "shape between low and high"] = "linear"
    attack: Annotated[Seconds, "time constant upwards"] = 0.01
    release: Annotated[Seconds, "time constant downwards"] = 0.25
    rate: Annotated[float, Range(0, 50, "Hz"), "of an LFO"] = 0.1
    gain: Annotated[Gain, "factor on the source"] = 1.0
    edge: Annotated[Edge, "outside the target's range: fit = as the target does"] = "fit"
    slew: Annotated[
        float, Range(0, 1e6, "a second"), "fastest change, in the target's unit; 0 = no limit"
    ] = 0.0
    mute: Annotated[bool, "leave this route out"] = False


Part = Bend | Route
P = TypeVar("P", Bend, Route)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a performer wants. `home` is the scene as its preset gave it (panic returns
    there); `before` is the scene before the last structural command (undo returns there);
    `arrival` says how it takes over from the scene that was played; `loads` counts whole scenes
    loaded: after one, what frames leave behind begins anew."""

    title: str = ""
    seed: Annotated[Seed, "of the noise"] = 46
    prompt: Prompt = Prompt()
    walk: Walk = Walk()
    sampling: Sampling = Sampling()
    agc: Agc = Agc()
    preset: Recall = Recall()
    bends: tuple[Bend, ...] = ()
    routes: tuple[Route, ...] = ()
    home: "Scene | None" = field(default=None, compare=False, repr=False)
    before: "Scene | None" = field(default=None, compare=False, repr=False)
    arrival: Arrival | None = field(default=None, compare=False, repr=False)
    loads: int = field(default=0, compare=False, repr=False)

    GROUPS: ClassVar[tuple[str, ...]] = ("prompt", "walk", "sampling", "agc", "preset")

    def bend(self, name: str) -> Bend:
        """Return the bend of that name. Raises: UnknownName."""
        return _part(self.bends, "bend", name)

    def route(self, name: str) -> Route:
        """Return the route of that name. Raises: UnknownName."""
        return _part(self.routes, "route", name)


def _part(parts: tuple[P, ...], kind: str, name: str) -> P:
    for part in parts:
        if part.name == name:
            return part
    raise UnknownName(kind, name, [part.name for part in parts])


# ---- paths ---------------------------------------------------------------------------------

MASK = "mask."  # before the name of a mask's parameter, within its bend


def specs_of_bend(bend: Bend) -> dict[str, Spec]:
    """Every parameter of a bend: its own, its operator's, and its mask's as mask.x and so on.

    An operator that is given what it made last has no strength: a factor on that would grow from
    frame to frame.
    """
    operator = find_operator(bend.operator)
    without = ("name", "operator", *(["strength"] if "past" in operator.given else []))
    own = {k: s for k, s in specs_of(Bend).items() if k not in without}
    masked = {f"{MASK}{name}": spec for name, spec in masks.SPECS.items()}
    return own | dict(operator.specs) | masked


def specs_of_route() -> dict[str, Spec]:
    """Every parameter of a route."""
    return {k: s for k, s in specs_of(Route).items() if k != "name"}


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
        return _unwrapped(swap(scene, bend_with(scene.bend(name), leaf, checked)), checked)
    route = replace(scene.route(name), **{spec.name: checked})  # type: ignore[arg-type]
    _check_target(scene, route)
    return swap(scene, route)


def replaced(scene: Scene, name: str, value: object) -> Scene:
    """Return the scene with one field replaced."""
    return replace(scene, **{name: value})  # type: ignore[arg-type]


def bend_with(bend: Bend, leaf: str, value: Value) -> Bend:
    """Return the bend with a value, already checked, of its parameter `leaf`."""
    if leaf.startswith(MASK):
        shape = {**bend.mask, leaf.removeprefix(MASK): value}
        changed = {k: v for k, v in shape.items() if v != masks.SPECS[k].default}
        return replace(bend, mask=changed)
    if leaf in find_operator(bend.operator).specs:
        return replace(bend, values={**bend.values, leaf: value})
    return replace(bend, **{leaf: value})  # type: ignore[arg-type]


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


def is_shared(scene: Scene, path: str) -> bool:
    """Whether the parameter is an amount of which two steps get a share each (depth "split")."""
    head, _, rest = path.partition(".")
    name, _, leaf = rest.partition(".")
    if head != "bend" or scene.sampling.depth != "split":
        return False
    bend = scene.bend(name)
    return bend.site.startswith("latent@") and leaf in find_operator(bend.operator).amounts


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
