"""The drawing kit: coordinates, soft edges, colour ramps, light.

A picture is float32 (h, w, 3) in 0..1 (light may run over and is bent back at the end); a tone or a
mask is (h, w). Coordinates are 0 in the middle, x to the right and y down; the shorter side runs
−1..1 and the longer one as far as it goes, so a drawing is the same at every size and a circle is
one in every shape. Where a thing stands is told as a share −1..1 of the way from the middle to the
picture's edge, so a horizon, a sun or an orb keeps its place when the shape changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

Array = NDArray[np.float32]
Colour = tuple[float, float, float]


LATENT = 8
"""Pixels along a side of a latent."""


class Size(NamedTuple):
    """A picture's size in pixels."""

    width: int
    height: int

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of its latents and their noise.

        Raises:
            ValueError: A side is not a multiple of 8.
        """
        if self.width % LATENT or self.height % LATENT:
            raise ValueError(f"size {self}: expected multiples of {LATENT}")
        return self.height // LATENT, self.width // LATENT

    @staticmethod
    def parse(text: str) -> Size:
        """Read a size such as 448x256.

        Raises:
            ValueError: It is not two numbers above 0.
        """
        width, _, height = text.partition("x")
        if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
            raise ValueError(f"size {text}: expected width and height, such as 448x256")
        return Size(int(width), int(height))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


SQUARE = Size(256, 256)


def size_of(picture: NDArray[Any]) -> Size:
    """Return the size of a picture (h, w, ...)."""
    return Size(picture.shape[1], picture.shape[0])


@dataclass(frozen=True)
class Canvas:
    """A grid of points: `x` (h, w) in −wide..wide and `y` (h, w) in −tall..tall, of which the
    smaller is 1; `u` and `v` are the same as shares −1..1 of the way to the edges; `pixel` is the
    distance of two points."""

    size: Size
    x: Array
    y: Array
    u: Array
    v: Array
    wide: float
    tall: float
    pixel: float


@lru_cache(maxsize=8)
def canvas(size: Size) -> Canvas:
    """Lay out the grid of a size."""
    across, down = ((np.arange(n, dtype=np.float32) + 0.5) / n * 2 - 1 for n in size)
    v, u = np.meshgrid(down, across, indexing="ij")
    short = min(size)
    wide, tall = size.width / short, size.height / short
    return Canvas(size, f32(u * wide), f32(v * tall), u, v, wide, tall, 2.0 / short)


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
    """Blur by a radius in units of the canvas (2 is its shorter side); wide radii at a lower size.

    That is half as large, or a fourth, as long as both sides can be halved.
    """
    sigma = radius / c.pixel
    factor = 1
    while 4 * factor <= sigma and not any(n % (2 * factor) or n < 32 * factor for n in c.size):
        factor *= 2
    if factor == 1:
        tail = (0.0,) * (image.ndim - 2)
        return f32(gaussian_filter(image, (sigma, sigma, *tail), mode="nearest", truncate=3.0))
    h, w = c.size.height // factor, c.size.width // factor
    small = image.reshape(h, factor, w, factor, *image.shape[2:]).mean((1, 3))
    tail = (0.0,) * (image.ndim - 2)
    small = gaussian_filter(small, (sigma / factor, sigma / factor, *tail), mode="nearest")
    return enlarge(f32(small), c.size)


def _between(n: int, size: int) -> tuple[NDArray[np.int32], Array]:
    """Say where `size` points lie among n: after which one, and how far on to the next."""
    at = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    low = np.minimum(at.astype(np.int32), n - 2)
    return low, f32(at - low)


def enlarge(image: Array, size: Size) -> Array:
    """Enlarge (h, w, ...) to a size linearly."""
    low, t = _between(image.shape[0], size.height)
    rows = image[low] + (image[low + 1] - image[low]) * t.reshape(-1, *(1,) * (image.ndim - 1))
    low, t = _between(image.shape[1], size.width)
    image = rows[:, low]
    return f32(image + (rows[:, low + 1] - image) * t.reshape(1, -1, *(1,) * (image.ndim - 2)))


def glow(light: Array, c: Canvas, radius: float = 0.06, strength: float = 1.0) -> Array:
    """Spread light into its surroundings: a near and a wide halo, without the light itself."""
    return f32((blur(light, radius, c) * 0.9 + blur(light, radius * 3.5, c) * 0.8) * strength)


def splat(x: Array, y: Array, light: ArrayLike, c: Canvas, radius: float = 0.008) -> Array:
    """Drop points of light, each about `radius` wide and of height `light`, on black."""
    col, row = (x + c.wide) / c.pixel - 0.5, (y + c.tall) / c.pixel - 0.5
    width, height = c.size
    i, j = np.floor(col).astype(np.int64), np.floor(row).astype(np.int64)
    u, v = col - i, row - j
    flat = np.zeros(width * height)
    for di, dj, weight in (
        (0, 0, (1 - u) * (1 - v)),
        (1, 0, u * (1 - v)),
        (0, 1, (1 - u) * v),
        (1, 1, u * v),
    ):
        ok = (i + di >= 0) & (i + di < width) & (j + dj >= 0) & (j + dj < height)
        at = ((j + dj) * width + i + di)[ok]
        flat += np.bincount(at, (weight * light)[ok], width * height)
    sigma = max(radius / c.pixel, 0.5)
    image = gaussian_filter(flat.reshape(height, width).astype(np.float32), sigma)
    return f32(image * (2 * np.pi * sigma**2 + 0.3))


def polygon(points: ArrayLike, c: Canvas) -> Array:
    """Measure the signed distance to a closed polygon (n, 2), negative inside.

    Only near it: farther than 0.15 from its bounding box, the distance is given as 0.15.
    """
    p = f32(points)
    margin = 0.15
    edge = f32([c.wide, c.tall])
    low = np.clip((p.min(0) - margin + edge) / c.pixel, 0, c.size).astype(int)
    high = np.clip((p.max(0) + margin + edge) / c.pixel + 1, 0, c.size).astype(int)
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
    """Fill all that lies below a curve y = profile (w,)."""
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
