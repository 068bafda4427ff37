"""The built-in sound: a 20 s loop at 120 beats a minute, synthesised here, always the same.

Ten bars of four beats: bars 0–1 a quiet pad; 2–3 bass and hats come in; 4–5 a build, with a rising
filter and a snare roll; 6–9 everything. So every feature varies.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from livebend.audio.sound import RATE, MemorySound
from livebend.flow import Samples

Wave = NDArray[np.float64]

BEAT, BARS = 0.5, 10  # s, bars of four beats
BAR = 4 * BEAT
PEAK = 0.85
CYCLE = 1024  # samples of one stored cycle
CHORDS = ((57, 60, 64, 71), (53, 57, 60, 67), (48, 55, 64, 67), (55, 59, 62, 69))  # Am9 F C G
ROOTS = (33, 29, 36, 31)
RIFF = (0, 0, 12, 0, 7, 0, 12, 7)  # semitones above the root, in eighths
MELODY = (76, 74, 72, 69, 71, 72, 74, 67)


def demo_sound() -> MemorySound:
    """Return the loop, float32 [20·RATE], peak 0.85; its end meets its beginning."""
    mix = _Mix(RATE)
    _pads(mix)
    _bass(mix)
    _drums(mix)
    _build(mix)
    _melody(mix)
    return MemorySound(mix.finished(), "demo")


class _Mix:
    """A circular tape: a note that rings past the end is heard at the beginning."""

    def __init__(self, sample_rate: int) -> None:
        self.rate = sample_rate
        self.tape: Wave = np.zeros(round(BARS * BAR * sample_rate))
        self.noise = np.random.default_rng(1960)

    def time(self, seconds: float) -> Wave:
        """Return the times of the samples of a note, in s."""
        return np.arange(round(seconds * self.rate)) / self.rate

    def add(self, wave: Wave, at: float, gain: float) -> None:
        """Add a note to the tape, `at` seconds from the beginning."""
        begin = round(at * self.rate)
        before_end = max(0, len(self.tape) - begin)
        self.tape[begin : begin + len(wave)] += gain * wave[:before_end]
        if len(wave) > before_end:
            self.tape[: len(wave) - before_end] += gain * wave[before_end:]

    def finished(self) -> Samples:
        """Return the tape with an echo in dotted eighths, gently saturated, at its peak level."""
        echo = round(0.75 * BEAT * self.rate)
        wet = self.tape + 0.18 * np.roll(self.tape, echo) + 0.07 * np.roll(self.tape, 2 * echo)
        soft = np.tanh(1.4 * wet)
        scaled: Samples = (PEAK / np.abs(soft).max() * soft).astype(np.float32)
        return scaled


def _hertz(note: float) -> float:
    return float(440.0 * 2 ** ((note - 69) / 12))


def _saw(note: float, t: Wave, bright: float) -> Wave:
    """Return a sawtooth whose harmonics above `bright` Hz are damped: no aliases, and mellow.

    One cycle is summed from its harmonics and then read at the note's pitch.
    """
    hertz = _hertz(note)
    k = np.arange(1, min(60, int(9000 / hertz)) + 1)
    spectrum = np.zeros(CYCLE // 2 + 1, np.complex128)
    spectrum[k] = -0.5j * CYCLE * np.exp(-((k * hertz / bright) ** 2)) / k
    cycle = np.append(np.fft.irfft(spectrum, CYCLE), 0.0)
    place = hertz * CYCLE * t
    place -= CYCLE * np.floor(place / CYCLE)  # exact, as CYCLE is a power of two; faster than %
    left = place.astype(np.intp)
    wave: Wave = cycle[left] + (place - left) * (cycle[left + 1] - cycle[left])
    return wave


def _pads(mix: _Mix) -> None:
    """Chords that swell; dark in the quiet bars, brighter in the full ones."""
    t = mix.time(BAR + 0.6)
    swell = np.minimum(1, t / 0.5) * np.minimum(1, (t[-1] - t) / 0.6)

    @cache
    def pad(note: float, bright: float) -> Wave:
        wave: Wave = swell * (_saw(note - 0.06, t, bright) + _saw(note + 0.06, t, bright))
        return wave

    for bar in range(BARS):
        bright, gain = (700.0, 0.035) if bar < 4 else (1600.0 + 400 * (bar % 2), 0.05)
        for note in CHORDS[bar // 2 % 4 if bar < 4 else bar % 4]:
            mix.add(pad(note, bright), bar * BAR, gain)


def _bass(mix: _Mix) -> None:
    """Plucked eighths under the chords, from bar 2 on."""
    t = mix.time(0.9 * BEAT / 2)
    pluck = np.exp(-t / 0.12) * np.minimum(1, t / 0.004) * np.minimum(1, (t[-1] - t) / 0.01)

    @cache
    def plucked(note: float) -> Wave:
        wave: Wave = pluck * _saw(note, t, 420.0)
        return wave

    for bar in range(2, BARS):
        root = ROOTS[bar // 2 % 4 if bar < 4 else bar % 4]
        for eighth, step in enumerate(RIFF):
            mix.add(plucked(root + step), bar * BAR + eighth * BEAT / 2, 0.3)


def _kick(mix: _Mix) -> Wave:
    t = mix.time(0.32)
    phase = 2 * np.pi * (48 * t + 110 * 0.03 * (1 - np.exp(-t / 0.03)))
    click = 0.25 * np.exp(-t / 0.004) * mix.noise.standard_normal(len(t))
    return np.exp(-t / 0.11) * np.minimum(1, t / 0.001) * (np.sin(phase) + click)


def _hat(mix: _Mix, seconds: float) -> Wave:
    t = mix.time(4 * seconds)
    return np.exp(-t / seconds) * np.diff(mix.noise.standard_normal(len(t) + 2), n=2)


def _snare(mix: _Mix) -> Wave:
    t = mix.time(0.22)
    noise = np.diff(mix.noise.standard_normal(len(t) + 1))
    return np.exp(-t / 0.06) * noise + 0.9 * np.exp(-t / 0.05) * np.sin(2 * np.pi * 185 * t)


def _drums(mix: _Mix) -> None:
    """Hats from bar 2, kick and snare in bars 4 and 6–9; open hats on the off-beats."""
    for beat in range(8, 4 * BARS):
        bar, at = beat // 4, beat * BEAT
        if bar == 4 or bar >= 6:
            mix.add(_kick(mix), at, 0.95)
        if bar >= 6 and beat % 2:
            mix.add(_snare(mix), at, 0.22)
        for sixteenth in range(4):
            accent = (0.08, 0.018, 0.045, 0.022)[sixteenth] * (1.0 if bar >= 4 else 0.5)
            open_hat = sixteenth == 2 and bar >= 6
            mix.add(_hat(mix, 0.07 if open_hat else 0.018), at + sixteenth * BEAT / 4, accent)


def _build(mix: _Mix) -> None:
    """Bar 5: a snare roll that quickens and a rising wind, then the fall into bar 6."""
    hits = [k * BEAT / 2 for k in range(4)] + [2 * BEAT + k * BEAT / 4 for k in range(7)]
    for hit in hits:
        mix.add(_snare(mix), 5 * BAR + hit, 0.06 + 0.14 * hit / BAR)
    t = mix.time(2 * BAR)
    rise = t / t[-1]
    whistle = np.sin(2 * np.pi * np.cumsum(200 * 20**rise) / mix.rate)
    wind = np.diff(mix.noise.standard_normal(len(t) + 1))
    close = np.minimum(1, (t[-1] - t) / 0.02)
    mix.add(rise**2 * close * (0.5 * whistle + wind), 4 * BAR, 0.10)


def _melody(mix: _Mix) -> None:
    """A bell over the full bars, and once, far away, over the quiet ones."""
    t = mix.time(1.2)
    for step, note in enumerate(MELODY * 3):
        gain = 0.05 if step < 4 else 0.13
        at = step * BAR / 2 if step < 4 else 6 * BAR + (step - 4) * BEAT * 1.0
        if at >= BARS * BAR:
            return
        hertz = _hertz(note)
        bell = np.sin(
            2 * np.pi * hertz * t + 2.2 * np.exp(-t / 0.2) * np.sin(7 * np.pi * hertz * t)
        )
        mix.add(np.exp(-t / 0.3) * np.minimum(1, t / 0.003) * bell, at, gain)
