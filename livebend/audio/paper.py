"""The three features of the founding paper, over exactly one video frame, unsmoothed.

Source: Dzwonczyk, Cella & Ban, "Network Bending of Diffusion Models for Audio-Visual Generation",
DAFx 2024, and its public code. With n = round(sample_rate / frame_rate) samples s and
A = |FFT_4096(s)| (no window, not normalised; sound before the beginning is silence):

    rms = sqrt(Σ s² / n)    flux = Σ |A_t − A_{t−1}|    centroid = Σ f·A / Σ A   (Hz)

where A_{t−1} belongs to the frame before, which ends n samples earlier.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from livebend.audio.sound import Samples

FFT = 4096


class PaperFrame:
    """The last two video frames of sound, hop by hop."""

    def __init__(self, sample_rate: int, hop: int, frame_rate: float) -> None:
        self._frame = round(sample_rate / frame_rate)
        self._hop = hop
        self._sound = np.zeros(2 * self._frame + hop, np.float32)
        self._hertz = np.fft.rfftfreq(FFT, 1 / sample_rate)
        silence = np.zeros(FFT // 2 + 1)
        hops = self._frame // hop if self._frame % hop == 0 else 0
        self._past = deque([silence] * hops, maxlen=hops) if hops else None

    def step(self, block: Samples) -> tuple[float, float, float]:
        """Return (rms, flux, centroid in Hz) of the frame that ends with `block` [hop]."""
        self._sound = np.concatenate((self._sound[self._hop :], block))
        samples = self._sound[-self._frame :].astype(np.float64)
        now = self._magnitudes(samples)
        rms = float(np.sqrt(np.dot(samples, samples) / self._frame))
        flux = float(np.abs(now - self._before(now)).sum())
        total = float(now.sum())
        centroid = float(np.dot(self._hertz, now)) / total if total > 0 else 0.0
        return rms, flux, centroid

    def _before(self, now: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the spectrum of the frame before: remembered where hops divide a frame."""
        if self._past is None:
            return self._magnitudes(self._sound[-2 * self._frame : -self._frame])
        before = self._past[0]
        self._past.append(now)
        return before

    @staticmethod
    def _magnitudes(samples: Samples | NDArray[np.float64]) -> NDArray[np.float64]:
        spectrum: NDArray[np.complex128] = np.fft.rfft(samples, FFT)
        return np.abs(spectrum)
