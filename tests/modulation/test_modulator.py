"""All routes of a frame: what they add to their targets, how fast, and what is left out."""

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from livebend.flow import Features, PaperFeatures
from livebend.modulation.modulator import Modulator
from livebend.scene.values import Agc, Sampling
from tests.fakes.routes import LOUD, angle_of, route, scene


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


def test_a_target_is_its_base_and_all_its_routes():
    one = route("constant", low=0, high=30)
    two = route("rms", name="s", low=-10, high=10)
    assert angle_of(scene(one, two, angle=5.0)) == pytest.approx(5 + 30 + 0)
    assert angle_of(scene(one, replace(two, mute=True), angle=5.0)) == pytest.approx(35)
    assert Modulator().modulate(scene(replace(one, mute=True)), LOUD, 0, 0.1).values == {}


@pytest.mark.parametrize(
    ("edge", "expected"), [("fit", 40), ("wrap", 40), ("clip", 360), ("fold", 320)]
)
def test_edges_of_a_circle(edge, expected):
    assert angle_of(scene(route("constant", high=400, edge=edge))) == pytest.approx(expected)


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
