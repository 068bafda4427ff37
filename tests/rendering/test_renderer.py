"""A scene becomes frames: fades, walks, governors, and what the status says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from livebend.flow import Features
from livebend.rendering import renderer
from livebend.rendering.network import Network
from livebend.rendering.small_network import open_small_network
from livebend.scene.show_values import Arrival
from livebend.scene.values import Bend, Prompt, Reuse, Route, Sampling, Walk
from tests.fakes.shows import STILL, Show


@pytest.fixture(scope="module")
def network(played_model):
    return Network(played_model, 64, 64)


@pytest.fixture
def show(network):
    return Show(network)


def test_a_still_scene_stands_still(show):
    first = show.frame(STILL, 0.0)
    assert np.array_equal(show.frame(STILL, 5.0), first)
    assert first.flags.writeable is False
    assert show.status.get().rerun == 0.0


def test_a_walk_closes_its_circle(show):
    scene = replace(STILL, walk=Walk(radius=0.5, period=8.0))
    first, middle, last = (show.frame(scene, t) for t in (0.0, 4.0, 8.0))
    assert np.array_equal(first, last)
    assert not np.array_equal(first, middle)


def test_prompts_cross_over_in_their_time(show):
    old, new = STILL, replace(STILL, prompt=Prompt("a blue flower", fade=2.0))
    before = show.frame(old, 0.0)
    frames = [show.frame(new, t) for t in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)]
    assert np.array_equal(frames[0], before)
    assert np.array_equal(frames[-1], frames[-2])
    assert np.array_equal(frames[-1], Show(show.network).frame(new))
    assert len({f.tobytes() for f in frames[:5]}) == 5


def test_a_prompt_without_fade_is_there_at_once(show):
    show.frame(STILL)
    new = replace(STILL, prompt=Prompt("a blue flower", fade=0.0))
    assert np.array_equal(show.frame(new, 0.1), Show(show.network).frame(new))


def test_the_second_prompt_is_reached_at_blend_one(show):
    both = Prompt("a red orb", to="a blue flower", blend=1.0)
    other = Show(show.network).frame(replace(STILL, prompt=Prompt("a blue flower")))
    assert np.array_equal(show.frame(replace(STILL, prompt=both)), other)


def test_sound_moves_a_bend(show):
    bend = Bend("turn", "rotate_pairs", "unet.mid")
    route = Route("loud", "rms", "bend.turn.angle", high=90.0, attack=0.0, release=0.0)
    scene = replace(STILL, bends=(bend,), routes=(route,))
    quiet = show.frame(scene, 0.0, Features())
    loud = show.frame(scene, 0.1, Features(rms=0.5, silent=False))
    assert not np.array_equal(quiet, loud)
    status = show.status.get()
    assert status.bends[0].values["angle"] > 0
    assert status.bends[0].strength > 0
    assert status.routes[0].output == pytest.approx(status.bends[0].values["angle"])


def test_a_route_to_nothing_is_left_out_and_reported_once(show):
    scene = replace(STILL, routes=(Route("r", "rms", "bend.gone.angle"),))
    for t in (0.0, 0.1):
        show.frame(scene, t)
    (notice,) = show.status.get().notices
    assert "route.r is left out" in notice.text


@pytest.fixture
def even(monkeypatch):
    """Frames of 10 ms each, however long they take."""
    count = itertools.count()
    monkeypatch.setattr(renderer, "now", lambda: 0.01 * next(count))


def test_a_governor_steps_through_its_tiers_and_reports_it(network, even):
    held = Show(network, target_ms=1e-3)
    scene = replace(STILL, sampling=Sampling("euler", 4))
    frames = [held.frame(scene, 0.1 * k) for k in range(124)]
    assert np.array_equal(
        frames[-1], Show(network).frame(replace(STILL, sampling=Sampling("euler", 2)))
    )
    notices = [
        n.text.removeprefix("0.001 ms a frame: playing at ") for n in held.status.get().notices
    ]
    reused = "deep refresh 1/2, tween 1/2"
    assert notices == ["4 steps, tween 1/2", f"4 steps, {reused}", f"2 steps, {reused}"]
    assert held.status.get().reused == tuple(reused.split(", "))


@pytest.mark.parametrize("reuse", [Reuse(), Reuse(deep=2, tween=2)])
def test_the_last_tier_paints_a_smaller_picture_and_shows_it_as_large(model, reuse, even):
    wide = Network(model, 96, 128)
    asked = replace(
        STILL,
        walk=Walk(radius=0.5, period=4.0, hold=2),
        bends=(
            Bend("trail", "feedback", "unet.mid", {"amount": 0.5}),
            Bend("grain", "add_noise", "unet.in"),
        ),
        reuse=reuse,
    )
    held = Show(wide, target_ms=1e-3, small=open_small_network(wide))
    tiers = 4 if reuse == Reuse() else 2
    frames = [held.frame(asked, 0.1 * k) for k in range(40 * tiers)]
    assert {frame.shape for frame in frames} == {(128, 96, 3)}
    assert (held.render.network.width, held.render.network.height) == (72, 96)
    assert "0.75 of the size" in held.status.get().notices[-1].text
    assert "painted at 72x96" in held.status.get().reused
    loaded = replace(asked, prompt=Prompt("a blue flower"), seed=3, loads=1, arrival=Arrival(1.0))
    crossed = [held.frame(loaded, 16.0 + 0.1 * k) for k in range(20)]
    assert len({frame.tobytes() for frame in crossed}) > 10
    other = replace(loaded, sampling=Sampling("euler", 2))
    held.frame(other, 20.0)
    assert held.render.network is wide, "another scene begins at its own tier 0"
