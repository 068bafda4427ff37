"""Sources: what each gives, in its range, and LFOs that follow the time of the show."""

import math
import typing
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from livebend.flow import Features, PaperFeatures
from livebend.modulation.modulator import Modulator
from livebend.modulation.sources import SOURCES
from livebend.scene import values as scenes
from livebend.scene.values import Agc
from tests.fakes.routes import LOUD, angle_of, route, scene


def test_the_sources_of_the_scene_are_the_registered_ones():
    assert set(typing.get_args(scenes.Source)) == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_documented_and_finite(name):
    assert SOURCES[name].doc
    for features in (Features(), LOUD):
        assert math.isfinite(angle_of(scene(route(name)), features))


@pytest.mark.parametrize("name", [n for n in SOURCES if not n.startswith("paper.")])
def test_every_source_stays_between_0_and_1(name):
    wild = Features(rms=9, low=9, flux=9, flux_raw=1e9, centroid=1e9, pitch=1e9, bpm=1e9)
    for time in (0.0, 0.3, 7.7, 1e5):
        out = Modulator().modulate(scene(route(name, rate=1.3)), wild, time, 0.05, 2.0)
        assert 0 <= out.sources["r"] <= 1


@pytest.mark.parametrize(
    ("name", "time", "expected"),
    [
        ("lfo.sine", 0.0, 0.0),
        ("lfo.sine", 0.25, 0.5),
        ("lfo.sine", 0.5, 1.0),
        ("lfo.triangle", 0.25, 0.5),
        ("lfo.triangle", 0.5, 1.0),
        ("lfo.saw", 3.75, 0.75),
        ("lfo.square", 0.25, 0.0),
        ("lfo.square", 0.75, 1.0),
    ],
)
def test_lfos_follow_the_time_of_the_show(name, time, expected):
    assert angle_of(scene(route(name, rate=1.0)), time=time) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["lfo.sine", "lfo.triangle", "lfo.saw", "lfo.random"])
def test_a_new_rate_or_its_return_does_not_move_an_lfo(name):
    modulator, heard, fps = Modulator(), [], 100
    rates = [0.1] * 500 + [0.13] * 50 + [0.0] * 50 + [0.1] * 50
    for k, rate in enumerate(rates, 60_000):
        made = modulator.modulate(scene(route(name, rate=rate)), LOUD, k / fps, 1 / fps)
        heard.append(made.sources["r"])
    steps = [abs(b - a) for a, b in pairwise(heard) if abs(b - a) < 0.9]  # a saw falls
    assert len(steps) >= len(heard) - 3
    assert max(steps) < 0.01
    assert heard[550] == heard[599]


def test_an_lfo_s_rate_can_be_driven_without_a_jump():
    drive = route("rms", "route.r.rate", name="d", high=2.0)
    made, modulator, heard = scene(route("lfo.sine", rate=0.5), drive), Modulator(), []
    for k in range(60_000, 60_400):
        sounding = replace(LOUD, rms=0.5 + 0.5 * math.sin(k / 9))
        heard.append(modulator.modulate(made, sounding, k / 50, 0.02).sources["r"])
    assert max(abs(b - a) for a, b in pairwise(heard)) < math.pi * 2.5 * 0.02 * 1.1
    assert max(heard) - min(heard) > 0.9


def test_another_shape_goes_on_from_the_same_place():
    modulator = Modulator()
    for k, (name, rate) in enumerate([("lfo.sine", 0.1), ("lfo.sine", 0.7), ("lfo.saw", 0.7)], 1):
        made = modulator.modulate(scene(route(name, rate=rate)), LOUD, 100.0 + 0.1 * k, 0.1)
    assert made.sources["r"] == pytest.approx((0.1 * 100.1 + 0.7 * 0.2) % 1.0)


def test_chance_belongs_to_seed_name_and_time_alone():
    one = scene(route("lfo.random", rate=1.0))
    times = [0.1 * k for k in range(200)]
    path = [angle_of(one, time=t) for t in times]
    assert path == [angle_of(one, time=t) for t in times]
    assert path != [angle_of(replace(one, seed=7), time=t) for t in times]
    assert path != [angle_of(scene(route("lfo.random", name="s", rate=1.0)), time=t) for t in times]
    assert max(abs(a - b) for a, b in pairwise(path)) < 0.2
    assert max(path) - min(path) > 0.5


def test_features_progress_and_constant_are_scaled_as_they_say():
    features = replace(
        LOUD, centroid=2500.0, bpm=120.0, pitch=220.0, flux_raw=500.0, beat_phase=0.3
    )
    expected = {
        "centroid": 0.25,
        "bpm": 0.5,
        "pitch": 0.4,
        "flux_raw": 0.5,
        "beat.phase": 0.3,
        "show.progress": 0.6,
        "constant": 1.0,
    }
    for name, wanted in expected.items():
        assert angle_of(scene(route(name)), features, progress=0.6) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("name", "feature", "scale"),
    [
        ("paper.rms", "rms", 25.0),
        ("paper.flux", "flux", 1 / 2500),
        ("paper.centroid", "centroid", 1 / 2500),
    ],
)
@pytest.mark.parametrize("raw", [0.0, 0.01, 0.2, 0.9])
def test_paper_sources_are_the_papers_angle(name, feature, scale, raw):
    raw = raw if scale > 1 else raw * 40_000
    lazy = route(name, attack=5.0, release=9.0, curve="cube")
    got = angle_of(
        scene(lazy, agc=Agc()), replace(LOUD, paper=partial(PaperFeatures, **{feature: raw}))
    )
    assert got == pytest.approx(math.fmod(math.degrees(raw * scale), 360), abs=1e-6) or (
        got == pytest.approx(math.degrees(raw * scale), abs=1e-6)
    )
    turn = math.radians(got) - raw * scale
    assert math.cos(turn) == pytest.approx(1, abs=1e-12)
