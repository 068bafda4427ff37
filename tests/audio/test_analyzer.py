"""Features of sound against what they mean: levels, onsets, beats, pitch."""

from itertools import pairwise

import numpy as np
import pytest

from livebend.audio.analyzer import Analyzer, brightness, hop_for
from livebend.audio.levels import FluxScale
from tests.fakes.sound import clicks, heard, noise, sine

RATE = 44100


@pytest.mark.parametrize("gain", [0.01, 0.5, 1.0])
def test_rms_of_a_sine_is_its_gain_over_root_two(gain):
    last = heard(Analyzer(), sine(1000, 0.5, gain))[-1]
    assert last.rms == pytest.approx(gain / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("hertz", [300, 1000, 6000])
def test_centroid_of_a_sine_is_its_frequency(hertz):
    last = heard(Analyzer(), sine(hertz, 0.3))[-1]
    assert last.centroid == pytest.approx(hertz, rel=0.01)
    assert last.brightness == pytest.approx(np.log(hertz / 50) / np.log(200), abs=0.01)


@pytest.mark.parametrize(("hertz", "band"), [(80, "low"), (800, "mid"), (5000, "high")])
def test_a_sine_is_heard_in_its_band_and_only_there(hertz, band):
    last = heard(Analyzer(), sine(hertz, 0.5, 0.5))[-1]
    levels = {name: getattr(last, name) for name in ("low", "mid", "high")}
    assert levels.pop(band) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)
    assert all(level < 0.02 for level in levels.values())


def test_bands_add_up_to_the_whole():
    last = heard(Analyzer(), noise(1.0))[-1]
    assert np.hypot(np.hypot(last.low, last.mid), last.high) == pytest.approx(last.rms, rel=0.1)


def test_silence_has_nothing_in_it():
    last = heard(Analyzer(), np.zeros(RATE // 2, np.float32))[-1]
    assert last.silent
    assert (last.rms, last.flux, last.centroid, last.pitch, last.onset_count) == (0, 0, 0, 0, 0)


def test_after_the_sound_everything_decays():
    sound = np.concatenate((noise(0.5), np.zeros(RATE, np.float32)))
    last = heard(Analyzer(), sound)[-1]
    assert last.silent
    assert last.rms < 1e-4
    assert last.flux < 1e-3


def test_a_block_that_is_not_finite_is_silence():
    analyzer = Analyzer()
    broken = analyzer.hear(np.full(256, np.nan, np.float32), 0.1)
    assert (broken.rms, broken.silent) == (0.0, True)
    assert np.isfinite(analyzer.hear(sine(440, 256 / RATE)[:256], 0.2).rms)


def test_clicks_are_onsets_within_30_ms_and_dated_to_10_ms():
    features = heard(Analyzer(), clicks(3.0, 0.5))
    news = [b for a, b in pairwise(features) if b.onset_count > a.onset_count]
    assert len(news) == 5
    for k, onset in enumerate(news, start=1):
        assert 0 < onset.time - 0.5 * k < 0.030
        assert onset.onset_time == pytest.approx(0.5 * k, abs=0.010)


def test_a_short_click_in_digital_silence_is_one_onset():
    track = np.zeros(RATE, np.float32)
    track[RATE // 2 : RATE // 2 + 200] = noise(1.0)[:200]
    features = heard(Analyzer(), track)
    assert features[-1].onset_count == 1
    assert features[-1].onset_time == pytest.approx(0.5, abs=0.01)


def test_a_faint_hiss_has_no_onsets():
    assert heard(Analyzer(), noise(3.0, 0.001))[-1].onset_count == 0


def test_a_click_track_gives_its_tempo_and_its_phase():
    features = heard(Analyzer(245), clicks(12.0, 0.5))
    assert features[-1].bpm == pytest.approx(120, abs=1)
    late = [f for f in features if f.time > 8]
    positions = np.array([f.beat_count + f.beat_phase for f in late])
    assert np.all(np.diff(positions) >= 0)
    assert late[-1].beat_count - late[0].beat_count in (7, 8)
    error = (positions - np.array([f.time for f in late]) * 2 + 0.5) % 1 - 0.5
    assert np.abs(error).max() < 0.1


def test_beats_rest_in_silence():
    track = np.concatenate((clicks(6.0, 0.5), np.zeros(3 * RATE, np.float32)))
    features = heard(Analyzer(), track)
    assert features[-1].bpm == 0
    assert features[-1].beat_phase == features[-40].beat_phase


def test_pitch_of_a_tone_and_none_in_noise():
    assert heard(Analyzer(), sine(220, 0.4))[-1].pitch == pytest.approx(220, rel=0.01)
    assert heard(Analyzer(), noise(0.4))[-1].pitch == 0


@pytest.mark.parametrize("gain", [0.02, 0.5])
def test_flux_marks_accents_at_any_level(gain):
    features = heard(Analyzer(), clicks(6.0, 0.5) * gain)
    late = [f.flux for f in features if f.time > 3]
    assert max(late) > 0.8
    assert np.median(late) < 0.3


def test_steady_noise_has_little_flux_and_never_leaves_0_to_1():
    scale = FluxScale(0.005)
    values = [scale.step(780 + 20 * np.sin(k), False) for k in range(2000)]
    assert 0 <= min(values) <= max(values) <= 1
    assert scale.step(0.04, False) <= 1


def test_features_are_deterministic():
    sound = clicks(1.0, 0.25)
    assert heard(Analyzer(245), sound) == heard(Analyzer(245), sound)


def test_hops_end_where_frames_end():
    assert hop_for(20) == 245
    assert hop_for(30) == 245
    assert hop_for(24.5) == 225
    assert hop_for(17) == 256
    assert hop_for(30000 / 1001) == 256
    for fps in (10, 20, 25, 30, 60):
        hop = hop_for(fps)
        assert hop == 256 or (128 <= hop <= 256 and RATE / fps % hop == 0)


def test_brightness_is_clamped():
    assert (brightness(0), brightness(50), brightness(30000)) == (0, 0, 1)
