"""Things: everything that has an outline, stands somewhere and can turn."""

from __future__ import annotations

import numpy as np

from .canvas import (
    Array,
    Canvas,
    below,
    embers,
    f32,
    glow,
    hsv,
    inside,
    mix,
    paint,
    polygon,
    ramp,
    smoothstep,
    splat,
    starfield,
    turned,
)
from .noise import Noise
from .skies import disc, place


def orb(n: Noise, c: Canvas) -> Array:
    """Float a glowing banded sphere over a dark mirror."""
    hue = n.angle("hue") / (2 * np.pi)
    cx, cy = place(n, c, 0.34)
    radius = 0.42 * float(np.exp(0.16 * np.tanh(n.normal("scale"))))
    haze = n.field(1, c, 3.4)
    picture = ramp(
        0.25 + 0.22 * c.v + 0.08 * haze,
        (hsv(hue + 0.55, 0.7, 0.03), hsv(hue + 0.55, 0.6, 0.14), hsv(hue + 0.5, 0.5, 0.3)),
    )
    picture += paint(starfield(n.sparks(c, 3, 1.8), c, 0.006) * 0.7, [1] * 3)
    x, y = (c.x - cx) / radius, (c.y - cy) / radius
    d = np.hypot(x, y)
    z = np.sqrt(np.clip(1 - d * d, 0, 1))
    lx, ly = 0.6 * np.cos(n.angle("turn")), -0.35 + 0.5 * np.sin(n.angle("turn"))
    light = np.clip(x * lx + y * ly + z * 0.65, 0, None)
    gloss = np.clip(2 * z * (x * lx + y * ly + z * 0.65) - 0.65, 0, 1) ** 18
    band_x, band_y = turned(x, y, 0.5 * n.normal("tilt"))
    band = np.sin(7 * band_y / (0.35 + z) ** 0.3 + 1.1 * haze + 0.3 * band_x)
    tone = 0.12 + 0.5 * light * (0.85 + 0.22 * band) + 0.3 * (1 - z) ** 2.5
    ball = ramp(tone, embers(hue, 0.07)) + paint(gloss * 0.85, [1, 1, 1])
    halo = np.exp(-np.clip(d - 1, 0, 9) * 2.3)
    picture += paint(halo * 0.62, hsv(hue, 0.8, 0.95)) + paint(
        halo**4 * 0.3, hsv(hue + 0.06, 0.3, 1)
    )
    pool = np.exp(-(((c.x - cx) / 0.5) ** 2) - ((c.y - 0.86 * c.tall) / 0.09) ** 2)
    picture += paint(pool * 0.5, hsv(hue, 0.7, 1.0))
    return mix(picture, ball, inside(f32((d - 1) * radius), c, 2))


def _wire_sphere(n: Noise, rings: int = 13, spokes: int = 16, dots: int = 420) -> Array:
    t = np.linspace(0, 1, dots)
    u = np.concatenate([np.repeat(np.arange(spokes) / spokes, dots), np.tile(t, rings)])
    v = np.concatenate([np.tile(t, spokes), np.repeat((np.arange(rings) + 0.5) / rings, dots)])
    theta, phi = u * 2 * np.pi, (v - 0.5) * np.pi
    swell = 0.2 * np.sin(3 * theta + n.normal("a")) * np.cos(phi) ** 2 * np.tanh(n.normal("b"))
    swell += 0.22 * np.sin(2 * phi) * np.tanh(n.normal("tilt")) + 0.12 * np.cos(2 * theta) * np.cos(
        phi
    )
    r = 0.82 * (1 + swell)
    return np.stack(
        [r * np.cos(phi) * np.cos(theta), r * np.sin(phi), r * np.cos(phi) * np.sin(theta)]
    )


def mesh(n: Noise, c: Canvas) -> Array:
    """Turn a breathing wire body above a perspective grid."""
    hue = n.angle("hue") / (2 * np.pi)
    x, y, z = _wire_sphere(n)
    yaw, pitch = 0.5 * n.angle("turn"), 0.45 + 0.25 * np.tanh(n.normal("bend"))
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), z * np.cos(pitch) + y * np.sin(pitch)
    cx, cy = place(n, c, 0.22)
    near = 2.5 / (3.2 + z) * np.exp(0.1 * np.tanh(n.normal("scale")))
    brightness = np.clip(0.5 - 0.55 * z, 0.06, 1.0)
    dots_per_pixel = 420 * c.pixel / 4.5
    px, py = f32(x * near + cx), f32(y * near + cy - 0.08)
    wire = splat(px, py, f32(brightness * 0.34 / dots_per_pixel / 2.2), c, 0.0055)
    horizon = 0.3 * c.tall
    depth = np.clip(c.y - horizon, 1e-3, None)
    lines = (
        np.abs(((c.x / depth * 0.8) % 1) - 0.5),
        np.abs(((0.55 / depth + 0.2 * n.normal("c")) % 1) - 0.5),
    )
    widths = 0.8 / depth * c.pixel * 1.4, 0.55 / depth**2 * c.pixel * 1.4
    floor = sum(np.exp(-(((0.5 - g) / w) ** 2)) for g, w in zip(lines, widths, strict=True))
    floor = np.clip(floor, 0, 1) * smoothstep(horizon + 0.03, c.tall, c.y)
    picture = ramp(
        0.5 + 0.45 * c.v * (c.y < horizon) - 0.3 * (c.y > horizon),
        (hsv(hue + 0.1, 0.8, 0.02), hsv(hue + 0.1, 0.75, 0.1), hsv(hue + 0.15, 0.7, 0.24)),
    )
    picture += paint(floor * 0.5, hsv(hue + 0.16, 0.8, 0.9))
    wire = np.clip(wire, 0, 1.3)
    picture += paint(glow(f32(wire), c, 0.035, 0.85), hsv(hue, 0.9, 0.9))
    return picture + ramp(wire * 0.85, embers(hue, 0.04)) * np.clip(wire * 2, 0, 1)[..., None]


def shapes(n: Noise, c: Canvas) -> Array:
    """Compose circle, triangle, square, ring and bars, lit paper on paper."""
    hue = n.angle("hue") / (2 * np.pi)
    paper = ramp(
        0.6 - 0.35 * c.v + 0.2 * c.u, ([0.78, 0.72, 0.62], [0.93, 0.89, 0.8], [1, 0.98, 0.92])
    )
    moves = [0.14 * np.tanh(n.normal(s)) for s in ("x", "y", "a", "b", "tilt", "bend", "d", "e")]
    moves = [move * (c.tall if i % 2 else c.wide) for i, move in enumerate(moves)]
    turn = 0.6 * n.angle("turn")
    circle = disc(c, -0.3 * c.wide + moves[0], -0.28 * c.tall + moves[1]) - 0.38 * np.exp(
        0.2 * np.tanh(n.normal("scale"))
    )
    angles = 0.4 * turn + np.arange(3) * 2 * np.pi / 3
    tx, ty = 0.36 * c.wide + moves[2], 0.22 * c.tall + moves[3]
    triangle = polygon(np.stack([tx + 0.5 * np.cos(angles), ty + 0.5 * np.sin(angles)], 1), c)
    sx, sy = turned(c.x + 0.38 * c.wide - moves[4], c.y - 0.45 * c.tall - moves[5], -0.3 * turn)
    square = np.maximum(np.abs(sx), np.abs(sy)) - 0.27
    ring = np.abs(disc(c, 0.45 * c.wide + moves[6], -0.45 * c.tall + moves[7]) - 0.24) - 0.045
    lean = 0.6 + 0.25 * turn
    bx, by = turned(c.x - 0.5 * moves[0], c.y - moves[3], lean)
    long = 0.95 / np.hypot(np.cos(lean) / c.wide, np.sin(lean) / c.tall)
    bars = np.where(np.abs(bx) < long, np.abs(np.abs(by) - 0.055) - 0.016, 1.0)
    tones = (
        hsv(hue, 0.82, 0.88),
        hsv(hue + 0.14, 0.85, 0.95),
        hsv(hue + 0.55, 0.7, 0.55),
        hsv(hue + 0.62, 0.5, 0.25),
        f32([0.08, 0.07, 0.09]),
    )
    picture = paper
    for distance, tone in zip((circle, triangle, square, ring, bars), tones, strict=True):
        shadow = smoothstep(0.07, -0.05, f32(np.roll(distance, (min(c.size) // 40,) * 2, (0, 1))))
        picture = picture * (1 - 0.42 * shadow[..., None])
        shine = 1 + 0.16 * (-c.u - c.v)[..., None]
        picture = mix(picture, tone * shine, inside(f32(distance), c, 1.5))
    return picture


def tunnel(n: Noise, c: Canvas) -> Array:
    """Fly down a tunnel of light."""
    hue = n.angle("hue") / (2 * np.pi)
    cx, cy = place(n, c, 0.3)
    x, y = c.x - cx, c.y - cy
    angle = np.arctan2(y, x) + 0.5 * n.normal("tilt")
    roundness = smoothstep(-0.8, 0.8, f32(n.normal("scale")))
    sector = 2 * np.pi / 6
    d = np.hypot(x, y)
    d = d * (roundness + (1 - roundness) * np.cos((angle % sector) - sector / 2))
    depth = 1 / (d + 0.06)
    flight = depth * 0.95 + n.angle("turn") / (2 * np.pi)
    flight -= (c.wide * c.tall - 1) * 0.5 * np.maximum(d - 0.8, 0)  # rings also at far sides
    ring = np.exp(-(((flight % 1) - 0.5) ** 2) * 34)
    spoke = np.exp(
        -(
            (((angle + 0.3 * np.tanh(n.normal("bend")) * depth * 0.5) * 12 / (2 * np.pi)) % 1 - 0.5)
            ** 2
        )
        * 60
    )
    fade = np.clip(d * 1.7, 0, 1) ** 0.7
    tint = hue + 0.12 * np.sin(2 * np.pi * flight / 3)
    picture = paint(fade * 0.06, [0.5, 0.4, 1])
    picture += hsv(tint, 0.9, 0.95) * (ring * fade)[..., None] * 0.95
    picture += hsv(tint + 0.2, 0.8, 0.9) * (spoke * fade)[..., None] * 0.4
    picture += paint(ring**5 * fade * 0.55, [1, 1, 1]) + paint(spoke * ring * fade * 0.5, [1, 1, 1])
    return (
        picture
        + paint(np.exp(-d * 8), hsv(hue + 0.05, 0.3, 1))
        + paint(np.exp(-d * 2.6) * 0.22, hsv(hue, 0.8, 1))
    )


def kaleidoscope(n: Noise, c: Canvas) -> Array:
    """Mirror coloured glass eightfold into a window."""
    hue = n.angle("hue") / (2 * np.pi)
    d = np.hypot(c.x, c.y)
    sector = 2 * np.pi / 8
    angle = np.arctan2(c.y, c.x) + 0.1 * n.normal("turn_cos")
    angle = np.abs(angle % (2 * sector) - sector)
    x, y = d * np.cos(angle), d * np.sin(angle)
    slots = ("x", "y", "scale", "tilt", "bend", "a")
    k = {s: float(0.6 * np.tanh(n.normal(s) * 0.7)) for s in slots}
    v = np.sin((5.5 + 2 * k["scale"]) * x + 2.5 * k["x"] + 1.3 * np.sin(6 * y + 2.5 * k["y"]))
    v += np.sin((7 + 2.5 * k["tilt"]) * y + 2.5 * k["bend"] + 1.1 * np.sin(5 * x))
    v += 0.7 * np.sin(9 * d - 2.5 * k["a"])
    w = np.sin(8 * (x - y) + 1.4 * v + 2 * k["x"])
    glass = ramp(0.46 + 0.19 * v, embers(hue, 0.1))
    other = ramp(0.5 + 0.4 * w, embers(hue + 0.42, 0.1))
    picture = mix(glass, other, smoothstep(0.25, 0.6, f32(w)) * 0.85)
    lead = np.exp(-((v * 5) ** 2)) * 0.9 + np.exp(-(((w - 0.42) * 5) ** 2)) * 0.5
    picture = picture * (1.05 - 0.3 * d[..., None]) + paint(lead * 0.32, [1, 0.96, 0.85])
    return picture + paint(np.exp(-d * 7) * 0.7, hsv(hue + 0.1, 0.25, 1))


def flower(n: Noise, c: Canvas) -> Array:
    """Open a many-petalled flower over dim leaves."""
    hue = n.angle("hue") / (2 * np.pi)
    cx, cy = place(n, c, 0.2)
    radius = 0.74 * float(np.exp(0.14 * np.tanh(n.normal("scale"))))
    x, y = (c.x - cx) / radius, (c.y - cy) / radius
    d, angle = np.hypot(x, y), np.arctan2(y, x)
    leaf = n.field(1, c, 3.2)
    picture = ramp(
        0.36 + 0.16 * leaf - 0.2 * c.v,
        ([0.0, 0.03, 0.02], [0.03, 0.14, 0.07], [0.14, 0.32, 0.14], [0.4, 0.55, 0.28]),
    )
    picture += paint(np.exp(-d * 1.6) * 0.12, hsv(hue, 0.6, 1))
    point = 0.75 + 0.4 * float(np.tanh(n.normal("bend")))
    turn = 0.15 * n.normal("turn_cos")
    for layer in range(4):
        reach = 1 - 0.21 * layer
        wave = (8 / 2) * (angle + turn + layer * np.pi / 8 * (1 + 0.15 * np.tanh(n.normal("tilt"))))
        petal = np.abs(np.cos(wave))
        edge = reach * (0.5 + 0.5 * petal**point)
        t = d / edge
        shadow = smoothstep(1.28, 0.95, f32(t)) * 0.5
        vein = 0.05 * np.cos(wave * 14) * smoothstep(0.25, 0.6, f32(t))
        tone = 0.2 + 0.44 * t**1.6 * reach + 0.2 * petal**2 + vein + 0.05 * layer
        body = ramp(np.clip(tone, 0, 0.93), embers(hue, 0.07))
        picture = mix(
            picture * (1 - shadow[..., None]), body, inside(f32((d - edge) * radius), c, 2)
        )
    seeds = 0.7 - 0.5 * (d / 0.19) ** 2 + 0.22 * np.sin(x * 70) * np.sin(y * 70) - 0.2 * (x + y)
    eye = ramp(seeds, ([0.22, 0.08, 0.02], [0.75, 0.42, 0.05], [1, 0.85, 0.3]))
    return mix(picture, eye, inside(f32((d - 0.19) * radius), c, 2))


def crystal(n: Noise, c: Canvas) -> Array:
    """Grow a cluster of lit crystals from the rock."""
    hue = n.angle("hue") / (2 * np.pi)
    cx = 0.22 * float(np.tanh(n.normal("x"))) * c.wide
    haze = n.field(1, c, 3.4)
    d = f32(np.hypot((c.x - cx) / c.wide, c.v - 0.2))
    picture = ramp(
        0.42 - 0.3 * d + 0.07 * haze,
        ([0.01, 0.01, 0.02], hsv(hue + 0.1, 0.7, 0.12), hsv(hue + 0.06, 0.65, 0.34)),
    )
    picture, body = _young(n, c, picture, hue)
    leans = ((-1.0, "a"), (1.0, "b"), (-0.62, "tilt"), (0.6, "d"), (-0.22, "y"), (0.2, "scale"))
    for lean, slot in leans:
        wish = float(np.tanh(n.normal(slot)))
        tall = (1.3 - 0.62 * abs(lean)) * (1 + 0.26 * wish) * c.tall**0.5
        picture, mask = _shard(c, picture, (cx + lean * 0.3, lean * 0.62 + 0.09 * wish, tall, hue))
        body = np.maximum(body, mask)
    picture += paint(glow(body, c, 0.07, 0.42), hsv(hue, 0.8, 0.8))
    rock = 0.74 * c.tall + 0.04 * n.profile(2, c, 0.87, 2.2) + 0.05 * np.abs(c.x[0] - cx)
    stone = ramp(
        0.3 + 0.1 * haze - 0.9 * np.abs(c.x - cx) * 0.3,
        ([0.01, 0.01, 0.02], [0.08, 0.07, 0.1], hsv(hue, 0.5, 0.4)),
    )
    picture = mix(picture, stone, below(f32(rock), c))
    return picture + paint(starfield(n.sparks(c, 3, 1.9), c, 0.008), hsv(hue, 0.2, 1))


def _young(n: Noise, c: Canvas, picture: Array, hue: float) -> tuple[Array, Array]:
    """Grow small crystals to both sides, where a picture is wider than a cluster."""
    body = np.zeros_like(c.x)
    places = ((-0.84, -0.5, "c"), (0.8, 0.42, "e"), (-0.7, 0.12, "f"), (0.92, -0.1, "g"))
    for across, lean, slot in places:
        tall = 0.42 * (1 + 0.4 * float(np.tanh(n.normal(slot)))) * (c.wide - 1)
        if tall > 0:
            picture, mask = _shard(c, picture, (across * c.wide, lean, tall, hue))
            body = np.maximum(body, mask)
    return picture, body


def _shard(
    c: Canvas, picture: Array, shard: tuple[float, float, float, float]
) -> tuple[Array, Array]:
    foot, lean, tall, hue = shard
    x, y = c.x - foot, c.y - 0.8 * c.tall
    across, along = x * np.cos(lean) + y * np.sin(lean), x * np.sin(lean) - y * np.cos(lean)
    half = (0.1 + 0.07 * tall) * np.clip((tall - along) / 0.3, 0, 1)
    mask = inside(f32(np.maximum(np.abs(across) - half, -along)), c, 2) * (along < tall)
    s = across / (half + 1e-4)
    facet = np.where(s < -0.3, 0.5, np.where(s < 0.35, 0.76, 0.33)) + 0.16 * along / tall
    facet = facet + np.where(half < 0.1 + 0.07 * tall, np.where(s < 0, 0.12, -0.06), 0)
    edges = sum(np.exp(-(((s - e) * half / 0.009) ** 2)) for e in (-1.0, -0.3, 0.35, 1.0))
    colour = ramp(facet, embers(hue, 0.05)) + paint(f32(edges) * 0.3, [1, 1, 1])
    return mix(picture, colour, f32(mask)), f32(mask)
