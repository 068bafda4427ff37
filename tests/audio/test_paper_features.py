"""The paper's features against its formulas, written out anew (bending study, section 1)."""

from dataclasses import replace

import numpy as np
import pytest

from livebend.audio.analyzer import Analyzer, hop_for
from livebend.audio.sound import RATE
from tests.fakes.sound import heard, noise, sine


def paper(samples, fps, frame):
    n = round(RATE / fps)
    now = samples[frame * n : (frame + 1) * n].astype(np.float64)
    before = samples[(frame - 1) * n : frame * n].astype(np.float64) if frame else now
    spectrum = np.abs(np.fft.fft(now, 4096))[:2049]
    flux = np.abs(spectrum - np.abs(np.fft.fft(before, 4096))[:2049]).sum()
    centroid = (np.arange(2049) * RATE / 4096 * spectrum).sum() / spectrum.sum()
    return np.sqrt(np.mean(now**2)), flux, centroid


@pytest.mark.parametrize("fps", [20, 30])
def test_paper_features_equal_the_formulas_at_every_frame(fps):
    samples = sine(300, 0.4, 0.4) + noise(0.4, 0.1)
    hop = hop_for(fps)
    features = heard(Analyzer(hop, fps), samples)
    hops_per_frame = round(RATE / fps) // hop
    for frame in range(6):
        got = features[(frame + 1) * hops_per_frame - 1]
        rms, flux, centroid = paper(samples, fps, frame)
        assert got.time == pytest.approx((frame + 1) / fps)
        assert got.paper_rms == pytest.approx(rms, rel=1e-6)
        assert got.paper_flux == pytest.approx(flux, rel=1e-6)
        assert got.paper_centroid == pytest.approx(centroid, rel=1e-6)


def test_a_hop_that_does_not_divide_a_frame_gives_the_same_between_frames():
    samples = noise(0.5)
    n, end = 2205, 256 * 40
    got = heard(Analyzer(256, 20), samples)[39]
    spectra = [np.abs(np.fft.rfft(samples[e - n : e], 4096)) for e in (end - n, end)]
    assert got.paper_flux == pytest.approx(np.abs(spectra[1] - spectra[0]).sum(), rel=1e-5)


def test_a_moment_asked_long_afterwards_is_what_was_heard_then():
    fps = 20
    samples = noise(3.0) * np.linspace(0, 1, 3 * RATE, dtype=np.float32)
    features = heard(Analyzer(245, fps), samples)
    for frame in range(1, 60):
        got = features[9 * (frame + 1) - 1]
        assert (got.paper_rms, got.paper_flux, got.paper_centroid) == pytest.approx(
            paper(samples, fps, frame), rel=1e-6
        )


def test_sounds_that_differ_in_the_paper_alone_are_not_equal():
    samples = noise(0.2)
    short, long = (heard(Analyzer(245, fps), samples)[-1] for fps in (20, 10))
    assert replace(short, paper=long.paper) == long != short


def test_the_first_frame_has_no_flux_as_in_the_paper():
    features = heard(Analyzer(245, 20), noise(0.3))
    assert [f.paper_flux for f in features[:17]] == [0.0] * 17
    assert features[17].paper_flux > 1000
