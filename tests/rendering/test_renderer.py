"""A scene becomes frames: fades, walks, faults, and what the performer is told."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.core.errors import LivebendError
from livebend.core.mailbox import OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Features, Tick
from livebend.models.checkpoint import load_model
from livebend.operators.library import all_operators
from livebend.operators.registry import Operator
from livebend.rendering.faults import EASING, LEFT_OUT
from livebend.rendering.inputs import ShowPhases
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.rendering.small_network import open_small_network
from livebend.scene.values import Arrival, Bend, Prompt, Reuse, Route, Sampling, Scene, Walk

SILENCE = Features()
STILL = Scene(prompt=Prompt("a red orb"), walk=Walk(radius=0.0))


class Stopped:
    """A time that stands still."""

    def now(self):
        return 0.0

    def wait_until(self, moment, stop):
        return True


@pytest.fixture(scope="module")
def network(model_folder):
    return Network(load_model(str(model_folder("turbo"))), 64, 64)


@pytest.fixture(scope="module")
def wide(model_folder):
    return Network(load_model(str(model_folder("turbo"))), 96, 128)


@pytest.fixture
def stage(network):
    return Stage(network)


class Stage:
    """A renderer and what it tells."""

    def __init__(self, network, **more):
        self.statistics, self.status = Statistics(Stopped()), OnDemand(Status())
        prompts = Prompts(network.model.encode)
        self.render = Renderer(network, prompts, self.statistics, self.status, **more)
        self.index = 0

    def frame(self, scene, time=0.0, features=SILENCE):
        tick = Tick(self.index, time, 0.1, time)
        self.index += 1
        return self.render(scene, features, tick).pixels


def test_a_still_scene_stands_still(stage):
    first = stage.frame(STILL, 0.0)
    assert np.array_equal(stage.frame(STILL, 5.0), first)
    assert first.flags.writeable is False
    assert stage.status.get().rerun == 0.0


def test_a_walk_closes_its_circle(stage):
    scene = replace(STILL, walk=Walk(radius=0.5, period=8.0))
    first, middle, last = (stage.frame(scene, t) for t in (0.0, 4.0, 8.0))
    assert np.array_equal(first, last)
    assert not np.array_equal(first, middle)


def course(*steps):
    """Where walk and prompts are after each (time, scene), a frame of 0.1 s each."""
    courses, places = ShowPhases(), []
    for index, (time, scene) in enumerate(steps):
        courses.advance(scene, scene, Tick(index, time, 0.1, time))
        places.append((courses.walk, courses.prompts))
    return places


def test_a_new_period_changes_the_pace_and_not_the_place():
    slow = Scene(walk=Walk(period=20.0), prompt=Prompt(every=10.0))
    fast = replace(slow, walk=Walk(period=1.0), prompt=Prompt(every=0.5))
    held = replace(slow, walk=Walk(period=0.0), prompt=Prompt(every=0.0))
    places = course((600.0, slow), (600.1, fast), (600.2, held), (600.3, held), (600.4, slow))
    assert places[0] == pytest.approx((30.0, 60.0))
    assert places[1] == pytest.approx((30.1, 60.2))
    assert places[2] == places[3] == pytest.approx((30.1, 60.2))
    assert places[4] == pytest.approx((30.105, 60.21))


def test_a_loaded_scene_begins_where_the_time_has_it_unless_it_walks_the_same_way():
    old = Scene(walk=Walk(period=20.0), prompt=Prompt(every=10.0))
    turned = replace(old, walk=Walk(period=1.0))
    loaded = replace(old, walk=Walk(period=0.0), loads=1)
    places = course((600.0, old), (600.1, turned), (600.2, replace(turned, loads=1)))
    assert places[2][0] == pytest.approx(30.2)
    assert course((600.0, old), (600.1, turned), (600.2, loaded))[2][0] == 0.0


def test_prompts_cross_over_in_their_time(stage):
    old, new = STILL, replace(STILL, prompt=Prompt("a blue flower", fade=2.0))
    before = stage.frame(old, 0.0)
    frames = [stage.frame(new, t) for t in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)]
    assert np.array_equal(frames[0], before)
    assert np.array_equal(frames[-1], frames[-2])
    assert np.array_equal(frames[-1], Stage(stage.render.network).frame(new))
    assert len({f.tobytes() for f in frames[:5]}) == 5


def test_a_prompt_without_fade_is_there_at_once(stage):
    stage.frame(STILL)
    new = replace(STILL, prompt=Prompt("a blue flower", fade=0.0))
    assert np.array_equal(stage.frame(new, 0.1), Stage(stage.render.network).frame(new))


def test_the_second_prompt_is_reached_at_blend_one(stage):
    both = Prompt("a red orb", to="a blue flower", blend=1.0)
    other = Stage(stage.render.network).frame(replace(STILL, prompt=Prompt("a blue flower")))
    assert np.array_equal(stage.frame(replace(STILL, prompt=both)), other)


def test_sound_moves_a_bend(stage):
    bend = Bend("turn", "rotate_pairs", "unet.mid")
    route = Route("loud", "rms", "bend.turn.angle", high=90.0, attack=0.0, release=0.0)
    scene = replace(STILL, bends=(bend,), routes=(route,))
    quiet = stage.frame(scene, 0.0, Features())
    loud = stage.frame(scene, 0.1, Features(rms=0.5, silent=False))
    assert not np.array_equal(quiet, loud)
    told = stage.status.get()
    assert told.bends[0].values["angle"] > 0
    assert told.bends[0].strength > 0
    assert told.routes[0].output == pytest.approx(told.bends[0].values["angle"])


def test_a_route_to_nothing_is_left_out_and_said_once(stage):
    scene = replace(STILL, routes=(Route("r", "rms", "bend.gone.angle"),))
    for t in (0.0, 0.1):
        stage.frame(scene, t)
    (notice,) = stage.status.get().notices
    assert "route.r is left out" in notice.text


def test_a_governor_steps_through_its_tiers_and_says_so(network):
    held = Stage(network, target_ms=1e-3)
    scene = replace(STILL, sampling=Sampling("euler", 4))
    frames = [held.frame(scene, 0.1 * k) for k in range(124)]
    assert np.array_equal(
        frames[-1], Stage(network).frame(replace(STILL, sampling=Sampling("euler", 2)))
    )
    told = [n.text.removeprefix("0.001 ms a frame: playing at ") for n in held.status.get().notices]
    reused = "deep refresh 1/2, tween 1/2"
    assert told == ["4 steps, tween 1/2", f"4 steps, {reused}", f"2 steps, {reused}"]
    assert held.status.get().reused == tuple(reused.split(", "))


@pytest.mark.parametrize("reuse", [Reuse(), Reuse(deep=2, tween=2)])
def test_the_last_tier_paints_a_smaller_picture_and_shows_it_as_large(wide, reuse):
    asked = replace(
        STILL,
        walk=Walk(radius=0.5, period=4.0, hold=2),
        bends=(
            Bend("trail", "feedback", "unet.mid", {"amount": 0.5}),
            Bend("grain", "add_noise", "unet.in"),
        ),
        reuse=reuse,
    )
    held = Stage(wide, target_ms=1e-3, small=open_small_network(wide))
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


# ---- faults


@pytest.fixture
def broken(monkeypatch):
    """A bend that makes values that are not finite."""

    def explode(x):
        return torch.full_like(x, float("nan"))

    operator = Operator("explode", "test", explode, {}, (), matched=False)
    monkeypatch.setitem(all_operators(), "explode", operator)
    return Bend("bad", "explode", "unet.mid")


def test_a_bad_frame_is_never_shown_and_its_cause_is_left_out(stage, broken):
    good = stage.frame(STILL, 0.0)
    scene = replace(STILL, bends=(broken,))
    assert np.array_equal(stage.frame(scene, 1.0), good)
    assert "bad made values that are not finite" in stage.status.get().notices[0].text
    assert np.array_equal(stage.frame(scene, 1.1), good)
    assert stage.status.get().bends[0].note
    assert stage.status.get().counters.nonfinite_frames == 1
    stage.frame(scene, 1.2 + LEFT_OUT)
    assert stage.status.get().counters.nonfinite_frames == 2


def test_a_bend_that_was_left_out_comes_back_eased(stage, monkeypatch):
    factor = [float("nan")]
    made = Operator("double", "test", lambda x: x * factor[0], {}, (), matched=False)
    monkeypatch.setitem(all_operators(), "double", made)
    scene = replace(STILL, bends=(Bend("bad", "double", "unet.mid", mix=0.8, units="raw"),))
    stage.frame(STILL, 0.0)
    stage.frame(scene, 1.0)
    factor[0] = 2.0
    stage.render.network.memory.forget()  # or it answers with what the fault made

    def told(time):
        stage.frame(scene, time)
        bend = stage.status.get().bends[0]
        return bend.active, bend.mix, bend.note

    end = 1.0 + LEFT_OUT
    assert told(end - 0.1) == (False, 0.0, "left out after a fault")
    assert told(end + 0.5 * EASING) == (True, pytest.approx(0.4), "coming back after a fault")
    assert told(end + EASING) == (True, 0.8, "")
    assert stage.status.get().counters.nonfinite_frames == 1


@pytest.mark.parametrize("site", ["latent@0", "unet.text", "unet.skip.0", "unet.up.3", "image"])
def test_a_fault_in_the_first_frame_shows_the_picture_without_it(stage, broken, site):
    plain = Stage(stage.render.network).frame(STILL)
    assert np.array_equal(stage.frame(replace(STILL, bends=(replace(broken, site=site),))), plain)


def test_offline_a_fault_stops_with_its_cause(network, broken):
    strict = Stage(network, strict=True)
    with pytest.raises(LivebendError, match="frame 0: bad made values that are not finite"):
        strict.frame(replace(STILL, bends=(broken,)))
