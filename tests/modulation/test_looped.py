"""Loops play what was recorded, in time with the beat."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.core import limits
from livebend.core.errors import LivebendError, OutOfRange, Refused
from livebend.modulation.looped import looped
from livebend.scene import edit, paths
from livebend.scene.commands import Change, Set
from livebend.scene.loops import number_of, points_of, thinned, written
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import Bend, Loop, Scene

BEND = Bend("b", "rotate", "latent@0.8", {"angle": 20.0})
SCENE = Scene(bends=(BEND,))


def with_loop(target, points, beats=4.0, **more):
    return edit.check(replace(SCENE, loops=(Loop("l", target, points, beats, **more),)))


@pytest.mark.parametrize(
    ("target", "points", "values"),
    [
        ("walk.radius", "0:1 2:3", {0: 1, 1: 2, 2: 3, 3: 2, 4: 1, 9: 2}),
        ("walk.radius", "1:1 2:3", {0: 1 + 2 / 3, 1: 1, 3.5: 2}),  # round to the first again
        ("walk.radius", "1:0.7", {0: 0.7, 3: 0.7}),
        ("walk.radius", "0:1 2:3 5:9", {3: 2, 4: 1}),  # behind its end nothing plays
        ("walk.radius", "0:99", {0: 4.0}),
        ("bend.b.angle", "0:170 2:-170", {1: 180.0, 3: -180.0}),  # the shorter way round
        ("tempo.taps", "", {}),
        ("bend.b.mute", "0:0 1:1", {0.9: False, 1.0: True, 3.9: True, 4.0: False}),
        ("walk.hold", "0:1 2:8", {1.9: 1, 2.0: 8}),
        ("bend.b.mask.kind", "0:0 2:1", {1.0: 0, 2.5: 1}),
        ("sampling.depth", "0:0 2:2", {1.0: "nearest", 3.0: "split"}),
        ("crossfade.position", "0:0 2:1", {1.0: 0.5}),
        ("seed", "0:3 2:5", {1.0: 3, 2.0: 5}),
    ],
)
def test_a_loop_plays_its_points_again_and_again(target, points, values):
    if not points:
        with pytest.raises(Refused, match="a loop goes by it"):
            with_loop(target, "0:1")
        return
    scene = with_loop(target, points)
    spec = paths.find(scene, target)
    for beat, value in values.items():
        played = paths.get(looped(scene, beat), target)
        expected = spec.choices[value] if spec.choices and isinstance(value, int) else value
        assert played == (pytest.approx(value) if spec.kind == "float" else expected)
        assert type(played) is type(paths.get(scene, target))


def test_a_scene_without_loops_is_itself_and_a_muted_one_plays_nothing():
    assert looped(SCENE, 1.0) is SCENE
    muted = with_loop("walk.radius", "0:1", mute=True)
    assert looped(muted, 1.0) == muted


@pytest.mark.parametrize("hand", [Set("walk.radius", 2.0), Change("walk.radius", plus=1.0)])
def test_a_hand_takes_its_parameter_over_until_the_loop_is_switched_on(hand):
    scene = with_loop("walk.radius", "0:1")
    touched = hand.apply(scene)
    assert looped(touched, 0.0).walk.radius == hand.apply(SCENE).walk.radius
    assert Set("walk.period", 3.0).apply(scene).loops == scene.loops
    again = Set("loop.l.mute", False).apply(touched)
    assert looped(again, 0.0).walk.radius == 1.0


@pytest.mark.parametrize(
    ("target", "points", "why"),
    [
        ("walk.radius", "", "expected at least one"),
        ("walk.radius", "0", "'0': expected BEAT:VALUE"),
        ("walk.radius", "0:x", "'0:x': expected BEAT:VALUE"),
        ("walk.radius", "-1:2", "'-1:2': expected BEAT:VALUE"),
        ("walk.radius", "1:2 1:3", "1 after 1: expected rising beats"),
        ("walk.radius", "0:nan", "expected BEAT:VALUE"),
        ("walk.radius", " ".join(f"{n}:0" for n in range(limits.POINTS + 1)), "513 points"),
        ("walk.radios", "0:1", "did you mean 'walk.radius'"),
        ("prompt.text", "0:1", "a text has no loop"),
        ("preset.fade", "0:1", "a loop goes by it"),
        ("loop.l.beats", "0:1", "a loop goes by it"),
    ],
)
def test_what_is_no_loop_is_refused(target, points, why):
    table = {"loop": {"l": {"target": target, "points": points}}}
    with pytest.raises(LivebendError, match=why):
        scene_from(table)


def test_a_bend_that_goes_takes_its_loop_with_it_and_a_preset_keeps_it():
    scene = with_loop("bend.b.angle", "0:1 2:5", beats=8.0)
    assert scene_from(table_of(scene)) == scene
    with pytest.raises(OutOfRange):
        edit.put(scene, "loop.l.points", "0:1 0:2")
    assert edit.swap(scene, Bend("b", "add", "image")).loops == ()


gestures = st.lists(st.floats(-180, 180), min_size=2, max_size=200)


@given(gestures, st.sampled_from(["bend.b.angle", "walk.radius", "bend.b.mute", "walk.hold"]))
def test_what_is_thinned_out_plays_as_it_was_recorded(values, path):
    spec = paths.find(SCENE, path)
    numbers = [number_of(spec, spec.fit(value, path)) for value in values]
    beats = 4.0 * len(values) / 200
    points = [(4.0 * index / 200, number) for index, number in enumerate(numbers)]
    text = written(thinned(points, spec))
    assert len(points_of(text)) <= len(points)
    scene = with_loop(path, text, max(beats, 0.25))
    soft = spec.range.soft_range if spec.range else None
    for beat, number in points:
        played = number_of(spec, paths.get(looped(scene, beat), path))
        off = 3e-4 * (soft.high - soft.low) if soft and spec.kind == "float" else 0.0
        gap = (played - number + 180) % 360 - 180 if soft and soft.wraps else played - number
        assert abs(gap) <= off + 1e-4


def test_a_gesture_of_many_frames_becomes_a_few_points():
    spec = paths.find(SCENE, "walk.radius")
    straight = [(k / 60, 0.5 + k / 600) for k in range(600)]
    assert thinned(straight, spec) == [straight[0], straight[-1]]
    wild = [(k / 60, float(k % 2)) for k in range(2000)]
    assert len(thinned(wild, spec)) <= limits.POINTS
