"""The short-time spectrum of a sound of any number of channels: their powers added up."""

import numpy as np

from livebend.audio.channels import shared
from livebend.audio.sound import RATE
from livebend.flow import Samples

WINDOW = 1024  # samples, 23 ms
FREQUENCIES = np.arange(WINDOW // 2 + 1, dtype=np.float32) * (RATE / WINDOW)  # Hz, of its bins
# Parseval for a Hann window, whose squares sum to 3/8 of its length.
MEAN_SQUARE = 1.0 / (WINDOW / 2 * WINDOW * 3 / 8)


class Spectrum:
    """|FFT of the last WINDOW samples, Hann|², after every hop."""

    def __init__(self, hop: int) -> None:
        self._hop = hop
        self._hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
        self._last = np.zeros((1, WINDOW), np.float32)

    def step(self, block: Samples) -> Samples:
        """Return the power of every bin after a hop [channels, n]: float32 [WINDOW/2+1]."""
        channels = len(block)
        if len(self._last) != channels:
            self._last = np.repeat(self._last[:1], channels, axis=0)
        self._last[:, : -self._hop] = self._last[:, self._hop :]
        self._last[:, -self._hop :] = block
        bins = np.fft.rfft(self._last * self._hann)
        power = bins.real * bins.real + bins.imag * bins.imag
        summed: Samples = power[0] if channels == 1 else power.sum(axis=0)
        return summed * np.float32(1.0 / shared(channels))


def band(low: float, high: float) -> Samples:
    """Return the weights [WINDOW/2+1] that give the mean square from `low` to under `high` Hz."""
    inside = (low <= FREQUENCIES) & (high > FREQUENCIES)
    return (inside * MEAN_SQUARE).astype(np.float32)
