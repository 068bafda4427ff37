"""Animals: outlines in layers, placed by a pose."""

from __future__ import annotations

import numpy as np

from .canvas import (
    Array,
    Canvas,
    below,
    f32,
    inside,
    mix,
    paint,
    polygon,
    ramp,
    smoothstep,
    splat,
    turned,
)
from .noise import Noise
from .skies import disc, place

Pose = tuple[float, float, float, float, float]
"""Which way it looks −1..1, angle, size, x, y."""
Outline = list[tuple[float, float]]

WHITE, GREY, INK = f32([0.99, 0.98, 0.96]), f32([0.78, 0.8, 0.84]), f32([0.1, 0.1, 0.14])
RED, HORN = f32([0.85, 0.1, 0.1]), f32([0.35, 0.3, 0.22])
NECK: Outline = [(0.2, -0.05), (0.42, -0.16), (0.62, -0.13), (0.8, -0.2)]
NECK += [(0.82, -0.16), (0.64, -0.07), (0.44, -0.08), (0.24, 0.07)]
BEAK: Outline = [(0.8, -0.2), (1.02, -0.15), (0.81, -0.155)]
CAP: Outline = [(0.75, -0.2), (0.8, -0.225), (0.83, -0.19), (0.77, -0.18)]
BODY: Outline = [(0.26, -0.05), (0.28, 0.05), (0.1, 0.14), (-0.2, 0.1)]
BODY += [(-0.46, 0.05), (-0.2, -0.03), (0.05, -0.08)]
LEGS: Outline = [(-0.3, 0.06), (-0.98, 0.16), (-0.97, 0.19), (-0.28, 0.1)]


def facing(n: Noise, slot: str) -> float:
    """Read which way a thing looks, −1..1, turning smoothly through its narrow front."""
    s = n.normal(slot)
    return float(s / np.sqrt(s * s + 0.03))


def _placed(points: list[tuple[float, float]], pose: Pose) -> Array:
    """Flip, turn, scale and move an outline by (facing, angle, size, x, y)."""
    side, angle, size, x, y = pose
    p = f32(points) * f32([side, 1])
    cos, sin = np.cos(angle * side), np.sin(angle * side)
    return f32(p @ np.array([[cos, sin], [-sin, cos]]) * size + np.array([x, y]))


def crane(n: Noise, c: Canvas) -> Array:
    """Fly a crane past a red sun over misted hills."""
    sx, sy = 0.35 * np.tanh(n.normal("a")) * c.wide, -0.12 + 0.2 * np.tanh(n.normal("b"))
    sy = sy * c.tall
    d = disc(c, sx, sy)
    mist = n.field(1, c, 3.0, stretch=(2.0, 0.8))
    picture = ramp(
        0.42 + 0.33 * c.v + 0.07 * mist,
        ([0.55, 0.68, 0.74], [0.84, 0.87, 0.83], [0.97, 0.92, 0.82], [1, 0.97, 0.9]),
    )
    picture = mix(
        picture,
        ramp((c.y - sy + 0.5), ([0.93, 0.42, 0.2], [0.84, 0.12, 0.12])),
        inside(f32(d - 0.44), c, 3) * 0.92,
    )
    for i, (base, grey) in enumerate(((0.52, 0.62), (0.74, 0.4))):
        hill = base * c.tall + 0.09 * n.profile(2 * i, c, base / 2 + 0.5, 3.0)
        fade = np.clip((c.y - hill[None]) * 2.2, 0, 1)[..., None]
        picture = mix(
            picture,
            f32([0.5, 0.6, 0.64]) * grey * 1.5 * (1 - fade) + f32([0.95, 0.92, 0.86]) * fade,
            below(f32(hill), c),
        )
    x, y = place(n, c, 0.24)
    pose = (facing(n, "turn_cos"), 0.25 * np.tanh(n.normal("tilt")) - 0.15, 0.88, x, y)
    return _bird(n, c, picture, pose)


def _bird_parts(up: float) -> list[tuple[Outline, Array]]:
    """List the bird's outlines from back to front, its wing tips at the height `up` (negative)."""
    wing = [(0.16, -0.03), (0.1, up * 0.75), (-0.12, up * 1.1), (-0.5, up)]
    wing += [(-0.42, up * 0.55), (-0.24, 0.06)]
    tips = [(-0.12, up * 1.1), (-0.5, up), (-0.42, up * 0.55), (-0.3, up * 0.72)]
    far = [(0.14, -0.02), (0.26, up * 0.65), (0.22, up * 1.05), (0.0, up * 0.85), (-0.1, 0.02)]
    back = [(far, GREY), (LEGS, INK), (BODY, WHITE), (NECK, WHITE)]
    return [*back, (BEAK, HORN), (CAP, RED), (wing, WHITE), (tips, INK)]


def _bird(n: Noise, c: Canvas, picture: Array, pose: Pose) -> Array:
    """Lay the bird over a picture, with a soft shadow."""
    parts = _bird_parts(-0.66 - 0.3 * float(np.tanh(n.normal("bend"))))
    distances = [polygon(_placed(outline, pose), c) for outline, _ in parts]
    shadow = smoothstep(0.09, -0.03, f32(np.minimum.reduce(distances)))
    picture = picture * (1 - 0.25 * shadow[..., None])
    for (_, colour), distance in zip(parts, distances, strict=True):
        shade = 1 - 0.3 * smoothstep(-0.05, 0.0, distance) * (colour.mean() > 0.5)
        picture = mix(picture, colour * shade[..., None], inside(distance - 0.004, c, 1.8))
    return picture


def bass(n: Noise, c: Canvas) -> Array:
    """Hang a bass in shafts of light under water."""
    rays = n.field(0, c, 2.6, stretch=(6.0, 1.0))
    beam = np.clip(0.6 - 0.5 * c.v, 0, 1.2) * (0.5 + 0.28 * rays)
    picture = ramp(
        0.44 - 0.36 * c.v + 0.3 * (beam - 0.3),
        (
            [0.0, 0.05, 0.12],
            [0.01, 0.17, 0.3],
            [0.06, 0.42, 0.52],
            [0.5, 0.82, 0.8],
            [0.95, 1, 0.95],
        ),
    )
    x, y = place(n, c, 0.2)
    pose = (facing(n, "turn_cos"), 0.22 * np.tanh(n.normal("tilt")), 0.84, x, y)
    weed = 0.9 * c.tall - 0.18 * np.abs(np.sin(c.x[0] * 19 + 2 * n.profile(2, c, 0.9, 3.0))) ** 2
    picture = mix(picture, [0.0, 0.12, 0.12], below(f32(weed), c) * 0.85)
    picture = _fish(n, c, picture, pose)
    sx, sy, bright = n.sparks(c, 3, 1.9)
    bubbles = splat(sx, sy, np.minimum(bright, 0.8), c, 0.014)
    return picture + paint(bubbles * 0.7, [0.8, 1, 1])


def _fish_outline(belly: float) -> Outline:
    """Trace the body from the mouth over the back to the tail and home along the belly."""
    t = np.linspace(0, 1, 15)
    top = [(0.95 - 1.6 * s, -belly * np.sin(np.pi * s**0.72) ** 0.85) for s in t]
    under = [0.95 * belly * np.sin(np.pi * s**0.8) ** 0.9 + 0.02 for s in t[::-1]]
    return top + [(0.95 - 1.6 * s, y) for s, y in zip(t[::-1], under, strict=True)]


def _fins(belly: float, flap: float) -> list[Outline]:
    """List tail, back fin and belly fin."""
    tail = [(-0.5, -0.06), (-0.98, -0.36 + flap), (-0.86, flap), (-0.98, 0.34 + flap), (-0.5, 0.06)]
    back = [(0.36, -belly * 0.85), (0.22, -belly * 1.6), (-0.05, -belly * 1.4)]
    back += [(-0.12, -belly * 1.7), (-0.36, -0.14)]
    return [tail, back, [(-0.08, belly * 0.85), (-0.26, belly * 1.5), (-0.34, belly * 0.5)]]


def _skin(u: Array, v: Array) -> Array:
    """Paint scales, a dark stripe and a pale belly along the body's own coordinates."""
    scales = np.sin(u * 46 + np.sin(v * 46)) * np.sin(v * 46)
    stripe = np.exp(-(((v + 0.02 + 0.025 * np.sin(u * 26)) / 0.05) ** 2))
    back, side, belly = [0.2, 0.32, 0.08], [0.52, 0.56, 0.2], [0.86, 0.82, 0.55]
    tone = 0.52 + 1.15 * v + 0.055 * scales - 0.3 * stripe
    return ramp(tone, ([0.05, 0.1, 0.03], back, side, belly, [1, 0.98, 0.9]))


def _fish(n: Noise, c: Canvas, picture: Array, pose: Pose) -> Array:
    """Lay the fish over a picture."""
    side, angle, size, x, y = pose
    belly = 0.32 * (1 + 0.15 * float(np.tanh(n.normal("scale"))))
    u, v = turned(c.x - x, c.y - y, angle * side)
    u, v = u / size / (side if abs(side) > 0.2 else np.copysign(0.2, side)), v / size
    fins = ramp(0.45 + 0.2 * np.sin(u * 60 + v * 25), ([0.1, 0.16, 0.05], [0.42, 0.42, 0.16]))
    for part in _fins(belly, 0.1 * float(np.tanh(n.normal("bend")))):
        picture = mix(picture, fins, inside(polygon(_placed(part, pose), c), c, 2))
    body = polygon(_placed(_fish_outline(belly), pose), c)
    shade = 1 - 0.45 * smoothstep(-0.07, 0.0, body)
    picture = mix(picture, _skin(u, v) * shade[..., None], inside(body, c, 2))
    side_fin = _placed([(0.18, 0.06), (-0.06, 0.3), (-0.12, 0.12)], pose)
    picture = mix(picture, fins * 0.9, inside(polygon(side_fin, c), c, 2))
    arc = np.exp(-(((np.hypot(u - 0.62, v * 0.9) - 0.27) / 0.016) ** 2))
    gill = arc * (u < 0.6) * (np.abs(v) < 0.2) * inside(body, c)
    picture = mix(picture, [0.06, 0.09, 0.03], gill * 0.6)
    eye = f32(np.hypot(u - 0.66, v + belly * 0.22))
    picture = mix(picture, [1, 0.82, 0.3], smoothstep(0.066, 0.055, eye))
    return mix(picture, [0.02, 0.02, 0.02], smoothstep(0.042, 0.03, eye))
