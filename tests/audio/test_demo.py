"""The demo track: twenty seconds in which every feature moves."""

import numpy as np
import pytest

from livebend.audio.analyzer import Analyzer, hop_for
from livebend.audio.demo import demo_sound
from livebend.audio.sound import RATE
from tests.fakes.sound import heard


@pytest.fixture(scope="module")
def track():
    return demo_sound().samples


def test_it_is_20_seconds_and_not_too_loud(track):
    assert track.dtype == np.float32
    assert len(track) == 20 * RATE
    assert 0.5 < np.abs(track).max() <= 0.9
    assert abs(track.mean()) < 0.01


def test_it_is_always_the_same(track):
    assert np.array_equal(track, demo_sound().samples)


def test_its_end_meets_its_beginning(track):
    step = np.abs(np.diff(track)).max()
    assert abs(track[0] - track[-1]) < step


def test_every_feature_moves(track):
    features = heard(Analyzer(hop_for(20)), track)
    late = [f for f in features if f.time > 1]
    for name in ("rms", "flux", "low", "mid", "high", "brightness", "paper_rms", "paper_flux"):
        values = np.array([getattr(f, name) for f in late])
        low, high = np.percentile(values, [10, 90])
        assert high > 1.5 * low, name
    assert features[-1].bpm == pytest.approx(120, abs=1)
    assert features[-1].beat_count > 30
    assert features[-1].onset_count > 60
    assert len({round(f.pitch) for f in late}) > 5


def test_it_has_a_quiet_part_and_a_loud_one(track):
    bars = np.sqrt((track.reshape(10, -1).astype(float) ** 2).mean(axis=1))
    assert bars[:2].max() < 0.5 * bars[6:].min()
