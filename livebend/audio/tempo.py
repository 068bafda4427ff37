"""The tempo of the last four seconds, and the beats in it.

Novelty (how much each band grows, on a logarithmic scale) is correlated with itself; the period
whose multiples agree best is the tempo. aubio's tempo needs six seconds and more to follow a
change, and half as much again of the time of everything else together.
"""

import math

import numpy as np
from numpy.typing import NDArray

from livebend.audio.bands import BandsNow

SPAN = 4.0  # s of novelty that are looked at
EVERY = 0.2  # s between two looks
LEAST_SPAN = 2.2  # s that must have been heard
SLOWEST, FASTEST, COMMON = 60.0, 200.0, 120.0  # beats a minute
OCTAVES = 0.9  # standard deviation of tempos about the common one
MULTIPLES = 4
KEPT = 0.8  # of the best score: as long as the present tempo has it, it stays
NEAR = 0.04  # relative: the same tempo
CONFIDENT = 0.2  # of the novelty's power that must recur
AGREED = 2  # looks that must agree on another tempo
FLOOR = 1e-6  # mean square, -60 dB: below it growth is noise
MOST = 4.0  # growth of a band in a hop, so that the first sound after silence is no giant
PHASES = 48  # in a beat
LATE = 0.012  # s after an attack, when its novelty is largest
SMOOTH = 0.010  # s, of the novelty, so that a beat may be a little early or late

Curve = NDArray[np.float64]


class Novelty:
    """How much the bands grow from hop to hop, on a logarithmic scale; the lowest counts double."""

    def __init__(self) -> None:
        self._last: tuple[float, ...] = (0.0,) * 5

    def step(self, bands: BandsNow) -> float:
        """Return the growth in a hop."""
        logs = tuple(math.log(FLOOR + band) for band in bands[3:])
        grown = [min(max(new - old, 0.0), MOST) for new, old in zip(logs, self._last, strict=True)]
        self._last = logs
        return 2.0 * grown[0] + sum(grown[1:])


class Tempo:
    """Hears the bands hop after hop; says when a beat falls, and at which tempo."""

    def __init__(self, dt: float) -> None:
        self._dt = dt
        self._span, self._every = round(SPAN / dt), round(EVERY / dt)
        self._novelty = np.zeros(self._span)
        self._growth = Novelty()
        self._hops = 0
        self._sounding = 0  # hops since the first sound
        self._size = 1 << (2 * self._span - 1).bit_length()
        grid = np.geomspace(SLOWEST, FASTEST, 241)
        self._grid, self._periods = grid, 60.0 / grid / dt
        self._prior = np.exp(-0.5 * (np.log2(grid / COMMON) / OCTAVES) ** 2)
        smooth = np.exp(-0.5 * (np.fft.rfftfreq(self._size, dt) * 2 * np.pi * SMOOTH) ** 2)
        self._smooth = smooth**2
        self._other, self._agreed = 0.0, 0
        self._next = self._since = math.inf  # hops to the next beat, and since the last
        self.bpm = 0.0

    def step(self, bands: BandsNow) -> bool:
        """Hear a hop; return whether a beat falls in it."""
        grown = self._novelty[self._hops % self._span] = self._growth.step(bands)
        self._hops += 1
        self._sounding += self._sounding > 0 or grown > 0.0
        if self._hops % self._every == 0 and self._sounding * self._dt >= LEAST_SPAN:
            self._look()
        self._next -= 1.0
        self._since += 1.0
        if self._next > 0.0:
            return False
        self._next += 60.0 / self.bpm / self._dt
        self._since = 0.0
        return True

    def _look(self) -> None:
        self._next = math.inf  # where nothing recurs, there is no beat
        place = self._hops % self._span
        novelty = np.concatenate((self._novelty[place:], self._novelty[:place]))
        centred = novelty - novelty.mean()
        spectrum = np.fft.rfft(centred, self._size)
        alike = np.fft.irfft((spectrum.real**2 + spectrum.imag**2) * self._smooth)[: self._span]
        if alike[0] <= 0.0:
            return
        scores = self._scores(alike / alike[0])
        best = int(scores.argmax())
        if scores[best] < CONFIDENT:
            return
        self._choose(scores, best)
        if self.bpm > 0.0:
            self._find_beat(novelty)

    def _scores(self, alike: Curve) -> Curve:
        """Return how well each tempo's multiples agree, from their autocorrelation [span]."""
        places = self._periods[:, None] * np.arange(1, MULTIPLES + 1)
        inside = places < self._span - 1
        values = np.interp(places, np.arange(self._span), alike)
        values *= inside * (self._span / np.maximum(self._span - places, self._span / 4))
        scores: Curve = values.sum(axis=1) / inside.sum(axis=1) * self._prior
        return scores

    def _choose(self, scores: Curve, best: int) -> None:
        near = np.abs(self._grid / self.bpm - 1.0) < NEAR if self.bpm else np.zeros(1, bool)
        if near.any():
            local = int(np.where(near, scores, -np.inf).argmax())
            if scores[local] >= KEPT * scores[best]:
                self._agreed = 0
                self.bpm = self._peak(scores, local)
                return
        found = self._peak(scores, best)
        is_same = self._other and abs(found / self._other - 1.0) < NEAR
        self._agreed = self._agreed + 1 if is_same else 1
        self._other = found
        if self._agreed >= AGREED:
            self.bpm, self._agreed = found, 0

    def _peak(self, scores: Curve, index: int) -> float:
        """Return the tempo at the top of the parabola through a score and its neighbours."""
        if not 0 < index < len(scores) - 1:
            return float(self._grid[index])
        left, top, right = scores[index - 1 : index + 2]
        bend = left - 2.0 * top + right
        offset = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
        step = math.log(self._grid[1] / self._grid[0])
        return float(self._grid[index] * math.exp(step * min(max(offset, -1.0), 1.0)))

    def _find_beat(self, novelty: Curve) -> None:
        """Set when the next beat falls, from where in the period the novelty of late was."""
        period = 60.0 / self.bpm / self._dt
        ago = np.arange(self._span - 1, -1, -1.0)
        recent = novelty * np.exp(-ago / (self._span / 2))
        phases = (ago / period % 1.0 * PHASES).astype(np.intp)
        folded = np.bincount(phases, recent, PHASES)
        smooth = folded + 0.5 * (np.roll(folded, 1) + np.roll(folded, -1))
        since = (smooth.argmax() + 0.5) / PHASES * period + LATE / self._dt  # hops since a beat
        self._next = period - since % period
        if self._next + self._since < period / 2:  # that beat was counted
            self._next += period
