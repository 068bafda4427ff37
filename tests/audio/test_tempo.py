"""The tempo: found, kept, and found again within four seconds after a change."""

from itertools import pairwise

import numpy as np
import pytest

from livebend.audio.analyzer import Analyzer
from livebend.audio.sound import RATE
from tests.fakes.sound import clicks, heard, noise


def after(features, time, bpm):
    """Seconds after `time` from which on the tempo is right to the end."""
    wrong = [f.time for f in features if f.time > time and abs(f.bpm / bpm - 1) > 0.02]
    return wrong[-1] - time if wrong else 0.0


@pytest.mark.parametrize(("before", "then"), [(120, 150), (128, 174), (90, 140), (140, 125)])
def test_a_change_is_followed_within_four_seconds(before, then):
    track = np.concatenate((clicks(6.0, 60 / before), clicks(6.0, 60 / then)))
    features = heard(Analyzer(245), track)
    assert features[round(5.9 * RATE / 245)].bpm == pytest.approx(before, rel=0.01)
    assert after(features, 6.0, then) < 4.0
    assert features[-1].bpm == pytest.approx(then, rel=0.005)


@pytest.mark.parametrize("bpm", [80, 95, 113.5, 128, 174, 190])
def test_a_steady_tempo_is_found_and_kept(bpm):
    features = heard(Analyzer(245), clicks(8.0, 60 / bpm) + noise(8.0, 0.01))
    assert after(features, 0.0, bpm) < 4.0
    assert features[-1].bpm == pytest.approx(bpm, rel=0.005)


def test_beats_fall_on_the_clicks_and_none_is_counted_twice():
    features = heard(Analyzer(245), clicks(10.0, 0.5))
    late = [f for f in features if f.time > 5]
    error = np.array([(f.beat_count + f.beat_phase - 2 * f.time + 0.5) % 1 - 0.5 for f in late])
    assert np.abs(error).max() < 0.06
    assert late[-1].beat_count - late[0].beat_count in (9, 10)


def test_a_break_without_drums_keeps_the_tempo_and_noise_has_none():
    track = np.concatenate((clicks(6.0, 0.5), noise(3.0, 0.01)))
    assert heard(Analyzer(245), track)[-1].bpm == pytest.approx(120, abs=1)
    assert heard(Analyzer(245), noise(6.0, 0.1))[-1].bpm == 0.0


def test_beats_are_found_again_where_the_music_went_on_without_the_show():
    """Of a stop only the sound behind it is heard, somewhere else in the beat."""
    missed = 0.2  # s beyond a whole number of beats
    track = clicks(24.0, 0.5)
    cut = round(12.0 * RATE)
    features = heard(Analyzer(), np.concatenate((track[:cut], track[cut + round(missed * RATE) :])))
    beats = [b.time for a, b in pairwise(features) if b.beat_count > a.beat_count]
    late = [abs((beat + missed) % 0.5) for beat in beats if beat > 12.0 + 5.0]
    assert len(late) > 10
    assert max(min(off, 0.5 - off) for off in late) < 0.08
    assert features[-1].bpm == pytest.approx(120.0, abs=2.0)
    between = [b - a for a, b in pairwise(beats) if a > 5.0]
    assert min(between) > 0.25  # and never several at once
