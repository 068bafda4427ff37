"""Features of a song that has been heard to its end before it is played: for offline.

Live, a gain and a tempo can only follow what was heard. Here both are those of the whole song: its
levels are relative to its own loud moments from the first bar on, and its beats are found by
looking both ways, from the first to the last.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from livebend.audio.analyzer import GATE
from livebend.audio.bands import Bands
from livebend.audio.channels import Mixdown
from livebend.audio.feature_sources import PulledSound
from livebend.audio.levels import Levels, LevelsNow
from livebend.audio.sound import RATE, Sound, filled
from livebend.audio.spectrum import Spectrum
from livebend.audio.tempo import Novelty, Tempo
from livebend.flow import Features

HOP = 256  # samples
LOUD = 0.9  # the quantile of a level that becomes 1, as of the automatic gain
BUCKET = 0.1  # s, of which only the loudest value counts
QUIETEST = 1.0 / 16.0  # a level whose loud moments are below is lifted by 16 at most
LATER = 2.0  # s: a tempo is that of the seconds before it was found
LOOK = 0.2  # s between two looks at it
AROUND = 6.0  # s to either side, of which the usual tempo counts
TIGHT = 100.0  # how much a beat that is off its period costs, against one deviation of novelty
EARLIEST, LATEST = 0.5, 2.0  # periods after the last beat, between which the next one is looked for
FAINT = 0.1  # of the usual novelty of beats: fainter ones at either end are none
EVERY = 2  # hops: how finely beats are looked for, 12 ms; then the best hop is taken

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WholeSong:
    """What is known of a song before it is played.

    gains: factors that bring each level's loud moments to 1.
    beats: their times, in s, rising.
    """

    gains: Mapping[str, float]
    beats: Curve

    def position(self, time: float) -> tuple[int, float, float]:
        """Return the number of the last beat, the phase after it (0..1) and the tempo, at `time` s.

        The first beat has number 0; before it the number is −1 and nothing moves, and after the
        last one the phase goes to its end once.
        """
        beats, last = self.beats, int(np.searchsorted(self.beats, time, side="right")) - 1
        if len(beats) < 2:
            return -1, 0.0, 0.0
        if last < 0:
            return -1, 0.0, 60.0 / float(beats[1] - beats[0])
        at = min(last, len(beats) - 2)
        period = float(beats[at + 1] - beats[at])
        phase = (time - float(beats[last])) / period
        return last, min(max(phase, 0.0), 1.0 - 1e-9), 60.0 / period


class LookAhead:
    """The features of a recording with what is known of the whole of it; used as `PulledSound`."""

    def __init__(self, pulled: PulledSound, song: WholeSong) -> None:
        self._pulled, self._song = pulled, song

    def at(self, time: float) -> Features:
        """Return the features at a time. Raises: SoundError."""
        heard, gains = self._pulled.at(time), self._song.gains
        count, phase, bpm = self._song.position(time)
        silent = heard.silent
        return replace(
            heard,
            rms=0.0 if silent else min(heard.rms * gains["rms"], 1.0),
            low=0.0 if silent else min(heard.low * gains["low"], 1.0),
            mid=0.0 if silent else min(heard.mid * gains["mid"], 1.0),
            high=0.0 if silent else min(heard.high * gains["high"], 1.0),
            bpm=bpm,
            beat_count=count,
            beat_phase=phase,
            normalised=True,
        )

    def reaches(self, time: float) -> bool:
        """See `PulledSound`."""
        return self._pulled.reaches(time)

    def close(self) -> None:
        """Close the recording."""
        self._pulled.close()


def hear_whole(sound: Sound) -> WholeSong:
    """Hear a recording to its end, once. Raises: SoundError where it can no longer be read."""
    dt = HOP / RATE
    mixdown, spectrum, bands = Mixdown(), Spectrum(HOP), Bands()
    levels, novelty, tempo = Levels(dt), Novelty(), Tempo(dt)
    loud = list[LevelsNow]()
    risen, bpm = list[float](), list[float]()
    tape = sound.tape()
    try:
        while (block := tape.read(HOP)).shape[1]:
            block = filled(block, HOP)
            _, power = mixdown.step(block)
            heard = bands.step(spectrum.step(block))
            loud.append(levels.step(power, heard.low, heard.mid, heard.high))
            risen.append(novelty.step(heard))
            tempo.step(heard)
            bpm.append(tempo.bpm)
    finally:
        tape.close()
    beats = find_beats(np.array(risen), np.array(bpm), dt)
    return WholeSong(_gains(np.array(loud), dt), beats)


def _gains(levels: Curve, dt: float) -> dict[str, float]:
    """The gains of levels [hops, 4]: as the automatic gain, but of all buckets with sound."""
    each = max(1, round(BUCKET / dt))
    whole = len(levels) // each * each
    buckets = levels[:whole].reshape(-1, each, 4).max(1) if whole else levels
    sounding = buckets[buckets[:, 0] >= GATE]
    if not len(sounding):
        return dict.fromkeys(LevelsNow._fields, 1.0)
    ordered = np.sort(sounding, axis=0)
    quantile = ordered[math.ceil(LOUD * len(ordered)) - 1]
    return {
        name: 1.0 / max(float(value), QUIETEST)
        for name, value in zip(LevelsNow._fields, quantile, strict=True)
    }


def find_beats(novelty: Curve, bpm: Curve, dt: float) -> Curve:
    """Return the times of a song's beats, in s, from its novelty and its tempo at every hop.

    The best row of beats is that of the largest

        C(t) = O(t) + max over τ of (C(t − τ) − a·ln²(τ / T(t))),   T = 60 s / tempo

    found backwards from its end. Source: Ellis 2007, Beat Tracking by Dynamic Programming, eq. 5–6,
    with a period that moves with the tempo.
    """
    known = np.flatnonzero(bpm)
    if not len(known):
        return np.zeros(0)
    strength = _smooth(novelty, dt)
    coarse = strength[: len(strength) // EVERY * EVERY].reshape(-1, EVERY).max(1)
    periods = _periods(bpm, known, dt)[::EVERY][: len(coarse)] / EVERY
    score, before = coarse.copy(), np.full(len(coarse), -1)
    for t, period in enumerate(periods):
        nearest, farthest = round(EARLIEST * period), round(LATEST * period)
        first = max(t - farthest, 0)
        if first >= t - nearest:
            continue
        ago = np.arange(t - first, nearest, -1)
        found = score[first : t - nearest] - TIGHT * np.log(ago / period) ** 2
        best = int(found.argmax())
        if found[best] > 0.0:
            score[t] += found[best]
            before[t] = first + best
    end = len(score) - round(LATEST * float(periods[-1]))
    t = max(end, 0) + int(score[max(end, 0) :].argmax())
    rows = list[int]()
    while t >= 0:
        rows.append(t)
        t = int(before[t])
    return _trimmed(strength, np.array(rows[::-1]), dt)


def _smooth(novelty: Curve, dt: float) -> Curve:
    """Novelty in its own deviations, over 20 ms, so that a beat may be a little early or late."""
    reach = round(0.03 / dt)
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) * dt / 0.01) ** 2)
    deviation = float(novelty.std()) or 1.0
    return np.convolve(novelty / deviation, window / window.sum(), mode="same")


def _periods(bpm: Curve, known: NDArray[np.intp], dt: float) -> Curve:
    """The period at every hop, in hops: of the tempo that was found LATER, and the usual one of the
    seconds about it, since in a break of the drums any other may be found."""
    each, around = round(LOOK / dt), round(AROUND / LOOK)
    times = np.arange(0, len(bpm), each)
    at = np.searchsorted(known - round(LATER / dt), times, side="right") - 1
    found = np.pad(bpm[known[np.clip(at, 0, len(known) - 1)]], around, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(found, 2 * around + 1), axis=1)
    return np.repeat(60.0 / dt / usual, each)[: len(bpm)]


def _trimmed(strength: Curve, rows: NDArray[np.intp], dt: float) -> Curve:
    """The times of beats, at the best hop of each, without the faint ones at either end."""
    exact = np.array([row * EVERY + int(strength[row * EVERY :][:EVERY].argmax()) for row in rows])
    strong = strength[exact]
    loud = np.flatnonzero(strong >= FAINT * float(np.sqrt(np.mean(strong**2))))
    if len(loud) < 2:
        return np.zeros(0)
    return (exact[loud[0] : loud[-1] + 1] + 0.5) * dt
