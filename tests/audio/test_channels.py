"""Several channels: nothing cancels, nothing is quieter for the number of channels."""

import numpy as np
import pytest

from livebend.audio.analyzer import Analyzer
from livebend.audio.channels import Mixdown
from tests.fakes.sound import clicks, heard, noise, sine

HEARD = ("rms", "low", "mid", "high", "centroid", "bpm", "onset_count", "beat_count", "pitch")
MUSIC = clicks(5.0, 0.5) + sine(220, 5.0, 0.1)
QUIET = np.zeros_like(MUSIC)


def features_of(*channels):
    analyzer, sound = Analyzer(245), np.stack(channels)
    last = None
    for k in range(sound.shape[1] // 245):
        last = analyzer.hear(sound[:, 245 * k : 245 * k + 245], (k + 1) * 245 / 44100)
    return {name: getattr(last, name) for name in (*HEARD, "paper_rms")}


@pytest.fixture(scope="module")
def mono():
    return features_of(MUSIC)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_same_on_both_sides_is_itself_in_phase_or_against_it(mono, sign):
    assert features_of(MUSIC, sign * MUSIC) == pytest.approx(mono, rel=0.02, abs=1e-3)


@pytest.mark.parametrize("channels", [(MUSIC, QUIET), (QUIET, MUSIC), (QUIET, QUIET, MUSIC)])
def test_one_side_is_heard_three_decibels_quieter(mono, channels):
    got = features_of(*channels)
    for name in ("rms", "low", "mid", "high"):
        assert got[name] == pytest.approx(mono[name] / 2**0.5, rel=0.01)
    for name in ("centroid", "bpm", "onset_count", "beat_count"):
        assert got[name] == pytest.approx(mono[name], rel=0.01)


@pytest.mark.parametrize("channels", [6, 8, 16])
def test_stereo_in_more_channels_is_as_loud_as_stereo(mono, channels):
    silent = [QUIET] * (channels - 2)
    got = features_of(MUSIC, MUSIC, *silent)
    assert got == pytest.approx(mono, rel=0.01, abs=1e-3)


def test_different_sounds_on_both_sides_are_both_heard():
    got = features_of(sine(100, 1.0, 0.4), sine(5000, 1.0, 0.1))
    assert got["low"] == pytest.approx(0.2, rel=0.02)
    assert got["high"] == pytest.approx(0.05, rel=0.02)


def test_a_channel_is_turned_round_without_a_jump():
    """Half a second in phase, then against it: what is mixed has no click and no hole."""
    left = sine(90, 1.0, 0.5)
    right = np.concatenate((left[:22050], -left[22050:]))
    mixdown, blocks = Mixdown(), np.stack((left, right))[:, :44100].reshape(2, 180, 245)
    mixed = np.concatenate([mixdown.step(blocks[:, k])[0] for k in range(180)])
    assert np.abs(mixed[:22050] - left[:22050]).max() < 1e-6
    assert np.abs(mixed[-11025:] - left[-11025:]).max() < 1e-6
    assert np.abs(np.diff(mixed)).max() < 2 * np.abs(np.diff(left)).max()


def test_noise_that_is_not_alike_stays_as_it_is():
    left, right = noise(1.0, 0.1, seed=1), noise(1.0, 0.1, seed=2)
    mixdown, blocks = Mixdown(), np.stack((left, right)).reshape(2, 180, 245)
    for k in range(180):
        mixed, power = mixdown.step(blocks[:, k])
        assert np.allclose(mixed, blocks[:, k].mean(axis=0))
        assert power == pytest.approx((blocks[:, k] ** 2).mean())


def test_mono_that_becomes_stereo_goes_on(mono):
    analyzer, both = Analyzer(245), np.stack((MUSIC, MUSIC))
    features = heard(analyzer, MUSIC[: 245 * 70])
    features += [analyzer.hear(both[:, 245 * k : 245 * k + 245], 0.0) for k in range(70, 900)]
    assert features[69].rms == pytest.approx(features[70].rms, rel=0.2)
    assert features[-1].rms == pytest.approx(mono["rms"], rel=1e-3)
    assert features[-1].onset_count == mono["onset_count"]
