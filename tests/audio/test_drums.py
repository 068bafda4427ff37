"""Kick, snare and hat are counted where they are, and not where another is."""

import numpy as np
import pytest

from livebend.audio.analyzer import Analyzer
from livebend.audio.sound import RATE
from tests.fakes.sound import heard, noise, sine

COUNTS = ("kick_count", "snare_count", "hat_count")
SECONDS = 6


def kick():
    t = np.arange(round(0.3 * RATE)) / RATE
    return 0.8 * np.exp(-t / 0.1) * np.sin(2 * np.pi * (48 * t + 3.3 * (1 - np.exp(-t / 0.03))))


def snare():
    t = np.arange(round(0.2 * RATE)) / RATE
    return np.exp(-t / 0.06) * (noise(0.2, 0.2) + 0.3 * np.sin(2 * np.pi * 190 * t))


def hat():
    t = np.arange(round(0.08 * RATE)) / RATE
    return np.exp(-t / 0.02) * np.diff(noise(0.08 + 2.01 / RATE, 0.08), n=2)[: len(t)]


def played(*parts, seconds=SECONDS):
    """Sounds, each beginning at its times, over a faint hiss."""
    track = noise(seconds + 1, 1e-4)
    for wave, times in parts:
        for time in times:
            start = round(time * RATE)
            track[start : start + len(wave)] += wave.astype(np.float32)
    return track[: seconds * RATE]


def counted(track):
    features = heard(Analyzer(245), track)
    before = dict.fromkeys(COUNTS, 0)
    times = {name: [] for name in COUNTS}
    for f in features:
        for name in COUNTS:
            if getattr(f, name) > before[name]:
                times[name].append(f.time)
            before[name] = getattr(f, name)
    return [times[name] for name in COUNTS]


def test_a_pattern_is_counted_hit_by_hit():
    kicks, snares = np.arange(0.5, 6, 0.5), np.arange(0.75, 6, 0.5)
    hats = np.arange(0.625, 6, 0.25)
    found = counted(played((kick(), kicks), (snare(), snares), (hat(), hats)))
    for times, wanted, late in zip(found[:2], (kicks, snares), (0.02, 0.045), strict=True):
        assert len(times) == len(wanted)
        assert all(0 < got - at < late for got, at in zip(times, wanted, strict=True))
    assert all(any(0 < got - at < 0.025 for got in found[2]) for at in hats)


@pytest.mark.parametrize(("wave", "own"), [(kick(), {0}), (snare(), {1, 2}), (hat(), {2})])
def test_one_alone_is_not_taken_for_another(wave, own):
    """A snare is noise up to the highest band, so it is a hat as well."""
    times = np.arange(0.5, 6, 0.5)
    found = counted(played((wave, times)))
    assert [len(f) for f in found] == [len(times) if k in own else 0 for k in range(3)]


@pytest.mark.parametrize("track", [noise(5.0, 0.1), sine(80, 5.0, 0.5), np.zeros(5 * RATE)])
def test_what_goes_on_is_no_drum(track):
    assert all(len(found) <= 2 for found in counted(track.astype(np.float32)))


def test_drums_are_heard_at_any_level():
    times = np.arange(0.5, 6, 0.5)
    for gain in (0.03, 1.0):
        assert len(counted(gain * played((kick(), times)))[0]) == len(times)
