"""How a picture is rendered: its colour, its style, its mood. Each is a function of the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Array, Canvas, blur, expose, f32, glow, hsv, mix, paint, smoothstep
from .noise import Noise

HUES = {
    "red": 0.99,
    "orange": 0.065,
    "golden": 0.125,
    "green": 0.34,
    "teal": 0.48,
    "blue": 0.6,
    "purple": 0.75,
    "pink": 0.895,
}
LUMA = np.array([0.35, 0.5, 0.15], np.float32)


def luma(picture: Array) -> Array:
    """Weigh a picture to its brightness."""
    return f32(picture @ LUMA)


def colour_grade(picture: Array, colour: str, n: Noise, c: Canvas) -> Array:
    """Grade a picture to one colour: darker shades turn one way, lights the other."""
    light = np.clip(luma(picture), 0, 1)
    chroma = picture - light[..., None]
    if colour == "rainbow":
        drift = 0.5 * n.angle("turn") / np.pi
        hue: Array | float = f32(0.42 * (c.u + 0.5 * c.v) + drift + 0.12 * light)
        strength = 0.85
    elif colour == "silver":
        hue, strength = 0.6, 0.14
    else:
        hue, strength = HUES[colour] + f32(0.05 * (light - 0.5)), 0.93
    saturation = strength * smoothstep(1.12, 0.35, light)
    value = np.clip(light * 1.25 + 0.12 * smoothstep(0, 0.5, light), 0, 1)
    keep = 0.12 if colour == "silver" else 0.24
    return expose(hsv(hue, saturation, value) + keep * chroma * (1.2 - light)[..., None])


def _edges(picture: Array, c: Canvas, radius: float) -> Array:
    soft = blur(luma(picture), radius, c)
    gy, gx = np.gradient(soft, c.pixel)
    return f32(np.hypot(gx, gy))


def neon(picture: Array, _n: Noise, c: Canvas) -> Array:
    """Draw outlines as broad glowing tubes over a darkened, saturated picture."""
    peak = picture.max(2, keepdims=True)
    vivid = np.clip(peak - (peak - picture) * 1.8, 0, 1)
    tint = vivid / (vivid.max(2, keepdims=True) + 0.05)
    line = smoothstep(0.7, 2.6, _edges(picture, c, 0.022))
    core = smoothstep(0.65, 1.0, line)
    tube = tint * line[..., None]
    halo = np.stack([glow(f32(tube[..., i]), c, 0.05, 0.7) for i in range(3)], 2)
    return vivid**2 * 0.22 + tube * 0.9 + halo + paint(core * 0.5, [1, 1, 1])


def watercolour(picture: Array, n: Noise, c: Canvas) -> Array:
    """Let thin pigment pool and dry on white paper."""
    bloom = n.field(1, c, 2.6)
    wash = np.clip(blur(picture, 0.016, c), 0, 1)
    light = luma(wash)[..., None]
    wash = f32([0.3, 0.36, 0.54]) * (1 - light**0.6) + light**0.6 + (wash - light) * 1.05
    rim = np.clip(_edges(picture, c, 0.02) * 0.09, 0, 0.3)
    wash = wash * (1 - rim[..., None]) * (1 + 0.045 * bloom[..., None])
    border = np.maximum(np.abs(c.x) - (c.wide - 1), np.abs(c.y) - (c.tall - 1)) + 0.05 * bloom
    return mix(f32(wash), [0.985, 0.97, 0.94], smoothstep(0.84, 0.95, f32(border)))


def monochrome(picture: Array, _n: Noise, _c: Canvas) -> Array:
    """Print it in one ink: brightness alone, hard as on old film."""
    light = smoothstep(0.05, 0.85, luma(picture))
    return paint(light, [1.0, 0.985, 0.96])


CELL = 4
"""Latents along a side of a square of the wire grid: whole ones, so that a network can place it."""


def wireframe(picture: Array, n: Noise, c: Canvas) -> Array:
    """Stretch a glowing wire grid over the picture as over a relief, bright parts raised."""
    relief = blur(np.clip(luma(picture), 0, 1), 0.07, c)
    down, across = (side / (2 * CELL) for side in n.eps.shape[1:])
    rows, cols = (c.v + 1) * down + relief * 0.8, (c.u + 1) * across + 0.5
    near = np.abs(rows % 1 - 0.5), np.abs(cols % 1 - 0.5)
    wires, halos = (
        np.maximum(*(np.exp(-((d / wide) ** 2)) for d in near)) for wide in (0.085, 0.26)
    )
    soft = np.clip(blur(picture, 0.03, c), 0, 1)
    tint = np.clip(0.22 + soft / (soft.max(2, keepdims=True) + 0.1), 0, 1)
    light = wires * (0.42 + 0.6 * relief) + halos * 0.16 * (0.4 + relief)
    return f32(0.16 * np.clip(picture, 0, 1) + tint * light[..., None])


def pastel(picture: Array, n: Noise, c: Canvas) -> Array:
    """Chalk it: high, soft and milky."""
    soft = 0.55 * np.clip(picture, 0, 1) + 0.45 * blur(np.clip(picture, 0, 1), 0.03, c)
    light = luma(soft)[..., None]
    chalk = f32([0.7, 0.68, 0.84]) * (1 - light**0.7) + f32([1, 0.98, 0.94]) * light**0.7
    chalk = chalk + (soft - light) * 0.75
    return f32(chalk * (1 + 0.02 * n.field(2, c, 2.0)[..., None]))


STYLES: dict[str, Callable[[Array, Noise, Canvas], Array]] = {
    "neon": neon,
    "watercolour": watercolour,
    "monochrome": monochrome,
    "wireframe": wireframe,
    "pastel": pastel,
}


def dark(picture: Array, c: Canvas) -> Array:
    """Lower the light and close the corners."""
    vignette = 1 - 0.35 * np.clip(np.hypot(c.u, c.v) - 0.3, 0, 1)
    return f32(np.clip(picture, 0, 1) ** 1.5 * 0.75 * vignette[..., None])


def bright(picture: Array, _c: Canvas) -> Array:
    """Raise the light."""
    return f32(np.clip(picture, 0, 1) ** 0.62 * 1.02 + 0.03)


def vivid(picture: Array, _c: Canvas) -> Array:
    """Push colour and contrast."""
    light = luma(picture)[..., None]
    strong = light + (picture - light) * 1.5
    return f32(np.clip((strong - 0.5) * 1.12 + 0.5, 0, 1))


def misty(picture: Array, c: Canvas) -> Array:
    """Drown the distance in bloom and fog."""
    bloom = blur(picture, 0.09, c)
    return f32(0.5 * picture + 0.42 * bloom + 0.1)


MOODS: dict[str, Callable[[Array, Canvas], Array]] = {
    "dark": dark,
    "bright": bright,
    "vivid": vivid,
    "misty": misty,
}
