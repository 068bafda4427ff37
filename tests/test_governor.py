"""The governor holds the frame time, and does not hunt."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.governor import Governed, Governor, Tier, tiers
from livebend.scene import Sampling, Scene


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


def test_it_comes_back_when_there_is_room_and_stays_where_there_is_little():
    governor = Governor(50.0, 3, window=10, patience=2)
    fed(governor, 80.0, 10)
    assert fed(governor, 45.0, 200) == 1
    assert fed(governor, 20.0, 19) == 1
    assert fed(governor, 20.0, 1) == 0


def test_it_hunts_less_and_less():
    governor = Governor(50.0, 2, window=10, patience=1)
    cost = {0: 60.0, 1: 20.0}
    told = [governor.feed(cost[governor.tier]) for _ in range(10 * 200)]
    changes = sum(a != b for a, b in itertools.pairwise(told))
    assert changes < 40
    late = told[-10 * 60 :]
    assert late.count(0) / len(late) < 0.1


@given(st.lists(st.floats(0.0, 1e4), max_size=300), st.integers(1, 5))
def test_it_always_names_a_tier_there_is(times, count):
    governor = Governor(50.0, count, window=5)
    for ms in times:
        assert 0 <= governor.feed(ms) < count


def test_tiers():
    assert tiers(1) == (Tier(1),)
    assert [t.steps for t in tiers(50)] == [50, 25, 12, 6, 3, 1]


@pytest.mark.parametrize("guidance", [0.0, 7.5])
def test_a_governed_scene_is_told_and_changed_only_as_far_as_needed(guidance):
    governed = Governed(50.0, native_steps=1)
    scene = Scene(sampling=Sampling("euler", 4, guidance))
    assert governed.before(scene) is scene
    told = [governed.after(80.0) for _ in range(40)]
    assert [t for t in told if t] == ["50 ms a frame: playing at 2 steps"]
    assert governed.before(scene).sampling == Sampling("euler", 2, guidance)
    for _ in range(120):
        governed.after(80.0)
    assert governed.before(scene).sampling == Sampling("euler", 1, 0.0)
    one = replace(scene, sampling=Sampling("euler", 1))
    assert governed.before(one) is one


def test_a_scene_of_one_step_has_nothing_to_give():
    governed = Governed(50.0, native_steps=1)
    scene = Scene()
    assert not any(governed.after(90.0) for _ in range(200))
    assert governed.before(scene) is scene
