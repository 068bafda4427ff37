"""The governor holds the frame time, and does not hunt."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.rendering.governor import Governor, SceneGovernor, Tier, tiers
from livebend.scene.values import Reuse, Sampling, Scene


def fed(governor, ms, frames):
    return [governor.feed(ms) for _ in range(frames)][-1]


def test_it_steps_down_after_a_window_of_slow_frames():
    governor = Governor(50.0, 3, window=10)
    assert fed(governor, 80.0, 9) == 0
    assert fed(governor, 80.0, 1) == 1
    assert fed(governor, 80.0, 10) == 2
    assert fed(governor, 80.0, 50) == 2


def test_one_slow_frame_changes_nothing():
    governor = Governor(50.0, 3, window=40)
    for k in range(400):
        assert governor.feed(500.0 if k % 40 == 7 else 40.0) == 0


def test_a_show_that_slows_down_is_lighter_within_a_second():
    governor = Governor(20.0, 3)
    fed(governor, 12.0, 100)
    frames = next(n for n in range(1, 100) if fed(governor, 70.0, 1))
    assert frames * 70.0 <= 1000.0


def test_it_comes_back_when_there_is_room_and_stays_where_there_is_little():
    governor = Governor(50.0, 3, window=10, patience=2)
    fed(governor, 80.0, 10)
    assert fed(governor, 45.0, 200) == 1
    assert fed(governor, 20.0, 19) == 1
    assert fed(governor, 20.0, 1) == 0


def test_it_hunts_less_and_less():
    governor = Governor(50.0, 2, window=10, patience=1)
    cost = {0: 60.0, 1: 20.0}
    chosen = [governor.feed(cost[governor.tier]) for _ in range(10 * 200)]
    changes = sum(a != b for a, b in itertools.pairwise(chosen))
    assert changes < 40
    late = chosen[-10 * 60 :]
    assert late.count(0) / len(late) < 0.1


@given(st.lists(st.floats(0.0, 1e4), max_size=300), st.integers(1, 5))
def test_it_always_names_a_tier_there_is(times, count):
    governor = Governor(50.0, count, window=5)
    for ms in times:
        assert 0 <= governor.feed(ms) < count


def test_tiers_are_in_the_order_of_what_is_seen_least():
    assert [str(tier) for tier in tiers(1)] == [
        "1 step",
        "1 step, tween 1/2",
        "1 step, deep refresh 1/2, tween 1/2",
    ]
    assert [t.steps for t in tiers(50)] == [50, 50, 50, 25, 12, 6, 3, 1]
    assert tiers(4, guided=True)[-1] == Tier(1, guided=False, deep=2, tween=2)
    assert [str(tier) for tier in tiers(1, guided=True, small=True)][3:] == [
        "1 step, 0.75 of the size, deep refresh 1/2, tween 1/2",
        "1 step, 0.75 of the size, no guidance, deep refresh 1/2, tween 1/2",
    ]


@given(st.integers(1, 50), st.booleans(), st.integers(1, 8), st.integers(1, 8), st.booleans())
def test_every_tier_gives_up_one_thing_more_and_nothing_that_was_asked_for(
    steps, guided, deep, tween, small
):
    made = tiers(steps, guided=guided, deep=deep, tween=tween, small=small)
    assert made[0] == Tier(steps, True, deep, tween)
    for heavy, light in itertools.pairwise(made):
        assert light.tween >= heavy.tween
        assert light.deep >= heavy.deep
        assert light.steps <= heavy.steps
        assert light.small >= heavy.small
        assert sum(getattr(light, n) != getattr(heavy, n) for n in Tier.__slots__) == 1


@pytest.mark.parametrize("guidance", [0.0, 7.5])
def test_a_governed_scene_is_reported_and_changed_only_as_far_as_needed(guidance):
    governed = SceneGovernor(50.0, native_steps=1)
    scene = Scene(sampling=Sampling("euler", 4, guidance))
    assert governed.before(scene) is scene
    notices = [governed.after(80.0) for _ in range(10)]
    assert [t for t in notices if t] == ["50 ms a frame: playing at 4 steps, tween 1/2"]
    assert governed.before(scene) == replace(scene, reuse=Reuse(tween=2))
    for _ in range(20):
        governed.after(80.0)
    lighter = Sampling("euler", 2, guidance)
    assert governed.before(scene) == replace(scene, sampling=lighter, reuse=Reuse(2, tween=2))
    for _ in range(30):
        governed.after(80.0)
    assert governed.before(scene).sampling == Sampling("euler", 1, 1.0 if guidance else 0.0)
    one = replace(scene, sampling=Sampling("euler", 1))
    assert governed.before(one) is one


def test_what_the_scene_reuses_itself_stays():
    governed = SceneGovernor(50.0, native_steps=1)
    scene = Scene(reuse=Reuse(deep=3, level=1, tween=4))
    assert not any(governed.after(90.0) for _ in range(200))
    assert governed.before(scene) is scene


UNET, DECODER, DEEP = 53.4, 41.3, 0.77  # ms, and the share of the unet that is deep


def cost(scene):
    """A scripted machine: what a frame of the scene takes, in ms."""
    calls = (scene.sampling.steps or 1) * (2 if scene.sampling.guidance > 1.0 else 1)
    reuse = scene.reuse
    return calls * UNET * (1.0 - DEEP + DEEP / reuse.deep) / reuse.tween + DECODER


def played(governed, scene, seconds, load=1.0):
    """Play a scene on the scripted machine; return the frames' times and what was announced."""
    times, notices = [], []
    clock = 0.0
    while clock < seconds:
        times.append(load * cost(governed.before(scene)))
        notices.append(governed.after(times[-1]))
        clock += times[-1] / 1e3
    return times, [text for text in notices if text]


@pytest.mark.parametrize(
    ("target", "announced"),
    [(100.0, 0), (80.0, 1), (60.0, 2)],
)
def test_it_takes_as_little_as_holds_the_target(target, announced):
    governed = SceneGovernor(target, native_steps=1)
    _, notices = played(governed, Scene(), 20.0)
    assert len(notices) == announced
    times, notices = played(governed, Scene(), 20.0)
    assert not notices
    assert np.percentile(times, 95) <= target


def test_a_load_that_comes_and_goes_is_followed_and_nothing_is_left_behind():
    governed = SceneGovernor(160.0, native_steps=1)
    scene = Scene(sampling=Sampling("euler", 2))
    assert played(governed, scene, 30.0)[1] == []
    _, heavy = played(governed, scene, 60.0, load=2.0)
    assert [text.removeprefix("160 ms a frame: playing at ") for text in heavy] == [
        "2 steps, tween 1/2",
        "2 steps, deep refresh 1/2, tween 1/2",
    ]
    _, light = played(governed, scene, 120.0, load=0.3)
    assert light[-1] == "160 ms a frame: playing at 2 steps"
    assert governed.before(scene) is scene
