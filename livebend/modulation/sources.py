"""Every source that a route can follow, 0..1 unless it says otherwise.

To add one, add its name to `livebend.scene.values.Source` and its record to SOURCES.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, NamedTuple
from zlib import crc32

from livebend.core.ranges import eased
from livebend.flow import Features
from livebend.scene.values import Source

Kind = Literal["level", "sound", "pulse", "time", "paper"]
KINDS: Mapping[Kind, str] = {
    "level": "gain and gate, then curve, attack, release",
    "sound": "curve, attack, release",
    "pulse": "1, then the release",
    "time": "curve alone",
    "paper": "degrees; no curve, attack or release",
}

HIGHEST_BPM, HIGHEST_CENTROID, HIGHEST_FLUX = 240.0, 10_000.0, 1000.0
LOWEST_PITCH, PITCH_OCTAVES = 55.0, 5.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What a source may read.

    features, before: the sound now and one frame ago.
    progress: position in the show, 0..1.
    periods: of an LFO since the show began, whole and part; only for sources of kind time.
    seed: of a random source; only for sources of kind time.
    """

    features: Features
    before: Features
    progress: float
    periods: float = 0.0
    seed: int = 0


class SourceSpec(NamedTuple):
    """A source: KINDS says how it is processed on its way to a route's target."""

    kind: Kind
    read: Callable[[Moment], float]
    doc: str


def _octaves(m: Moment) -> float:
    hertz = max(m.features.pitch, LOWEST_PITCH)
    return math.log2(hertz / LOWEST_PITCH) / PITCH_OCTAVES


def _risen(name: str) -> Callable[[Moment], float]:
    """Return what is 1 in the frame in which a counter of the features, by name, has risen."""
    count = attrgetter(name)
    return lambda m: float(count(m.features) > count(m.before))


def _random_path(m: Moment) -> float:
    index = math.floor(m.periods)
    smooth = eased(m.periods - index)
    return (1.0 - smooth) * _hashed(m.seed, index) + smooth * _hashed(m.seed, index + 1)


def _hashed(seed: int, index: int) -> float:
    """Return a pseudo-random number 0..1, the same for the same arguments on every machine."""
    return crc32(f"{seed}:{index}:livebend".encode()) / 0xFFFFFFFF


SOURCES: Mapping[Source, SourceSpec] = {
    "rms": SourceSpec(
        "level", lambda m: m.features.rms, "Loudness, after the automatic gain"),
    "low": SourceSpec(
        "level", lambda m: m.features.low, "Loudness below 200 Hz, after its own gain"),
    "mid": SourceSpec(
        "level", lambda m: m.features.mid,
        "Loudness from 200 Hz to 2 kHz, after its own gain"),
    "high": SourceSpec(
        "level", lambda m: m.features.high, "Loudness above 2 kHz, after its own gain"),
    "flux": SourceSpec(
        "sound", lambda m: m.features.flux,
        "Change of the spectrum, scaled by its own last seconds"),
    "flux_raw": SourceSpec(
        "sound", lambda m: m.features.flux_raw / HIGHEST_FLUX,
        "Change of the spectrum as it is, per 1000 of aubio's units"),
    "centroid": SourceSpec(
        "sound", lambda m: m.features.centroid / HIGHEST_CENTROID, "Spectral centroid; 1 = 10 kHz"),
    "brightness": SourceSpec(
        "sound", lambda m: m.features.brightness,
        "Spectral centroid on a logarithmic scale, 50 Hz to 10 kHz"),
    "pitch": SourceSpec(
        "sound", _octaves, "Pitch in octaves above 55 Hz, of five; 0 where there is none"),
    "bpm": SourceSpec(
        "sound", lambda m: m.features.bpm / HIGHEST_BPM,
        "Tempo; 1 = 240 beats a minute, 0 = not known"),
    "beat.phase": SourceSpec(
        "time", lambda m: m.features.beat_phase, "Place in the beat, rising from 0 to 1"),
    "beat.pulse": SourceSpec("pulse", _risen("beat_count"), "A beat"),
    "bar.phase": SourceSpec(
        "time", lambda m: m.features.bar_phase, "Place in the bar, rising from 0 to 1"),
    "bar.pulse": SourceSpec("pulse", _risen("bar_count"), "The first beat of a bar"),
    "phrase.phase": SourceSpec(
        "time", lambda m: m.features.phrase_phase, "Place in the phrase, rising from 0 to 1"),
    "phrase.pulse": SourceSpec("pulse", _risen("phrase_count"), "The first beat of a phrase"),
    "onset.pulse": SourceSpec("pulse", _risen("onset_count"), "An onset"),
    "kick.pulse": SourceSpec("pulse", _risen("kick_count"), "A bass drum: a hit below 130 Hz"),
    "snare.pulse": SourceSpec(
        "pulse", _risen("snare_count"), "A snare drum: a hit from 1.5 to 6 kHz, with a body"),
    "hat.pulse": SourceSpec("pulse", _risen("hat_count"), "A hi-hat: a hit above 7 kHz"),
    "lfo.sine": SourceSpec(
        "time", lambda m: 0.5 - 0.5 * math.cos(math.tau * m.periods),
        "Sine, beginning at its low end"),
    "lfo.triangle": SourceSpec(
        "time", lambda m: 1.0 - abs(2.0 * (m.periods % 1.0) - 1.0),
        "Triangle, beginning at its low end"),
    "lfo.saw": SourceSpec("time", lambda m: m.periods % 1.0, "Ramp from 0 to 1"),
    "lfo.square": SourceSpec(
        "time", lambda m: float(m.periods % 1.0 >= 0.5), "0 for half a period, then 1"),
    "lfo.random": SourceSpec(
        "time", _random_path,
        "A smooth path through a new random value every period, the same for the same seed"),
    "constant": SourceSpec("time", lambda _: 1.0, "1, always: a fixed offset of `high`"),
    "show.progress": SourceSpec(
        "time", lambda m: m.progress,
        "Place in the show, from 0 at its beginning to 1 at its end"),
    "paper.rms": SourceSpec(
        "paper", lambda m: math.degrees(25.0 * m.features.paper_rms),
        "The paper's angle from loudness: 25·rms rad"),
    "paper.flux": SourceSpec(
        "paper", lambda m: math.degrees(m.features.paper_flux / 2500.0),
        "The paper's angle from spectral flux: flux/2500 rad"),
    "paper.centroid": SourceSpec(
        "paper", lambda m: math.degrees(m.features.paper_centroid / 2500.0),
        "The paper's angle from the spectral centroid: Hz/2500 rad"),
}  # fmt: skip
