"""The three features of the founding paper, over exactly one video frame, unsmoothed.

Source: Dzwonczyk, Cella & Ban, "Network Bending of Diffusion Models for Audio-Visual Generation",
DAFx 2024, and its public code. With n = round(sample_rate / frame_rate) samples s and
A = |FFT_4096(s)| (no window, not normalised; sound before the beginning is silence):

    rms = sqrt(Σ s² / n)    flux = Σ |A_t − A_{t−1}|    centroid = Σ f·A / Σ A   (Hz)

where A_{t−1} belongs to the frame before, which ends n samples earlier. The first
frame has no flux.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from livebend.flow import PaperFeatures, Samples

FFT = 4096
SPANS = 10  # of two video frames, that fit on a tape


class PaperFrame:
    """The three features of one moment, computed on the first call, in any thread.

    sound: the last two video frames, float32 [2n]; it must not be changed afterwards.
    is_first: whether the first of them lies before the beginning, at least in part.
    """

    __slots__ = ("_features", "_is_first", "_rate", "_sound")

    def __init__(self, sound: Samples, sample_rate: int, *, is_first: bool) -> None:
        self._sound, self._rate, self._is_first = sound, sample_rate, is_first
        self._features: PaperFeatures | None = None

    def __call__(self) -> PaperFeatures:
        """Return the features."""
        if self._features is None:
            frames = self._sound.reshape(2, -1).astype(np.float64)
            features = _features_of(frames, self._rate)
            self._features = features._replace(flux=0.0) if self._is_first else features
        return self._features

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PaperFrame) and self() == other()

    def __hash__(self) -> int:
        return hash(self())


class PaperTape:
    """The last two video frames of sound, written hop by hop.

    A full tape is replaced by a new one and never overwritten, so that a `PaperFrame` can be a view
    of it.
    """

    def __init__(self, sample_rate: int, frame_rate: float) -> None:
        self._rate = sample_rate
        self._span = self._end = 2 * round(sample_rate / frame_rate)
        self._tape = np.zeros(SPANS * self._span, np.float32)
        self._missing = self._span  # samples until two video frames have been heard

    def step(self, block: Samples) -> PaperFrame:
        """Return the features, not yet computed, of the frame that ends with `block` [hop]."""
        end = self._end + len(block)
        if end > len(self._tape):
            full, self._tape = self._tape, np.empty_like(self._tape)
            self._tape[: self._span] = full[self._end - self._span : self._end]
            end = self._span + len(block)
        self._tape[end - len(block) : end] = block
        self._end = end
        self._missing = max(self._missing - len(block), 0)
        sound = self._tape[end - self._span : end]
        return PaperFrame(sound, self._rate, is_first=self._missing > 0)


def _features_of(frames: NDArray[np.float64], sample_rate: int) -> PaperFeatures:
    """Return the features of the second of two frames [2, n]."""
    before, now = np.abs(np.fft.rfft(frames, FFT))
    rms = float(np.sqrt(np.dot(frames[1], frames[1]) / frames.shape[1]))
    flux = float(np.abs(now - before).sum())
    total = float(now.sum())
    centroid = float(np.dot(_hertz(sample_rate), now)) / total if total > 0 else 0.0
    return PaperFeatures(rms, flux, centroid)


@cache
def _hertz(sample_rate: int) -> NDArray[np.floating]:
    return np.fft.rfftfreq(FFT, 1 / sample_rate)
