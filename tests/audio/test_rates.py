"""The same music at seven rates is heard alike, but for the bands that a rate cannot hold."""

import numpy as np
import pytest

from livebend.audio.open_input import open_sound, pull_sound
from livebend.audio.sound import RATE
from tests.fakes.sound import clicks, sine
from tests.fakes.sound_files import write_sound

RATES = (8000, 11025, 22050, 44100, 48000, 96000, 192000)
SECONDS = 6


def music():
    """Clicks, a hum and two partials, all below 3.5 kHz, as samples at the highest rate's grid."""
    low = clicks(SECONDS, 0.5, 16000) + sine(330, SECONDS, 0.1, 16000)
    spectrum = np.fft.rfft(low)
    hertz = np.fft.rfftfreq(len(low), 1 / 16000)
    return spectrum * (hertz < 3500) / len(low)


def at(rate, spectrum):
    """The music at a rate, exactly: it repeats, so its spectrum is a list of partials."""
    count = SECONDS * rate
    bins = np.zeros(count // 2 + 1, complex)
    bins[: 3500 * SECONDS] = spectrum[: 3500 * SECONDS]
    return (np.fft.irfft(bins, count) * count).astype(np.float32)


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    folder, spectrum, found = tmp_path_factory.mktemp("rates"), music(), {}
    for rate in RATES:
        path = write_sound(folder / f"{rate}.wav", at(rate, spectrum), rate, "pcm_f32le")
        pulled = pull_sound(open_sound(str(path)), 20.0)
        found[rate] = [pulled.at((k + 1) / 20) for k in range(SECONDS * 20)]
    return found


@pytest.mark.parametrize("rate", RATES)
def test_features_agree_with_those_at_the_rate_of_the_analysis(heard, rate):
    ours, theirs = heard[RATE], heard[rate]
    for name in ("rms", "low", "mid", "high", "centroid", "paper_rms", "paper_centroid"):
        a, b = (np.array([getattr(f, name) for f in features]) for features in (ours, theirs))
        assert np.quantile(np.abs(a - b), 0.95) <= 0.02 * a.max(), name  # not at the very ends
    assert theirs[-1].bpm == pytest.approx(120.0, abs=0.5)
    assert theirs[-1].beat_count == ours[-1].beat_count
    assert theirs[-1].onset_count == ours[-1].onset_count
    onsets = [[f.onset_time for f in features] for features in (ours, theirs)]
    assert np.abs(np.subtract(*onsets)).max() < 0.006


def test_a_rate_that_cannot_hold_the_high_bands_is_reported(tmp_path):
    path, told = tmp_path / "x.wav", []
    open_sound(str(write_sound(path, sine(440, 0.2, 0.5, 8000), 8000)), told.append)
    assert told == [f"{path}: 8000 samples a second hold nothing above 4000 Hz: less is high"]
    open_sound(str(write_sound(path, sine(440, 0.2, 0.5, 44100), 44100)), told.append)
    assert len(told) == 1
