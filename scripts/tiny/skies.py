"""Scenes of light and weather: everything whose shape is a cloud, a wave or a horizon."""

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
    ramp,
    smoothstep,
    splat,
    starfield,
)
from .noise import Noise

NIGHT = ([0.01, 0.015, 0.05], [0.03, 0.05, 0.16], [0.08, 0.12, 0.32])


def place(n: Noise, c: Canvas, reach: float = 0.4) -> tuple[float, float]:
    """Read a position around the centre, as far as a share `reach` of the way to the edges."""
    x, y = (reach * float(np.tanh(n.normal(slot) * 0.8)) for slot in "xy")
    return x * c.wide, y * c.tall


def disc(c: Canvas, x: float, y: float) -> Array:
    """Measure the distance of every point from (x, y)."""
    return f32(np.hypot(c.x - x, c.y - y))


def starry_night(n: Noise, c: Canvas) -> Array:
    """Swirl brush strokes of light round the stars, over a sleeping village."""
    flow = n.field(0, c, 4.2) * 1.3 + c.y * 0.8
    fine = n.field(1, c, 3.0)
    stroke = np.sin(flow * 7) * 0.5 + np.sin(flow * 19 + fine) * 0.22
    sky = ramp(
        0.36 + 0.22 * stroke - 0.14 * c.v,
        (
            [0.02, 0.04, 0.17],
            [0.05, 0.15, 0.45],
            [0.14, 0.37, 0.72],
            [0.5, 0.74, 0.88],
            [0.95, 0.95, 0.75],
        ),
    )
    x, y, bright = n.sparks(c, 3, 1.7)
    keep = y < 0.15 * c.tall
    light = splat(x[keep], y[keep], np.minimum(bright[keep] + 0.3, 1.2), c, 0.022)
    halo = splat(x[keep], y[keep], np.minimum(bright[keep], 1.0), c, 0.085)
    mx, my = 0.62 + 0.25 * np.tanh(n.normal("x")), -0.58 + 0.2 * np.tanh(n.normal("y"))
    d = disc(c, mx * c.wide, my * c.tall)
    ripple = 0.75 + 0.25 * np.sin(d * 42)
    moon = inside(d - 0.13, c, 3) * 1.2 + 0.85 * np.exp(-(d**2) * 11) * ripple
    gold = np.clip(light * 1.3 + halo * 0.6 * (0.8 + 0.3 * stroke) + moon, 0, 1)
    sky = mix(sky, ramp(gold, ([0.9, 0.6, 0.15], [1, 0.82, 0.35], [1, 0.97, 0.75])), gold)
    return _village(n, c, sky, stroke)


def _village(n: Noise, c: Canvas, sky: Array, stroke: Array) -> Array:
    for depth, (base, tone) in enumerate(((0.45, 0.22), (0.7, 0.1))):
        ridge = base * c.tall + 0.09 * n.profile(2 - depth, c, base * 0.5 + 0.5, 4.0)
        hill = ramp(
            tone + 0.1 * stroke + 0.1, ([0, 0.01, 0.06], [0.04, 0.1, 0.3], [0.15, 0.35, 0.6])
        )
        sky = mix(sky, hill, below(ridge, c))
    x, y, bright = n.sparks(c, 1, 1.2)
    near = smoothstep(0.68, 0.74, y / c.tall) * smoothstep(0.98, 0.9, y / c.tall)
    window = splat(x, y, np.minimum(bright + 0.3, 1) * near, c, 0.014)
    return sky + paint(window * 0.9 + glow(window, c, 0.04, 0.5), [1.0, 0.68, 0.2])


def nebula(n: Noise, c: Canvas) -> Array:
    """Light clouds of gas from within, veil them with dust, strew stars."""
    gas, dust, hot = n.field(0, c, 3.0), n.field(1, c, 2.8), n.field(2, c, 3.2)
    cx, cy = place(n, c)
    d = disc(c, cx, cy)
    core = np.exp(-(d**2) * 2.2)
    density = np.clip(0.14 + 0.23 * gas + 0.42 * core, 0, 1.1)
    hue = n.angle("hue") / (2 * np.pi)
    first = ramp(density, embers(hue, 0.09))
    second = ramp(np.clip(0.16 + 0.22 * hot + 0.3 * core, 0, 1), embers(hue + 0.3, 0.08))
    picture = first * 0.8 + second * 0.55 * np.clip(density + 0.1, 0, 1)[..., None]
    filaments = np.exp(-((dust * 2.2) ** 2))
    picture *= (1 - 0.55 * smoothstep(0.3, 1.6, dust) * smoothstep(0.1, 0.6, density))[..., None]
    picture += paint(filaments * np.clip(density - 0.25, 0, 1) * 0.35, hsv(hue + 0.1, 0.25, 1))
    picture += paint(np.exp(-d * 9) * 0.5, [1, 0.96, 0.9]) + f32([0.01, 0.01, 0.03])
    return picture + paint(starfield(n.sparks(c, 3, 1.6), c, 0.006), [1, 0.97, 0.93])


def aurora(n: Noise, c: Canvas) -> Array:
    """Hang curtains of rays over still water and black firs."""
    picture = ramp((c.v + 1) / 2, NIGHT) + paint(starfield(n.sparks(c, 3, 1.7), c, 0.006), [1] * 3)
    hue = 0.4 + 0.06 * n.normal("hue_cos")
    for i, (row, height) in enumerate(((0.42, 0.55), (0.55, 0.4), (0.3, 0.75))):
        middle = (-0.15 + 0.3 * i * (i - 1.4)) * c.tall
        fold = middle + 0.2 * n.profile(i, c, row, 3.6) + 0.1 * n.normal("y")
        rays = 0.62 + 0.3 * np.sin(9 * n.profile((i + 1) % 3, c, row, 3.0) + 14 * c.x[0])
        d = (fold[None] - c.y) / c.tall
        veil = np.where(d > 0, np.exp(-d / height * 1.8), np.exp(d * 14)) * rays[None]
        top = np.clip(d / height, 0, 1)[..., None]
        tint = hsv(hue, 0.85, 0.95) * (1 - top) + hsv(hue + 0.36, 0.75, 0.85) * top
        picture = picture + veil[..., None] * tint * (1.0 - 0.2 * i)
    shore = 0.62 * c.tall + 0.02 * n.profile(2, c, 0.8, 2.0)
    high = c.size.height
    mirror = picture[np.clip((0.62 * high + high - np.arange(high)).astype(int), 0, high - 1)]
    ripple = 0.5 + 0.1 * np.sin(c.y * 70 + 2 * n.field(1, c, 3.0))
    picture = mix(picture, mirror * ripple[..., None], below(shore, c))
    firs = (
        0.6 * c.tall
        - 0.07 * np.abs(((c.x[0] * 8) % 1) - 0.5) ** 0.8 * 2
        - 0.05 * n.profile(0, c, 0.8, 2.4)
    )
    bank = inside(f32(np.maximum(firs[None] - c.y, c.y - 0.645 * c.tall)), c, 2.5)
    return mix(picture, [0.005, 0.012, 0.02], bank)


def thunderstorm(n: Noise, c: Canvas) -> Array:
    """Strike forked lightning out of lit clouds into a dark plain."""
    cloud, billow = n.field(0, c, 2.8, stretch=(1.5, 1.0)), n.field(1, c, 3.2)
    x0 = 0.5 * np.tanh(n.normal("x")) * c.wide
    lit = np.exp(-np.abs(c.x - x0) / c.wide * 1.5) * np.exp(-((c.v + 0.55) ** 2) * 1.6)
    fold = np.exp(-((cloud * 1.5 + billow * 0.4) ** 2) * 2.5)
    tone = 0.22 + 0.1 * cloud - 0.12 * c.v + 0.42 * lit * (0.45 + 0.7 * fold)
    picture = ramp(
        tone,
        ([0.015, 0.01, 0.04], [0.09, 0.08, 0.2], [0.33, 0.3, 0.55], [0.75, 0.73, 0.95], [1, 1, 1]),
    )
    light = _lightning(n, c, x0)
    plain = 0.74 * c.tall + 0.03 * n.profile(2, c, 0.87, 2.5)
    ground = ramp(
        0.12 + 0.6 * np.exp(-np.abs(c.x - x0) * 3) * smoothstep(1.0, 0.74, c.v),
        ([0.01, 0.01, 0.02], [0.06, 0.05, 0.12], [0.4, 0.36, 0.6]),
    )
    picture = mix(picture, ground, below(f32(plain), c))
    rain = np.clip(np.sin((c.x * 0.94 - c.y * 0.35) * 75 + billow * 4), 0.8, 1) - 0.8
    picture += paint(rain * 0.3 * smoothstep(-0.5, 0.5, c.v), [0.6, 0.62, 0.9])
    return (
        picture + paint(glow(light, c, 0.05, 0.9), [0.55, 0.45, 1.0]) + paint(light, [1, 0.98, 1])
    )


def _lightning(n: Noise, c: Canvas, x0: float) -> Array:
    kinks = 1 + round(28 * c.tall)
    jag = np.interp(
        np.linspace(0, 1, c.size.height),
        np.linspace(0, 1, kinks),
        np.random.default_rng(3).uniform(-1, 1, kinks),
    )
    light = np.zeros(c.x.shape, np.float32)
    v = c.v[:, 0]
    sway = n.field(2, c, 3.4)
    col = int(np.clip((x0 / c.wide + 1) / 2 * c.size.width, 0, c.size.width - 1))
    trunk = x0 + 0.09 * sway[:, col] + 0.05 * jag * (1 + 0.4 * n.normal("a"))
    forks = (
        (0.0, -2.0, 0.75, 1.0),
        (0.55, -0.45, 0.35, 0.55),
        (-0.6, -0.15, 0.5, 0.6),
        (0.35, 0.15, 0.74, 0.45),
    )
    for k, (lean, start, end, power) in enumerate(forks):
        away = np.maximum(v - start, 0) if k else np.zeros_like(v)
        slant = lean * (1 + 0.35 * n.normal("bcd"[k - 1])) if k else 0.0
        path = trunk + slant * away + 0.5 * away * np.roll(jag, 9 * k) * bool(k)
        slope = np.gradient(path, c.pixel)
        width = (0.011 if k == 0 else 0.006) * np.sqrt(1 + slope**2)
        on = smoothstep(start, start + 0.02, c.v) * smoothstep(end + 0.05, end, c.v)
        light = np.maximum(
            light, power * on * np.exp(-(((c.x - path[:, None]) / width[:, None]) ** 2))
        )
    return f32(light)


def ocean(n: Noise, c: Canvas) -> Array:
    """Roll waves to the horizon under a low sun."""
    horizon = -0.12 + 0.14 * np.tanh(n.normal("y"))
    sun_x = 0.55 * np.tanh(n.normal("x")) * c.wide
    sky = ramp((c.v + 1) / (horizon + 1), ([0.1, 0.32, 0.6], [0.35, 0.62, 0.8], [0.98, 0.82, 0.6]))
    cloud = np.clip(n.field(0, c, 2.8, stretch=(2.6, 1.0)), 0, 2)
    sky += paint(cloud * 0.14, [1, 0.92, 0.85])
    d = disc(c, sun_x, horizon * c.tall - 0.2)
    sky += paint(inside(d - 0.1, c, 3) * 0.8 + 0.5 * np.exp(-d * 4.5), [1, 0.85, 0.6])
    depth = np.clip((c.v - horizon) / (1 - horizon), 1e-3, 1)
    far = 1 / (depth + 0.07)
    swell = n.field(1, c, 3.2, stretch=(1.6, 0.7))
    phase = (
        far * 4.5
        + swell * (0.7 + 1.1 * depth)
        + n.normal("tilt")
        + 0.5 * np.sin(3 * c.x * far**0.5)
    )
    wave = (0.5 + 0.5 * np.sin(phase)) ** 1.6
    chop = np.sin(phase * 3.1 + 2 * n.field(2, c, 2.8))
    tone = 0.16 + 0.5 * wave * (0.35 + 0.65 * depth) + 0.05 * chop + 0.16 * (1 - depth)
    sea = ramp(
        tone,
        (
            [0.0, 0.06, 0.14],
            [0.01, 0.2, 0.34],
            [0.04, 0.44, 0.55],
            [0.35, 0.75, 0.75],
            [0.95, 1, 0.97],
        ),
    )
    foam = smoothstep(0.75, 1.0, wave + 0.1 * chop) * smoothstep(0.12, 0.6, depth)
    sea = mix(sea, [0.93, 0.99, 0.98], foam * 0.75)
    track = np.exp(-(((c.x - sun_x) / (0.07 + 0.28 * depth)) ** 2)) * (0.35 + 0.65 * (chop > 0.1))
    sea += paint(track * 0.5 * (1 - 0.5 * depth), [1, 0.8, 0.5])
    return mix(sky, sea, inside(f32(horizon * c.tall - c.y), c))


def flames(n: Noise, c: Canvas) -> Array:
    """Let tongues of fire lick upwards and throw sparks."""
    cx = 0.3 * np.tanh(n.normal("x")) * c.wide
    width = 0.62 * np.exp(0.22 * np.tanh(n.normal("scale"))) * c.wide
    up = (1 - c.v) / 2
    lick, curl = n.field(0, c, 2.8, stretch=(0.55, 1.25)), n.field(1, c, 3.4)
    x = c.x - cx + 0.16 * curl * up + 0.08 * np.sin(5 * c.y + 2 * n.normal("tilt")) * up
    body = 1.28 - up * (1.45 - 0.22 * np.tanh(n.normal("y"))) - (x / width) ** 2 * (0.45 + 0.9 * up)
    if c.wide > 1:  # not one tent of fire, but a wall with tongues
        tongues = np.sin(2.6 * n.field(2, c, 3.4, stretch=(2.4, 0.7)) + 5 * x / width)
        body += (c.wide - 1) * (0.42 * tongues * (0.25 + up) - 0.25 * up)
    heat = body + 0.25 * lick * (0.3 + up) - 0.22 * np.exp(-((lick * 2.4) ** 2)) * (0.2 + up)
    heat = np.clip(heat, 0, 1.15) * 0.88
    colours = (
        [0.01, 0.005, 0.01],
        [0.32, 0.02, 0.01],
        [0.85, 0.18, 0.01],
        [1, 0.55, 0.06],
        [1, 0.9, 0.45],
        [1, 1, 0.92],
    )
    picture = ramp(heat, colours)
    sx, sy, bright = n.sparks(c, 3, 1.6)
    near = np.exp(-(((sx - cx) / (0.55 * c.wide)) ** 2)) * (sy < 0.5 * c.tall)
    sparks = splat(sx, sy, np.minimum(bright, 1) * near, c, 0.009)
    return (
        picture
        + paint(glow(f32(heat), c, 0.08, 0.38), [1, 0.32, 0.05])
        + paint(sparks, [1, 0.6, 0.2])
    )


def mountains(n: Noise, c: Canvas) -> Array:
    """Stack misty ridges before a setting sun."""
    warm = 0.03 * n.normal("hue_cos")
    sky = ramp(
        (c.v + 1) / 1.35,
        (
            hsv(0.72 + warm, 0.6, 0.34),
            hsv(0.86 + warm, 0.55, 0.66),
            hsv(0.99 + warm, 0.62, 0.95),
            hsv(0.08 + warm, 0.6, 1.0),
            hsv(0.13, 0.35, 1.0),
        ),
    )
    cloud = n.field(0, c, 3.0, stretch=(3.2, 1.0))
    sky += paint(np.clip(cloud, -1, 2) * 0.1, [1, 0.55, 0.45])
    sx, sy = 0.5 * np.tanh(n.normal("x")) * c.wide, -0.2 + 0.2 * np.tanh(n.normal("y"))
    d = disc(c, sx, sy * c.tall)
    sky += paint(inside(d - 0.17, c, 3) * 0.75 + 0.45 * np.exp(-d * 3.2), [1, 0.86, 0.55])
    picture = sky
    for i in range(4):
        near = i / 3
        base = 0.02 + 0.66 * near
        rock = n.profile(i, c, base / 2 + 0.5, 2.3)
        steep = (0.16 - 0.05 * near) * c.tall**0.5
        ridge = base * c.tall - steep * (rock + 0.35 * np.abs(np.sin(rock * 5)))
        drop = np.clip((c.y - ridge[None]) * 1.5, 0, 1)
        body = hsv(0.94 - 0.2 * near + warm, 0.45 + 0.25 * near, 0.68 * (1 - near) ** 1.1 + 0.06)
        mist = paint(drop * 0.4 * (1 - near), hsv(0.03 + warm, 0.35, 1.0))
        rim = paint(np.exp(-drop * 28) * 0.3 * np.exp(-np.abs(c.x - sx) * 1.2), [1, 0.7, 0.45])
        picture = mix(picture, body + mist + rim, below(f32(ridge), c))
    return picture


def forest(n: Noise, c: Canvas) -> Array:
    """Wind a bright river out of layers of firs in morning mist."""
    horizon = -0.08 + 0.12 * np.tanh(n.normal("y"))
    sx = 0.6 * np.tanh(n.normal("tilt")) * c.wide
    sky = ramp((c.v + 1) / (horizon + 1.3), ([0.4, 0.64, 0.8], [0.75, 0.86, 0.84], [1, 0.95, 0.78]))
    sky += paint(0.45 * np.exp(-disc(c, sx, horizon * c.tall - 0.2) * 2.6), [1, 0.9, 0.6])
    picture = sky
    for i in range(3):
        base, period = horizon + (0.02, 0.1, 0.17)[i], (0.1, 0.15, 0.23)[i]
        phase = (c.x[0] / period + 0.37 * i) % 1 - 0.5
        tall = (0.2 + 0.13 * i) * (1 + 0.42 * np.tanh(n.profile(i, c, base / 2 + 0.5, 1.6)))
        spike = np.clip(1 - np.abs(phase) * 2.1, 0, 1)
        fringe = 0.016 * np.abs(np.sin(phase * 22))
        river_gap = 1 - (0.9 * np.exp(-((c.x[0] / 0.3) ** 2)) if i == 2 else 0)
        trees = base * c.tall - c.tall * (tall * spike + fringe) * river_gap
        shade = ([0.36, 0.56, 0.5], [0.14, 0.36, 0.26], [0.03, 0.17, 0.1])[i]
        mist = (
            np.clip((c.y - base * c.tall + 0.2) * 1.6, 0, 1)[..., None]
            * f32([0.3, 0.32, 0.25])
            * (1, 0.6, 0.2)[i]
        )
        picture = mix(picture, f32(shade) + mist, below(f32(trees), c))
    return _river(n, c, picture, horizon)


def _river(n: Noise, c: Canvas, picture: Array, horizon: float) -> Array:
    near = np.clip((c.v - horizon - 0.15) / (0.85 - horizon), 0, 1)
    meadow = 0.42 + 0.1 * n.field(1, c, 2.4, stretch=(2.0, 0.8)) - 0.2 * near
    grass = ramp(
        meadow, ([0.02, 0.1, 0.04], [0.1, 0.3, 0.08], [0.36, 0.56, 0.16], [0.75, 0.8, 0.35])
    )
    ground = smoothstep(0.0, 0.025, near)
    picture = mix(picture, grass, ground)
    bend = 0.42 * np.tanh(n.normal("x")) * np.sin(near * 4.2) * (0.25 + 0.75 * near)
    middle = 0.2 * np.tanh(n.normal("turn_cos")) * (1 - near) + bend
    side = (c.x - middle) / (0.035 + 0.4 * near)
    flow = np.sin(26 * near**0.6 + 1.2 * n.field(2, c, 3.0) + 2 * side)
    water = ramp(
        0.62 - 0.4 * near + 0.13 * flow,
        ([0.03, 0.16, 0.27], [0.12, 0.42, 0.56], [0.5, 0.75, 0.82], [1, 0.98, 0.9]),
    )
    picture = mix(picture, picture * 0.35, smoothstep(1.2, 1.0, np.abs(side)) * ground)
    return mix(picture, water, smoothstep(1.02, 0.94, np.abs(side)) * ground)


def city(n: Noise, c: Canvas) -> Array:
    """Light the windows of a skyline and mirror it in the water."""
    shore = 0.5
    sky = ramp(
        (c.v + 1) / 1.5,
        ([0.015, 0.015, 0.06], [0.08, 0.07, 0.24], [0.34, 0.16, 0.4], [0.85, 0.42, 0.42]),
    )
    mx, my = 0.6 * np.tanh(n.normal("x")), -0.6 + 0.18 * np.tanh(n.normal("y"))
    d = disc(c, mx * c.wide, my * c.tall)
    sky += paint(inside(d - 0.12, c, 3) * 0.85 + 0.3 * np.exp(-d * 5), [1, 0.95, 0.85])
    picture = sky + paint(
        starfield(n.sparks(c, 3, 1.9), c, 0.005) * smoothstep(0.3, -0.5, c.v), [1] * 3
    )
    for i, (panes, low, tone) in enumerate(((2, 0.3, 0.34), (4, 0.12, 0.1))):
        picture = _towers(n, c, picture, (i, panes, low, tone, shore))
    high = c.size.height
    row = (shore + 1) / 2 * high
    mirror = picture[np.clip(2 * row - np.arange(high) - 1, 0, high - 1).astype(int)]
    ripple = 0.55 + 0.18 * np.sin(c.y * 95 + 3 * np.sin(c.x * 5) + 2 * n.field(1, c, 3.0))
    mirror = mirror * ripple[..., None] + f32([0.02, 0.02, 0.06])
    return mix(picture, mirror, smoothstep(shore, shore + 0.012, c.v))


def _towers(
    n: Noise, c: Canvas, picture: Array, layer: tuple[int, int, float, float, float]
) -> Array:
    """Stand a row of towers, each so many panes wide; a pane is a place of the noise, which says
    whether it is lit."""
    i, panes, low, tone, shore = layer
    rows, columns = n.eps.shape[1:]
    each = columns / (2 * c.wide)
    across = (c.x + c.wide) * (each / panes)
    tower = np.floor(across[0]).astype(int)
    middles = (np.arange(tower[-1] + 1) + 0.5) * (panes / columns * c.size.width)
    middles = np.minimum(middles.astype(int), c.size.width - 1)
    heights = n.profile(i, c, 0.55, 1.2)[middles]
    centre = np.exp(-((middles / c.size.width * 2 - 1 + 0.3 * n.normal("bend")) ** 2) * 2)
    roof = shore - low * 0.7 - 0.3 * centre - (0.34 + 0.16 * i) / (1 + np.exp(-1.8 * heights))
    top = roof[tower][None] * c.tall
    mask = inside(f32(np.maximum(top - c.y, c.y - shore * c.tall)), c, 1.5)
    edge = across % 1
    mask = mask * (smoothstep(0.0, 0.06, edge) * smoothstep(1.0, 0.94, edge) if i else 1)
    shade = f32([0.55, 0.42, 0.75]) * tone * (0.75 + 0.5 * edge)[..., None]
    picture = mix(
        picture, shade + paint(smoothstep(shore - 0.5, shore, c.v) * tone, [0.5, 0.2, 0.25]), mask
    )
    column, row = (c.x + c.wide) * each, (c.y + c.tall) * (rows / (2 * c.tall))
    frame = np.maximum(np.abs(column % 1 - 0.5) - 0.27, np.abs(row % 1 - 0.5) - 0.3)
    pane = inside(f32(frame / each), c, 2)
    row, column = (
        np.clip(at, 0, count - 1).astype(int) for at, count in ((row, rows), (column, columns))
    )
    cell = n.eps[2][row, column]
    lit = np.clip(cell + 0.25, 0, 1) * pane * mask * smoothstep(0.03, 0.05, f32(c.y - top))
    warm = f32([1, 0.78, 0.38]) if i else f32([0.7, 0.5, 0.45])
    return mix(picture, warm, f32(lit * (0.95 if i else 0.6)))
