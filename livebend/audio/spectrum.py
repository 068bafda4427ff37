"""The short-time spectrum of a sound of any number of channels: their powers added up."""

import numpy as np

from livebend.audio.channels import shared
from livebend.audio.sound import RATE
from livebend.flow import Samples

WINDOW = 1024  # samples, 23 ms
FREQUENCIES = np.arange(WINDOW // 2 + 1, dtype=np.float32) * (RATE / WINDOW)  # Hz, of its bins
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
# Parseval for a Hann window, whose squares sum to 3/8 of its length.
MEAN_SQUARE = 1.0 / (WINDOW / 2 * WINDOW * 3 / 8)


class Spectrum:
    """|FFT of the last WINDOW samples, Hann|², after every hop."""

    def __init__(self, hop: int) -> None:
        self._hop = hop
        self._begin(np.zeros((1, WINDOW), np.float32))

    def step(self, block: Samples) -> Samples:
        """Return the power of every bin after a hop [channels, n]: float32 [WINDOW/2+1]."""
        channels = len(block)
        if len(self._last) != channels:
            self._begin(np.repeat(self._last[:1], channels, axis=0))
        self._last[:, : -self._hop] = self._last[:, self._hop :]
        self._last[:, -self._hop :] = block
        np.multiply(self._last, HANN, out=self._windowed)
        squares = np.square(np.fft.rfft(self._windowed).view(np.float32))
        power = squares[0] if channels == 1 else squares.sum(axis=0) / np.float32(shared(channels))
        summed: Samples = power[::2] + power[1::2]
        return summed

    def _begin(self, last: Samples) -> None:
        self._last, self._windowed = last, np.empty_like(last)


def band(low: float, high: float) -> Samples:
    """Return the weights [WINDOW/2+1] that give the mean square from `low` to under `high` Hz."""
    inside = (low <= FREQUENCIES) & (high > FREQUENCIES)
    return (inside * MEAN_SQUARE).astype(np.float32)
