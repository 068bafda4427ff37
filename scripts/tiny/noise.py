"""Read a drawing's choices out of diffusion noise.

Every random choice of a drawing is a fixed, smooth function of the very noise that the diffusion
model will later start from. So a picture is a function of (words, noise): one denoising step has
something definite to learn, noise that moves smoothly moves the picture smoothly, and the noise
stays exactly N(0, I), as every pipeline draws it.

Coefficients are those of the orthonormal 2-D cosine transform of each channel, so each is N(0, 1)
and the lowest ones are tilts and bulges of the noise: tilt it to the right and the orb goes right.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.special import ndtr

from .canvas import SQUARE, Canvas, Size

Array = NDArray[np.float32]

CHANNELS = 4
"""Channels of the latents."""

# name: (channel, vertical frequency, horizontal frequency) of the cosine it reads
SLOTS: dict[str, tuple[int, int, int]] = {
    "x": (0, 0, 1),
    "y": (0, 1, 0),
    "scale": (1, 0, 0),
    "hue_cos": (2, 0, 0),
    "hue_sin": (3, 0, 0),
    "turn_cos": (1, 0, 1),
    "turn_sin": (1, 1, 0),
    "tilt": (2, 0, 1),
    "bend": (2, 1, 0),
    "a": (3, 0, 1),
    "b": (3, 1, 0),
    "c": (0, 0, 0),
    "d": (0, 1, 1),
    "e": (1, 1, 1),
    "f": (2, 1, 1),
    "g": (3, 1, 1),
    "h": (0, 0, 2),
    "i": (0, 2, 0),
    "j": (1, 0, 2),
    "k": (1, 2, 0),
    "l": (2, 0, 2),
    "m": (2, 2, 0),
}


def draw_noise(seed: int, size: Size = SQUARE) -> Array:
    """Draw the noise (4, h / 8, w / 8) of a seed, for a picture of a size.

    Raises:
        ValueError: A side is not a multiple of 8.
    """
    return np.random.default_rng(seed).standard_normal((CHANNELS, *size.grid), dtype=np.float32)


def reshaped(eps: Array, fresh: Array) -> Array:
    """Return noise of the shape of `fresh` from which the choices read as from `eps`, and all that
    is not a choice as from `fresh`. Where both are N(0, I), so is what is returned."""
    wanted, given = (dctn(noise, axes=(1, 2), norm="ortho") for noise in (fresh, eps))
    for slot in SLOTS.values():
        wanted[slot] = given[slot]
    return np.asarray(idctn(wanted, axes=(1, 2), norm="ortho"), np.float32)


class Noise:
    """Noise (4, h, w) ~ N(0, I), read as the named choices and fields of a drawing."""

    def __init__(self, eps: Array) -> None:
        self.eps = eps

    @cached_property
    def _cosines(self) -> Array:
        return np.asarray(dctn(self.eps, axes=(1, 2), norm="ortho"), np.float32)

    def normal(self, slot: str) -> float:
        """Read a choice ~ N(0, 1)."""
        return float(self._cosines[SLOTS[slot]])

    def normals(self) -> Array:
        """Read all choices (slots,), in their order."""
        return np.array([self.normal(slot) for slot in SLOTS], np.float32)

    def uniform(self, slot: str, low: float = 0.0, high: float = 1.0) -> float:
        """Read a choice ~ U(low, high)."""
        return low + (high - low) * float(ndtr(self.normal(slot)))

    def angle(self, name: str) -> float:
        """Read an angle ~ U(−π, π) from a pair of slots: "hue" or "turn"."""
        return float(np.arctan2(self.normal(f"{name}_sin"), self.normal(f"{name}_cos")))

    def field(
        self,
        channel: int,
        c: Canvas,
        slope: float = 3.0,
        lowest: float = 1.0,
        stretch: tuple[float, float] = (1.0, 1.0),
    ) -> Array:
        """Grow a cloudy field (h, w) of unit variance from one channel.

        Its power falls as frequency^−slope above `lowest` (half waves in a picture's shorter side),
        so slope 2 is rugged and 4 is smooth. `stretch` (vertical, horizontal) above 1 smears along
        that axis.
        """
        h, w = self.eps.shape[1:]
        rows = np.arange(h, dtype=np.float32)[:, None] / c.tall * stretch[0]
        cols = np.arange(w, dtype=np.float32)[None] / c.wide * stretch[1]
        k = np.maximum(np.hypot(rows, cols), lowest)
        gain = k ** np.float32(-slope / 2 - 0.5)
        gain[0, 0] = 0.0
        gain *= math.sqrt(c.x.size) / np.sqrt((gain**2).sum())
        padded = np.zeros(c.x.shape, np.float32)
        n, m = min(h, c.size.height), min(w, c.size.width)
        padded[:n, :m] = (self._cosines[channel] * gain)[:n, :m]
        return np.asarray(idctn(padded, norm="ortho"), np.float32)

    def profile(self, channel: int, c: Canvas, row: float, slope: float = 2.5) -> Array:
        """Read a curve (w,) of unit variance: a field's values along one row (0 top, 1 end)."""
        field = self.field(channel, c, slope)
        return field[min(c.size.height - 1, int(row * c.size.height))]

    def sparks(self, c: Canvas, channel: int = 3, above: float = 1.6) -> tuple[Array, Array, Array]:
        """Place points at the noise's peaks: x, y on the canvas and brightness above 0.

        A peak shines by what it exceeds `above`; its place inside its cell comes from the other
        channels there, so a point drifts and fades as the noise moves, and never jumps.
        """
        h, w = self.eps.shape[1:]
        rows, cols = np.nonzero(self.eps[channel] > above)
        bright = self.eps[channel][rows, cols] - np.float32(above)
        dx = np.tanh(self.eps[(channel + 1) % CHANNELS][rows, cols]) * 0.45
        dy = np.tanh(self.eps[(channel + 2) % CHANNELS][rows, cols]) * 0.45
        x = ((cols + 0.5 + dx) / w * 2 - 1) * c.wide
        y = ((rows + 0.5 + dy) / h * 2 - 1) * c.tall
        return x.astype(np.float32), y.astype(np.float32), bright
