"""Every source a route can listen to: one function each, 0..1 unless it says otherwise.

To add one, write a function here and its name in `livebend.scene.values.Source`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

from livebend.core.ranges import eased
from livebend.flow import Features

Kind = Literal["level", "sound", "pulse", "time", "paper"]
KINDS: Mapping[Kind, str] = {
    "level": "automatic gain and gate, then curve, attack, release",
    "sound": "curve, attack, release",
    "pulse": "1 at the event, then the release",
    "time": "curve alone",
    "paper": "degrees as in the paper; no curve, attack or release",
}

HIGHEST_BPM, HIGHEST_CENTROID, HIGHEST_FLUX = 240.0, 10_000.0, 1000.0
LOWEST_PITCH, PITCH_OCTAVES = 55.0, 5.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What a source may look at: the sound now and one frame ago, and the place in the show, 0..1.

    `periods` are those of an LFO since the show began, whole and part; `seed` belongs to its
    chance. Both are there for sources of time alone.
    """

    features: Features
    before: Features
    progress: float
    periods: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source; KINDS says what is done to it on its way to a route's target."""

    name: str
    kind: Kind
    read: Callable[[Moment], float]

    @property
    def doc(self) -> str:
        """What it is, in one line."""
        return (self.read.__doc__ or "").strip()


_sources: dict[str, SourceSpec] = {}
SOURCES: Mapping[str, SourceSpec] = _sources

Read = Callable[[Moment], float]


def _source(name: str, kind: Kind) -> Callable[[Read], Read]:
    def register(read: Read) -> Read:
        _sources[name] = SourceSpec(name, kind, read)
        return read

    return register


@_source("rms", "level")
def _rms(m: Moment) -> float:
    """Loudness, after the automatic gain."""
    return m.features.rms


@_source("low", "level")
def _low(m: Moment) -> float:
    """Loudness below 200 Hz, after its own automatic gain."""
    return m.features.low


@_source("mid", "level")
def _mid(m: Moment) -> float:
    """Loudness from 200 Hz to 2 kHz, after its own automatic gain."""
    return m.features.mid


@_source("high", "level")
def _high(m: Moment) -> float:
    """Loudness above 2 kHz, after its own automatic gain."""
    return m.features.high


@_source("flux", "sound")
def _flux(m: Moment) -> float:
    """Change of the spectrum, scaled by its own last seconds."""
    return m.features.flux


@_source("flux_raw", "sound")
def _flux_raw(m: Moment) -> float:
    """Change of the spectrum as it is, per 1000 of aubio's units."""
    return m.features.flux_raw / HIGHEST_FLUX


@_source("centroid", "sound")
def _centroid(m: Moment) -> float:
    """Spectral centroid; 1 = 10 kHz."""
    return m.features.centroid / HIGHEST_CENTROID


@_source("brightness", "sound")
def _brightness(m: Moment) -> float:
    """Spectral centroid on a logarithmic scale, 50 Hz to 10 kHz."""
    return m.features.brightness


@_source("pitch", "sound")
def _pitch(m: Moment) -> float:
    """Pitch in octaves above 55 Hz, of five; 0 where there is none."""
    hertz = max(m.features.pitch, LOWEST_PITCH)
    return math.log2(hertz / LOWEST_PITCH) / PITCH_OCTAVES


@_source("bpm", "sound")
def _bpm(m: Moment) -> float:
    """Tempo; 1 = 240 beats a minute, 0 = not known."""
    return m.features.bpm / HIGHEST_BPM


@_source("beat.phase", "time")
def _beat_phase(m: Moment) -> float:
    """Place in the beat, rising from 0 to 1."""
    return m.features.beat_phase


@_source("beat.pulse", "pulse")
def _beat_pulse(m: Moment) -> float:
    """1 at a beat, falling with the release."""
    return float(m.features.beat_count > m.before.beat_count)


@_source("onset.pulse", "pulse")
def _onset_pulse(m: Moment) -> float:
    """1 at an onset, falling with the release."""
    return float(m.features.onset_count > m.before.onset_count)


@_source("lfo.sine", "time")
def _sine(m: Moment) -> float:
    """Sine, beginning at its low end."""
    return 0.5 - 0.5 * math.cos(math.tau * m.periods)


@_source("lfo.triangle", "time")
def _triangle(m: Moment) -> float:
    """Triangle, beginning at its low end."""
    return 1.0 - abs(2.0 * (m.periods % 1.0) - 1.0)


@_source("lfo.saw", "time")
def _saw(m: Moment) -> float:
    """Ramp from 0 to 1."""
    return m.periods % 1.0


@_source("lfo.square", "time")
def _square(m: Moment) -> float:
    """0 for half a period, then 1."""
    return float(m.periods % 1.0 >= 0.5)


@_source("lfo.random", "time")
def _random(m: Moment) -> float:
    """A smooth path through a new random value every period, the same for the same seed."""
    index = math.floor(m.periods)
    smooth = eased(m.periods - index)
    return (1.0 - smooth) * _chance(m.seed, index) + smooth * _chance(m.seed, index + 1)


@_source("constant", "time")
def _constant(m: Moment) -> float:  # noqa: ARG001
    """1, always: a fixed offset of `high`."""
    return 1.0


@_source("show.progress", "time")
def _progress(m: Moment) -> float:
    """Place in the show, from 0 at its beginning to 1 at its end."""
    return m.progress


@_source("paper.rms", "paper")
def _paper_rms(m: Moment) -> float:
    """The paper's angle from loudness, in degrees: 25·rms rad."""
    return math.degrees(25.0 * m.features.paper_rms)


@_source("paper.flux", "paper")
def _paper_flux(m: Moment) -> float:
    """The paper's angle from spectral flux, in degrees: flux/2500 rad."""
    return math.degrees(m.features.paper_flux / 2500.0)


@_source("paper.centroid", "paper")
def _paper_centroid(m: Moment) -> float:
    """The paper's angle from the spectral centroid, in degrees: Hz/2500 rad."""
    return math.degrees(m.features.paper_centroid / 2500.0)


def _chance(seed: int, index: int) -> float:
    """Return a number in 0..1 that looks random, the same for the same arguments everywhere."""
    return crc32(f"{seed}:{index}:livebend".encode()) / 0xFFFFFFFF
