"""Where in the picture a bend acts: masks m of 0..1, applied as y = x + m(p)·(y − x).

    @mask
    def disc(p: Plane, *, x: X = 0.0, y: Y = 0.0, size: Size = 0.5, ...) -> Tensor:
        ...

A kind of mask is one decorated function; its keyword-only parameters become the live parameters
`bend.NAME.mask.x` and so on. Every bend has the parameters of all kinds, so that changing the kind
during a show loses nothing: a kind reads those that it declares, and two kinds use one where they
can. Places are −1..1 along the longer side of the picture, 0 in the middle; the mask of a small
site is that of the picture at lower resolution. Between 0 and 1 the bend acts in part.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from livebend.core.ranges import Degrees, Range, Unit, eased
from livebend.core.specs import ParameterValue, Spec, specs_of
from livebend.device.transfer import send
from livebend.flow import TracedFeature
from livebend.operators.coordinates import plane
from livebend.operators.random_draws import CloudSize, Draw, Roll, cloudy

X = Annotated[
    float, Range(-2, 2, soft=(-1, 1)), "place of its middle to the right, -1..1 = the longer side"
]
Y = Annotated[float, Range(-2, 2, soft=(-1, 1)), "place of its middle downwards"]
Size = Annotated[float, Range(0, 4, soft=(0, 1.5)), "from side to side, 1 = the longer side"]
Aspect = Annotated[
    float, Range(0.1, 10, curve="log", soft=(0.25, 4)), "width for a height of 1, at the same area"
]
Angle = Annotated[Degrees, "turns the mask, clockwise"]
Softness = Annotated[float, Range(0, 2, soft=(0, 1)), "width of its edge, 2 = the longer side"]
Zoom = Annotated[
    float,
    Range(0.1, 10, curve="log", soft=(0.25, 4)),
    "size of a drawn mask, 1 = the whole picture",
]
Cover = Annotated[Unit, "part of the picture that clouds cover"]
Picture = Annotated[str, "name of a drawn mask, NAME.png in a folder masks"]
Listen = Annotated[TracedFeature, "what runs down the picture"]
Span = Annotated[float, Range(0.1, 30, "s", soft=(0.5, 8)), "how long it takes from edge to edge"]


@dataclass(frozen=True, slots=True)
class Plane:
    """What a mask is made from."""

    u: Tensor  # [1, W], to the right
    v: Tensor  # [H, 1], downwards
    drawn: Tensor | None = None  # [1, 1, H, W], a drawn mask, or the light of what comes in
    trace: tuple[float, ...] = ()  # TRACE_LENGTH values 0..1, a feature's recent history

    @property
    def pixel(self) -> float:
        """The side of one element: edges are at least as wide, so that a mask moves smoothly."""
        return 2.0 / max(self.u.shape[1], self.v.shape[0])

    def turned(self, x: float, y: float, angle: float) -> tuple[Tensor, Tensor]:
        """Return (a, b) [H, W]: right and down from (x, y) along axes turned clockwise."""
        theta = math.radians(math.fmod(angle, 360.0))
        c, s = math.cos(theta), math.sin(theta)
        u, v = self.u - x, self.v - y
        return c * u + s * v, c * v - s * u


Kind = Callable[..., Tensor]

_kinds: dict[str, Kind] = {}
KINDS: Mapping[str, Kind] = MappingProxyType(_kinds)


def mask(function: Kind) -> Kind:
    """Register the decorated function as a kind of mask under its own name."""
    _kinds[function.__name__] = function
    return function


@mask
def rectangle(
    p: Plane,
    *,
    x: X = 0.0,
    y: Y = 0.0,
    size: Size = 0.5,
    aspect: Aspect = 1.0,
    angle: Angle = 0.0,
    softness: Softness = 0.2,
) -> Tensor:
    """A rectangle."""
    a, b = p.turned(x, y, angle)
    right, down = _halves(size, aspect)
    inwards = torch.minimum(right - a.abs(), down - b.abs())
    return _shape(inwards, min(right, down), softness, p.pixel)


@mask
def disc(
    p: Plane,
    *,
    x: X = 0.0,
    y: Y = 0.0,
    size: Size = 0.5,
    aspect: Aspect = 1.0,
    angle: Angle = 0.0,
    softness: Softness = 0.2,
) -> Tensor:
    """A disc or an ellipse."""
    a, b = p.turned(x, y, angle)
    right, down = _halves(size, aspect)
    inwards = (1.0 - torch.hypot(a / right, b / down)) * min(right, down)
    return _shape(inwards, min(right, down), softness, p.pixel)


@mask
def gradient(
    p: Plane, *, x: X = 0.0, y: Y = 0.0, angle: Angle = 0.0, softness: Softness = 0.2
) -> Tensor:
    """A ramp from 0 to 1, to the right until it is turned; softness 2 fills the picture."""
    a, _ = p.turned(x, y, angle)
    return (0.5 + a / max(softness, p.pixel)).clamp(0.0, 1.0)


@mask
def clouds(
    p: Plane,
    *,
    x: X = 0.0,
    y: Y = 0.0,
    angle: Angle = 0.0,
    softness: Softness = 0.2,
    grain: CloudSize = 0.3,
    cover: Cover = 0.5,
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Random patches with smooth edges, held still by their seed."""
    f = cloudy(*p.turned(x, y, angle), seed, roll, grain, 0.0)
    level = NormalDist().inv_cdf(min(max(1.0 - cover, 1e-6), 1.0 - 1e-6))
    return _edge(f - level, max(4.0 * softness, 0.2))  # in deviations of the field


@mask
def picture(
    p: Plane,
    *,
    x: X = 0.0,
    y: Y = 0.0,
    angle: Angle = 0.0,
    zoom: Zoom = 1.0,
    picture: Picture = "",  # noqa: ARG001 - loaded beforehand, see livebend.operators.drawn_masks
) -> Tensor:
    """What was drawn in a PNG file: white = bent, black or transparent = untouched."""
    assert p.drawn is not None
    a, b = p.turned(x, y, angle)
    H, W = a.shape
    longer = max(H, W)
    grid = torch.stack((a * (longer / W / zoom), b * (longer / H / zoom)), -1)[None]
    found = F.grid_sample(p.drawn, grid, "bilinear", padding_mode="zeros", align_corners=False)
    return found[0, 0].clamp(0.0, 1.0)


@mask
def scanline(
    p: Plane,
    *,
    angle: Angle = 0.0,
    listen: Listen = "rms",  # noqa: ARG001 - read beforehand, see livebend.modulation.feature_history
    span: Span = 4.0,  # noqa: ARG001
) -> Tensor:
    """The recent history of the sound, running down the picture until it is turned."""
    _, b = p.turned(0.0, 0.0, angle)
    heard = send(torch.tensor(p.trace, dtype=b.dtype), b.device)
    position = (0.5 * (b + 1.0)).clamp(0.0, 1.0) * (len(p.trace) - 1)
    first = position.floor().clamp_max(len(p.trace) - 2)
    before, after = heard[first.long()], heard[first.long() + 1]
    return torch.lerp(before, after, position - first)


@mask
def incoming(p: Plane) -> Tensor:
    """The brightness of the picture that comes in, in its place in the frame; none acts nowhere."""
    if p.drawn is None:
        return torch.zeros_like(p.u + p.v)
    return p.drawn[0, 0].clamp(0.0, 1.0)


def _halves(size: float, aspect: float) -> tuple[float, float]:
    """Half the width and half the height."""
    return max(size * math.sqrt(aspect), 1e-6), max(size / math.sqrt(aspect), 1e-6)


def _shape(inwards: Tensor, half: float, softness: float, pixel: float) -> Tensor:
    """A shape with an edge; one thinner than its edge fades out as it shrinks."""
    width = max(softness, pixel)
    return _edge(inwards, width) * min(1.0, 2.0 * half / width)


def _edge(inwards: Tensor, width: float) -> Tensor:
    """From 0 to 1 over an edge of that width, 1/2 in its middle."""
    return eased((0.5 + inwards / width).clamp(0.0, 1.0))


# ---- parameters ------------------------------------------------------------------------------


def brightness(image: Tensor) -> Tensor:
    """Return the light [1, 1, H, W], 0..1, of a picture [1, 3, H, W], −1..1, by Rec. 709."""
    red, green, blue = (image.float() * 0.5 + 0.5).unbind(1)
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue)[:, None]


def _every_spec() -> Mapping[str, Spec]:
    """The parameters of all kinds. A name means the same in every kind that uses it."""
    kind = Spec("kind", "choice", "none", None, ("none", *KINDS), "where in the picture it acts")
    invert = Spec("invert", "float", 0.0, Range(0, 1), (), "1 = acts where it did not")
    found = {"kind": kind, "invert": invert}
    for name, function in KINDS.items():
        for spec in specs_of(function).values():
            if found.setdefault(spec.name, spec) != spec:
                raise ValueError(f"mask {name}: {spec.name} has another meaning elsewhere")
    return MappingProxyType(found)


SPECS = _every_spec()


def settings(values: Mapping[str, ParameterValue]) -> dict[str, ParameterValue] | None:
    """Return kind, invert and the parameters that the kind reads; None for no mask."""
    kind = values.get("kind", "none")
    if kind == "none":
        return None
    names = ("kind", "invert", *specs_of(KINDS[str(kind)]))
    return {name: values.get(name, SPECS[name].default) for name in names}


def build(
    chosen: Mapping[str, ParameterValue],
    size: tuple[int, int],
    device: torch.device,
    *,
    drawn: Tensor | None = None,
    trace: tuple[float, ...] = (),
) -> Tensor:
    """Return the mask [H, W], float32, 0..1.

    chosen: what `settings` returned.
    size: (H, W) of the site.
    drawn: [1, 1, h, w], for the kinds picture and incoming.
    trace: TRACE_LENGTH values 0..1, for scanline.
    """
    values = dict(chosen)
    kind, invert = KINDS[str(values.pop("kind"))], float(values.pop("invert"))
    if drawn is not None:
        drawn = send(F.interpolate(drawn, size, mode="bilinear", antialias=True), device)
    u, v = plane(*size, device, torch.float32)
    m = kind(Plane(u, v, drawn, trace), **values)
    return m if invert == 0.0 else m + invert * (1.0 - 2.0 * m)
