import math
import typing
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.core.ranges import Range
from livebend.flow import Features, PaperFeatures
from livebend.modulation.auto_gain import AutoGain
from livebend.modulation.curves import CURVES, edged, shaped
from livebend.modulation.follower import followed
from livebend.modulation.modulator import Modulator
from livebend.modulation.phase import Phase
from livebend.modulation.sources import SOURCES
from livebend.scene import values as scenes
from livebend.scene.values import Agc, Bend, Route, Sampling, Scene, Tempo

LOUD = Features(rms=0.5, low=0.4, mid=0.2, high=0.1, flux=0.7, silent=False)
ANGLE = Range(-360, 360, "deg", wraps=True)
DIRECT = Agc(on=False)


def scene(*routes, agc=DIRECT, **values):
    return Scene(bends=(Bend("b", "rotate", "latent@0.8", values),), routes=routes, agc=agc)


def route(source="rms", target="bend.b.angle", name="r", **changes):
    return Route(name, source, target, **({"attack": 0.0, "release": 0.0} | changes))


def value(made, features=LOUD, time=1.0, dt=0.05, progress=0.0):
    return Modulator().modulate(made, features, time, dt, progress).values["bend.b.angle"]


# ---- sources -------------------------------------------------------------------------------


def test_the_sources_of_the_scene_are_the_registered_ones():
    assert set(typing.get_args(scenes.Source)) == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_documented_and_finite(name):
    assert SOURCES[name].doc
    for features in (Features(), LOUD):
        assert math.isfinite(value(scene(route(name)), features))


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
    assert value(scene(route(name, rate=1.0)), time=time) == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.001, 1.0)), min_size=1, max_size=30),
    st.integers(0, 29),
)
def test_a_phase_goes_on_at_the_rate_it_has_at_every_step(steps, cut):
    phase, time, gone = Phase(), 0.0, 0.0
    for place, (rate, dt) in enumerate(steps):
        phase = phase.copy() if place == cut else phase
        time, gone = time + dt, gone + rate * dt
        assert phase.advance(rate, time, dt) == pytest.approx(gone, abs=1e-6)


def test_a_rate_that_stays_gives_the_time_of_the_show_exactly():
    slow, fast = Phase(), Phase()
    for k in range(1, 1001):
        last = fast.advance(0.3, k / 100, 0.01)
    assert last == slow.advance(0.3, 10.0, 10.0) == 0.3 * 10.0


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
    path = [value(one, time=t) for t in times]
    assert path == [value(one, time=t) for t in times]
    assert path != [value(replace(one, seed=7), time=t) for t in times]
    assert path != [value(scene(route("lfo.random", name="s", rate=1.0)), time=t) for t in times]
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
        assert value(scene(route(name)), features, progress=0.6) == pytest.approx(wanted)


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
    got = value(
        scene(lazy, agc=Agc()), replace(LOUD, paper=partial(PaperFeatures, **{feature: raw}))
    )
    assert got == pytest.approx(math.fmod(math.degrees(raw * scale), 360), abs=1e-6) or (
        got == pytest.approx(math.degrees(raw * scale), abs=1e-6)
    )
    turn = math.radians(got) - raw * scale
    assert math.cos(turn) == pytest.approx(1, abs=1e-12)


# ---- followers -----------------------------------------------------------------------------

unit = st.floats(0, 1)
tau = st.floats(0, 10)


@given(unit, unit, st.floats(1e-4, 2), tau, tau)
def test_two_steps_of_half_the_time_equal_one(value, target, dt, attack, release):
    half = followed(value, target, dt / 2, attack, release)
    twice = followed(half, target, dt / 2, attack, release)
    assert twice == pytest.approx(followed(value, target, dt, attack, release), abs=1e-12)


@given(unit, unit, st.floats(0, 2), tau, tau)
def test_a_follower_never_overshoots(value, target, dt, attack, release):
    out = followed(value, target, dt, attack, release)
    assert min(value, target) - 1e-12 <= out <= max(value, target) + 1e-12


def test_attack_and_release_are_time_constants():
    assert followed(0, 1, 0.3, 0.3, 9) == pytest.approx(1 - math.exp(-1))
    assert followed(1, 0, 0.3, 9, 0.3) == pytest.approx(math.exp(-1))


def test_fifteen_and_sixty_frames_a_second_agree():
    ends = []
    for fps in (15, 60):
        modulator, made = Modulator(), scene(route("flux", attack=0.1, release=0.4))
        modulator.modulate(made, Features(), 0.0, 1 / fps)
        for k in range(fps):
            out = modulator.modulate(made, LOUD, k / fps, 1 / fps)
        ends.append(out.sources["r"])
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)


def test_a_pulse_is_whole_at_the_event_and_falls_with_the_release():
    modulator, made = Modulator(), scene(route("onset.pulse", attack=1.0, release=0.2))
    counts = [0, 1, 1, 1, 3, 3]
    out = [
        modulator.modulate(made, Features(onset_count=n), 0.1 * k, 0.1).sources["r"]
        for k, n in enumerate(counts)
    ]
    fall = math.exp(-0.5)
    assert out == pytest.approx([0, 1, fall, fall**2, 1, fall])


def test_a_route_that_goes_is_forgotten():
    modulator, slow = Modulator(), route("flux", attack=10.0, release=10.0)
    modulator.modulate(scene(slow), Features(), 0.0, 0.1)
    assert modulator.modulate(scene(slow), LOUD, 0.1, 0.1).sources["r"] < 0.1
    modulator.modulate(scene(), LOUD, 0.2, 0.1)
    assert modulator.modulate(scene(slow), LOUD, 0.3, 0.1).sources["r"] == pytest.approx(0.7)


# ---- automatic gain ------------------------------------------------------------------------


def play(gain, level, seconds, agc, start=0.0, sounding=True):
    for k in range(round(seconds * 20)):
        out = gain.apply(level, start + k / 20, sounding, agc)
    return out


@pytest.mark.parametrize("level", [0.05, 0.3, 1.0])
def test_a_steady_level_is_brought_to_1(level):
    assert play(AutoGain(), level, 5, Agc()) == pytest.approx(1)


def test_gain_stops_at_its_ceiling():
    assert play(AutoGain(), 0.001, 5, Agc(ceiling=20)) == pytest.approx(0.02)
    assert play(AutoGain(), 0.0, 5, Agc(ceiling=20)) == 0


def test_quieter_than_the_loud_is_in_proportion_until_the_window_has_passed():
    gain, agc = AutoGain(), Agc(window=5)
    play(gain, 0.4, 4, agc)
    assert gain.apply(0.1, 4.0, True, agc) == pytest.approx(0.25)
    assert play(gain, 0.1, 7, agc, start=4.05) == pytest.approx(1)


def test_silence_gives_nothing_and_is_not_remembered():
    gain, agc = AutoGain(), Agc()
    play(gain, 0.4, 4, agc)
    assert play(gain, 1e-5, 20, agc, start=4, sounding=False) == 0
    assert gain.apply(0.2, 24.1, True, agc) == pytest.approx(1)


def test_the_gate_is_in_decibels():
    for level, open_ in ((10 ** (-41 / 20), False), (10 ** (-39 / 20), True)):
        got = value(scene(route(), agc=Agc(gate=-40)), replace(LOUD, rms=level))
        assert (got > 0) is open_


def test_gain_is_on_levels_alone():
    made = scene(route("flux"), agc=Agc())
    assert value(made) == pytest.approx(0.7)
    assert value(scene(route("rms"), agc=Agc())) == pytest.approx(1)
    assert value(scene(route("rms"))) == pytest.approx(0.5)


# ---- targets -------------------------------------------------------------------------------


def test_a_target_is_its_base_and_all_its_routes():
    one = route("constant", low=0, high=30)
    two = route("rms", name="s", low=-10, high=10)
    assert value(scene(one, two, angle=5.0)) == pytest.approx(5 + 30 + 0)
    assert value(scene(one, replace(two, mute=True), angle=5.0)) == pytest.approx(35)
    assert Modulator().modulate(scene(replace(one, mute=True)), LOUD, 0, 0.1).values == {}


def test_curves_keep_0_and_1_in_their_places():
    for name, curve in CURVES.items():
        ends = (1, 0) if name == "inverse" else (0, 1)
        assert (curve.shape(0.0), curve.shape(1.0)) == ends
    assert shaped(0.5, "square") == 0.25
    assert shaped(float("nan"), "linear") == 0
    assert set(CURVES) == set(typing.get_args(scenes.Shape))


@pytest.mark.parametrize(
    ("edge", "expected"), [("fit", 1.0), ("clip", 1.0), ("wrap", 0.25), ("fold", 0.75)]
)
def test_edges_of_an_interval(edge, expected):
    assert edged(1.25, edge, Range(0, 1)) == pytest.approx(expected)
    assert edged(0.3, edge, Range(0, 1)) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("edge", "expected"), [("fit", 40), ("wrap", 40), ("clip", 360), ("fold", 320)]
)
def test_edges_of_a_circle(edge, expected):
    assert value(scene(route("constant", high=400, edge=edge))) == pytest.approx(expected)


@given(st.floats(-1e6, 1e6), st.sampled_from(typing.get_args(scenes.Edge)))
def test_every_edge_ends_inside(number, edge):
    assert -2 <= edged(number, edge, Range(-2, 5)) <= 5
    assert -360 <= edged(number, edge, ANGLE) <= 360


@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.sampled_from(["clip", "wrap", "fold"]))
def test_what_is_not_finite_ends_inside(number, edge):
    assert 0 <= edged(number, edge, Range(0, 1)) <= 1


def test_a_follower_crosses_a_whole_turn_along_the_unwrapped_angle():
    modulator, made = Modulator(), scene(route("flux", high=720, attack=0.5, release=0.5))
    modulator.modulate(made, replace(LOUD, flux=0.4), 0.0, 0.05)
    angles = [
        modulator.modulate(made, replace(LOUD, flux=0.6), 0.05 * k, 0.05).values["bend.b.angle"]
        for k in range(1, 40)
    ]
    steps = [(b - a + 180) % 360 - 180 for a, b in pairwise(angles)]
    assert all(0 < step < 20 for step in steps)
    assert angles[0] < 360 < 288 + sum(steps) + angles[0]


def test_a_whole_number_stays_whole():
    made = scene(route("rms", target="sampling.steps", high=7))
    assert Modulator().modulate(made, LOUD, 0, 0.1).values == {"sampling.steps": 4.0}


def test_a_route_can_drive_a_route():
    slave = route("constant", high=0.0)
    made = scene(slave, route("constant", target="route.r.high", name="m", high=50))
    out = Modulator().modulate(made, LOUD, 0, 0.1).values
    assert out == {"route.r.high": 50.0, "bend.b.angle": 50.0}


@pytest.mark.parametrize("target", ["bend.nobody.angle", "bend.b.angel", "prompt.text", ""])
def test_a_route_to_nowhere_is_left_out_and_named(target):
    out = Modulator().modulate(scene(route(target=target), route(name="s")), LOUD, 0, 0.1)
    assert list(out.values) == ["bend.b.angle"]
    assert list(out.refused) == ["r"]


def test_the_same_steps_give_the_same_values():
    made = scene(route("rms", release=0.3), route("lfo.random", name="s", high=90), agc=Agc())

    def run():
        modulator = Modulator()
        return [
            modulator.modulate(made, replace(LOUD, rms=0.1 + 0.02 * (k % 7)), k / 20, 0.05)
            for k in range(100)
        ]

    assert run() == run()


# ---- the slew limit


def angles(one, features, fps=20.0):
    """The routed angle, frame by frame."""
    modulator = Modulator()
    steps = enumerate(features, 1)
    return [modulator.modulate(one, f, k / fps, 1 / fps).values["bend.b.angle"] for k, f in steps]


def paper(*levels):
    """Frames whose loudness is so many degrees by the paper's rule."""
    return [Features(paper=partial(PaperFeatures, math.radians(level) / 25.0)) for level in levels]


def test_a_slew_limit_is_in_the_targets_unit_a_second():
    one = scene(route("paper.rms", slew=100.0))
    heard = angles(one, paper(0.0, *[90.0] * 30))
    assert heard[0] == 0.0
    assert heard[1:6] == pytest.approx([5.0, 10.0, 15.0, 20.0, 25.0])
    assert heard[-1] == pytest.approx(90.0)
    assert angles(scene(route("paper.rms")), paper(0.0, 90.0))[-1] == pytest.approx(90.0)


def test_an_angle_that_is_split_stops_at_its_end_instead_of_wrapping():
    one = replace(scene(route("paper.rms")), sampling=Sampling(depth="split"))
    assert angles(one, paper(350.0, 370.0)) == pytest.approx([350.0, 360.0])


def test_a_slew_limit_is_the_same_at_every_frame_rate():
    one = scene(route("paper.rms", slew=100.0))
    slow, fast = (angles(one, paper(0.0, *[90.0] * n), fps) for n, fps in ((10, 10.0), (40, 40.0)))
    assert slow[1:] == pytest.approx(fast[4::4])


def test_a_slew_limit_goes_through_every_turn_and_never_jumps():
    one = scene(route("paper.rms", slew=400.0, edge="wrap"))
    heard = angles(one, paper(0.0, *[800.0] * 60))
    steps = [math.remainder(b - a, 360.0) for a, b in pairwise(heard)]
    assert max(map(abs, steps)) <= 20.0 + 1e-9
    assert sum(steps) == pytest.approx(800.0)


def test_a_source_that_comes_round_again_goes_on_round_the_circle():
    one = scene(route("lfo.saw", rate=0.5, high=360.0, slew=500.0))
    heard = angles(one, [LOUD] * 200)
    steps = [math.remainder(b - a, 360.0) for a, b in pairwise(heard)]
    assert steps == pytest.approx([9.0] * 199)


def test_a_slew_limit_is_forgotten_with_its_route():
    modulator, one = Modulator(), scene(route("paper.rms", slew=10.0))
    for k, (playing, features) in enumerate(
        [(one, paper(0.0)[0]), (scene(), LOUD), (one, paper(90.0)[0])]
    ):
        made = modulator.modulate(playing, features, float(k), 0.05)
    assert made.values["bend.b.angle"] == pytest.approx(90.0)
    assert made.added == {"r": pytest.approx(90.0)}


# ---- a tempo by hand


def beats(tempos, start=100.0, fps=50):
    """The beat's phase and pulse, frame by frame."""
    modulator, heard = Modulator(), []
    for k, tempo in enumerate(tempos):
        pulse = route("beat.pulse", "bend.b.i", name="p")
        made = replace(scene(route("beat.phase"), pulse), tempo=tempo)
        out = modulator.modulate(made, replace(LOUD, beat_phase=0.77), start + k / fps, 1 / fps)
        heard.append((out.sources["r"], out.sources["p"]))
    return heard


def test_a_tempo_by_hand_takes_the_place_of_the_one_that_is_heard():
    phases, pulses = zip(*beats([Tempo(120.0)] * 100), strict=True)
    assert phases[:26] == pytest.approx([*(k / 25 for k in range(25)), 0.0], abs=1e-6)
    assert [k for k, pulse in enumerate(pulses) if pulse == 1.0][1:] == [25, 50, 75]
    assert beats([Tempo()])[0][0] == 0.77


def test_a_tap_moves_the_nearest_beat_here_and_makes_no_second_one():
    late = beats([Tempo(120.0)] * 28 + [Tempo(120.0, 1)] * 30)
    assert late[28] == (pytest.approx(0.0, abs=1e-6), 0.0)
    early = beats([Tempo(120.0)] * 22 + [Tempo(120.0, 1)] * 30)
    assert early[22] == (pytest.approx(0.0, abs=1e-6), 1.0)
    assert early[47] == (pytest.approx(0.0, abs=1e-6), 1.0)


def test_a_new_tempo_goes_on_in_the_same_beat():
    phases = [phase for phase, _ in beats([Tempo(120.0)] * 10 + [Tempo(90.0)] * 10)]
    assert max(b - a for a, b in pairwise(phases)) <= 120 / 60 / 50 + 1e-6
