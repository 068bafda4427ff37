"""The crossfader: either end is that side alone, and what lies between is between."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from livebend.rendering.network import Network
from livebend.scene.commands import LoadOther, Set
from livebend.scene.show_values import Crossfade, Tempo
from livebend.scene.values import Bend, Loop, MixedPrompt, Prompt, Route, Sampling, Scene, Walk
from tests.fakes.shows import Show

ORB = Scene(
    "Orb", 3, Prompt("a red orb"), Walk(0.4, 4.0),
    bends=(Bend("turn", "rotate", "latent@1", {"angle": 20.0}),),
    routes=(Route("sway", "lfo.sine", "bend.turn.angle", high=40.0, rate=0.7),),
)  # fmt: skip
FLOWER = Scene(
    "Flower", 7, Prompt("a blue flower"), Walk(0.2, 9.0),
    bends=(Bend("turn", "transform", "image", {"zoom": 1.4}), Bend("lines", "negate", "image")),
    routes=(Route("breath", "lfo.sine", "walk.radius", high=0.5, rate=0.3),),
    mix=(MixedPrompt("night", "night"),),
)  # fmt: skip
FRAMES = 8


def played(network, scenes):
    show = Show(network, strict=True)
    return [show.frame(scene) for scene in scenes]


def crossing(position, scene=ORB):
    return Set("crossfade.position", position).apply(LoadOther(FLOWER).apply(scene))


def same(first, second):
    return [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]


@pytest.fixture(scope="module")
def network(model):
    return Network(model, 64, 64)


def test_at_its_ends_each_side_plays_alone(network):
    orb, flower = (played(network, [scene] * FRAMES) for scene in (ORB, FLOWER))
    assert all(same(played(network, [crossing(0.0)] * FRAMES), orb))
    at_end = crossing(1.0)
    assert (at_end.title, at_end.other.title) == ("Flower", "Orb")
    assert all(same(played(network, [at_end] * FRAMES), flower))


def test_what_is_not_heard_costs_nothing(network):
    ran = []
    for scene in (ORB, crossing(0.0)):
        network.memory.forget()
        for picture in played(network, [scene] * 3):
            assert picture.any()
        ran.append((set(network.memory.ran.seconds), network.memory.ran.remembered))
    assert ran[0] == ran[1]


def test_between_its_ends_it_goes_from_one_to_the_other(network):
    shown = [played(network, [crossing(p)] * 2)[-1].astype(float) for p in np.linspace(0, 1, 21)]
    steps = [np.abs(a - b).mean() for a, b in pairwise(shown)]
    whole = np.abs(shown[0] - shown[-1]).mean()
    assert max(steps) < 0.35 * whole
    assert min(steps[1:-1]) > 0.0


def test_the_middle_is_the_same_from_either_side(network):
    """Which side is edited does not show; only where the fader stands."""
    near_orb = crossing(0.5)
    near_flower = replace(
        near_orb.other, other=replace(near_orb, other=None), crossfade=Crossfade(0.501)
    )
    first = played(network, [near_orb] * 3)[-1].astype(float)
    last = played(network, [near_flower] * 3)[-1].astype(float)
    assert np.abs(first - last).mean() < 1.5


def test_a_route_and_a_loop_play_the_fader_and_what_is_edited_stays(network):
    rides = replace(ORB, routes=(Route("cut", "constant", "crossfade.position", high=1.0),))
    loops = replace(ORB, routes=(), loops=(Loop("cut", "crossfade.position", "0:1"),))
    flower = played(network, [FLOWER] * 3)
    for scene in (rides, loops):
        crossed = LoadOther(FLOWER).apply(scene)
        assert crossed.title == "Orb"
        assert all(same(played(network, [crossed] * 3), flower))
    taken_over = crossing(0.0, loops)
    assert all(same(played(network, [taken_over] * 3), played(network, [loops_off(loops)] * 3)))


def loops_off(scene):
    return replace(scene, loops=())


def test_guidance_and_a_fader_that_moves_give_finite_pictures(network):
    guided = replace(FLOWER, sampling=Sampling(guidance=3.0), prompt=Prompt("x", negative="grey"))
    show = Show(network)
    for index in range(12):
        moved = LoadOther(guided).apply(ORB)
        moved = Set("crossfade.position", abs(index - 6) / 6).apply(moved)
        assert show.frame(moved).std() > 0.0
    assert show.statistics.report()["nonfinite_frames"] == 0


def test_the_status_says_what_is_on_the_other_side_and_the_beats_that_are_played(network):
    show = Show(network)
    scene = replace(crossing(0.3), tempo=Tempo(120.0, bar=2))
    for _ in range(8):  # 0.1 s each
        show.frame(scene)
    status = show.status.get()
    assert (status.other, status.title) == ("Flower", "Orb")
    assert status.prompt == "70% (a red orb) + 30% (50% a blue flower + 50% night)"
    assert status.features.bpm == 120.0
    assert status.features.bar_phase == pytest.approx(0.7)
