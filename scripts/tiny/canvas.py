"""The drawing kit: coordinates, soft edges, colour ramps, light.

A picture is float32 (size, size, 3) in 0..1 (light may run over and is bent back at the end); a
tone or a mask is (size, size). Coordinates run −1..1, x to the right and y down, so a drawing is
the same at every size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

Array = NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Canvas:
    """A square grid of points: `x` and `y` (size, size) in −1..1, `pixel` the distance of two."""

    size: int
    x: Array
    y: Array
    pixel: float


@lru_cache(maxsize=8)
def canvas(size: int) -> Canvas:
    """Lay out the grid of a size."""
    line = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    y, x = np.meshgrid(line, line, indexing="ij")
    return Canvas(size, x, y, 2.0 / size)


def f32(values: ArrayLike) -> Array:
    """Take values as float32."""
    return np.asarray(values, np.float32)


def smoothstep(low: float, high: float, t: Array) -> Array:
    """Rise smoothly from 0 at `low` to 1 at `high` (either may be the larger)."""
    t = np.clip((t - low) / (high - low), 0, 1)
    return f32(t * t * (3 - 2 * t))


def inside(distance: Array, c: Canvas, soft: float = 1.5) -> Array:
    """Turn a signed distance (negative inside) into a mask with an edge `soft` pixels wide."""
    return smoothstep(soft * c.pixel * 0.5, -soft * c.pixel * 0.5, distance)


def mix(a: Array, b: ArrayLike, mask: Array) -> Array:
    """Lay b over a where the mask is 1."""
    return f32(a + (f32(b) - a) * mask[..., None])


def paint(tone: Array, colour: ArrayLike) -> Array:
    """Colour a tone."""
    return f32(tone[..., None] * f32(colour))


def hsv(hue: ArrayLike, saturation: ArrayLike, value: ArrayLike) -> Array:
    """Convert hue (turns), saturation and value to RGB on a last axis of 3."""
    h = f32(hue)[..., None] * 6 + np.array([0, 4, 2], np.float32)
    pure = np.clip(np.abs(h % 6 - 3) - 1, 0, 1)
    return f32(f32(value)[..., None] * (1 + f32(saturation)[..., None] * (pure - 1)))


def ramp(tone: Array, colours: Sequence[ArrayLike]) -> Array:
    """Map a tone 0..1 through evenly spaced colours."""
    grid = np.linspace(0, 1, 512)
    knots = np.linspace(0, 1, len(colours))
    table = np.stack([np.interp(grid, knots, [f32(k)[i] for k in colours]) for i in range(3)], 1)
    return f32(table.astype(np.float32)[(np.clip(tone, 0, 1) * 511).astype(np.int32)])


def embers(hue: float, depth: float = 0.06) -> list[Array]:
    """Build a glowing ramp: black, a deep shade, the pure hue, a light tint, white."""
    return [
        f32([0.01, 0.01, 0.015]),
        hsv(hue - depth, 0.95, 0.32),
        hsv(hue, 0.88, 0.85),
        hsv(hue + depth, 0.45, 1.0),
        f32([1.0, 1.0, 1.0]),
    ]


def blur(image: Array, radius: float, c: Canvas) -> Array:
    """Blur by a radius in units of the canvas (2 is its width); wide radii at a lower size."""
    sigma = radius / c.pixel
    factor = int(min(c.size // 16, max(1, 2 ** int(np.log2(max(sigma / 2.0, 1.0))))))
    if factor == 1:
        tail = (0.0,) * (image.ndim - 2)
        return f32(gaussian_filter(image, (sigma, sigma, *tail), mode="nearest", truncate=3.0))
    n = c.size // factor
    small = image.reshape(n, factor, n, factor, *image.shape[2:]).mean((1, 3))
    tail = (0.0,) * (image.ndim - 2)
    small = gaussian_filter(small, (sigma / factor, sigma / factor, *tail), mode="nearest")
    return enlarge(f32(small), c.size)


def enlarge(image: Array, size: int) -> Array:
    """Enlarge (n, n, ...) to (size, size, ...) linearly."""
    n = image.shape[0]
    at = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    low = np.minimum(at.astype(np.int32), n - 2)
    t = f32(at - low)
    rows = image[low] + (image[low + 1] - image[low]) * t.reshape(-1, *(1,) * (image.ndim - 1))
    image = rows[:, low]
    return f32(image + (rows[:, low + 1] - image) * t.reshape(1, -1, *(1,) * (image.ndim - 2)))


def glow(light: Array, c: Canvas, radius: float = 0.06, strength: float = 1.0) -> Array:
    """Spread light into its surroundings: a near and a wide halo, without the light itself."""
    return f32((blur(light, radius, c) * 0.9 + blur(light, radius * 3.5, c) * 0.8) * strength)


def warp(image: Array, dx: Array, dy: Array, c: Canvas) -> Array:
    """Sample an image (size, size) displaced by (dx, dy) canvas units, mirrored at the border."""
    rows = (c.y + dy + 1) / c.pixel - 0.5
    cols = (c.x + dx + 1) / c.pixel - 0.5
    return f32(map_coordinates(image, [rows, cols], order=1, mode="mirror"))


def splat(x: Array, y: Array, light: ArrayLike, c: Canvas, radius: float = 0.008) -> Array:
    """Drop points of light, each about `radius` wide and of height `light`, on black."""
    col, row = (x + 1) / c.pixel - 0.5, (y + 1) / c.pixel - 0.5
    i, j = np.floor(col).astype(np.int64), np.floor(row).astype(np.int64)
    u, v = col - i, row - j
    flat = np.zeros(c.size * c.size)
    for di, dj, weight in (
        (0, 0, (1 - u) * (1 - v)),
        (1, 0, u * (1 - v)),
        (0, 1, (1 - u) * v),
        (1, 1, u * v),
    ):
        ok = (i + di >= 0) & (i + di < c.size) & (j + dj >= 0) & (j + dj < c.size)
        at = ((j + dj) * c.size + i + di)[ok]
        flat += np.bincount(at, (weight * light)[ok], c.size * c.size)
    sigma = max(radius / c.pixel, 0.5)
    image = gaussian_filter(flat.reshape(c.size, c.size).astype(np.float32), sigma)
    return f32(image * (2 * np.pi * sigma**2 + 0.3))


def polygon(points: ArrayLike, c: Canvas) -> Array:
    """Measure the signed distance to a closed polygon (n, 2), negative inside.

    Only near it: farther than 0.15 from its bounding box, the distance is given as 0.15.
    """
    p = f32(points)
    margin = 0.15
    low = np.clip((p.min(0) - margin + 1) / c.pixel, 0, c.size).astype(int)
    high = np.clip((p.max(0) + margin + 1) / c.pixel + 1, 0, c.size).astype(int)
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    x, y = c.x[box], c.y[box]
    nearest = np.full(x.shape, np.inf, np.float32)
    odd = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(p, np.roll(p, -1, 0), strict=True):
        ex, ey, wx, wy = bx - ax, by - ay, x - ax, y - ay
        t = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey + 1e-12), 0, 1)
        nearest = np.minimum(nearest, (wx - ex * t) ** 2 + (wy - ey * t) ** 2)
        if ay != by:
            odd ^= ((ay <= y) != (by <= y)) & (wx < wy * ex / ey)
    distance = np.full(c.x.shape, margin, np.float32)
    distance[box] = np.minimum(np.sqrt(nearest), margin) * np.where(odd, -1, 1)
    return distance


def below(profile: Array, c: Canvas, soft: float = 2.0) -> Array:
    """Fill all that lies below a curve y = profile (size,)."""
    return inside(f32(profile[None] - c.y), c, soft)


def expose(picture: Array) -> Array:
    """Bend light that runs over 1 back softly, and clip."""
    over = np.maximum(picture - 0.8, 0)
    return f32(np.clip(np.where(picture > 0.8, 0.8 + 0.2 * np.tanh(over / 0.2), picture), 0, 1))


def turned(x: Array, y: Array, angle: float) -> tuple[Array, Array]:
    """Turn coordinates by an angle in radians."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cos + y * sin, y * cos - x * sin


def starfield(points: tuple[Array, Array, Array], c: Canvas, radius: float = 0.007) -> Array:
    """Shine stars with a small halo where `Noise.sparks` put them."""
    x, y, bright = points
    light = np.minimum(bright, 1.2)
    return splat(x, y, light, c, radius) + splat(x, y, light * 0.25, c, radius * 3.5)
