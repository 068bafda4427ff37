"""Presets that take over in time: numbers move, parts fade, prompt and noise cross."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.core.ranges import Range
from livebend.scene import paths, presets
from livebend.scene.commands import Add, Load, Panic, Set, Undo
from livebend.scene.morph import SceneMorph, blended
from livebend.scene.show_values import Arrival, Recall
from livebend.scene.values import Agc, Bend, Prompt, Route, Sampling, Scene, own_name

SWIRL = Bend("swirl", "rotate", "latent@0.8", {"angle": 350.0}, mix=0.5)
KICK = Route("kick", "low", "bend.swirl.angle", high=90.0)
OLD = Scene("Old", 1, Prompt("a red orb"), bends=(SWIRL,), routes=(KICK,))
NEW = Scene(
    "New", 1, Prompt("a blue flower"), bends=(replace(SWIRL, values={"angle": 10.0}, mix=1.0),)
)


# ---- the scene between


@pytest.mark.parametrize(
    ("limits", "first", "last", "middle"),
    [(Range(-360, 360, wraps=True), 350.0, 10.0, 360.0), (Range(0, 4), 1.0, 3.0, 2.0),
     (Range(-360, 360, wraps=True), 10.0, -340.0, 15.0), (Range(0.25, 4, curve="log"), 0.5, 2, 1),
     (Range(-180, 180), -170.0, 170.0, 0.0)],
)  # fmt: skip
def test_numbers_take_the_shorter_way(limits, first, last, middle):
    assert limits.between(first, last, 0.5) == pytest.approx(middle)
    assert limits.between(first, last, 0.0) == first


def test_what_both_have_moves_and_what_one_has_fades():
    new = replace(NEW, bends=(*NEW.bends, Bend("tilt", "transform", "image")), agc=Agc(window=5.0))
    half = blended(OLD, new, 0.5)
    swirl, tilt = half.bends
    assert (swirl.values["angle"], swirl.mix, tilt.mix) == (360.0, 0.75, 0.5)
    assert half.agc.window == 10.0
    assert half.routes == (replace(KICK, high=45.0),)
    assert half.prompt == new.prompt


def test_a_part_that_is_another_one_leaves_under_another_name_with_what_drives_it():
    new = replace(OLD, bends=(replace(SWIRL, site="image"),))
    half = blended(OLD, new, 0.25)
    assert [(b.name, b.site, b.mix) for b in half.bends] == [
        ("swirl", "image", 0.125), ("swirl~", "latent@0.8", 0.375),
    ]  # fmt: skip
    assert {(r.name, r.target, r.high) for r in half.routes} == {
        ("kick~", "bend.swirl~.angle", 67.5), ("kick", "bend.swirl.angle", 22.5),
    }  # fmt: skip
    again = blended(half, replace(OLD, bends=(replace(SWIRL, site="vae.in"),)), 0.5)
    assert len({b.name for b in again.bends}) == len(again.bends) == 3


def test_the_order_of_both_chains_is_kept():
    def scene(names):
        return Scene(bends=tuple(Bend(n, "add", "unet.mid") for n in names))

    merged = blended(scene("abcd"), scene("xbyd"), 0.5).bends
    assert [b.name for b in merged if b.name in "abcd"] == list("abcd")
    assert [b.name for b in merged if b.name in "xbyd"] == list("xbyd")


def test_a_solo_silences_its_own_scene_only():
    old = Scene(bends=(replace(SWIRL, solo=True), Bend("a", "add", "image")))
    half = blended(old, Scene(bends=(Bend("b", "add", "image"),)), 0.5)
    assert {b.name: b.mute for b in half.bends} == {"swirl": False, "a": True, "b": False}
    assert not any(b.solo for b in half.bends)


names = [i.name for i in presets.list_presets() if not i.name.startswith("stored")]


@settings(max_examples=25)
@given(st.sampled_from(names), st.sampled_from(names), st.floats(0.0, 1.0))
def test_between_any_two_presets_every_parameter_is_in_its_range(first, second, t):
    half = blended(presets.load(first), presets.load(second), t)
    assert len({b.name for b in half.bends}) == len(half.bends)
    assert len({r.name for r in half.routes}) == len(half.routes)
    for path, spec in paths.every(half):
        if spec.range is not None:
            spec.check(paths.get(half, path), path)


@settings(max_examples=25)
@given(st.sampled_from(names), st.sampled_from(names))
def test_at_its_ends_a_way_is_the_scenes(first, second):
    old, new = presets.load(first), presets.load(second)
    begin, end = blended(old, new, 0.0), blended(old, new, 1.0)
    there = [b for b in begin.bends if b.mix > 0.0]
    assert [(own_name(b.name), b.operator) for b in there] == [
        (b.name, b.operator) for b in old.bends if b.mix > 0.0
    ]
    kept = [b for b in end.bends if b.name in {n.name for n in new.bends}]
    assert [(b.name, b.mix, b.site) for b in kept] == [(b.name, b.mix, b.site) for b in new.bends]


# ---- commands


def test_a_load_takes_the_time_it_is_given_or_that_of_the_scene():
    assert Load(NEW).apply(OLD).arrival is None
    assert Load(NEW, fade=2.0).apply(OLD).arrival.length == 2.0
    slow = Set("preset.fade", 3.0).apply(OLD)
    loaded = Load(NEW).apply(slow)
    assert (loaded.arrival.length, loaded.preset) == (3.0, Recall(3.0))
    assert Load(NEW, fade=0.0).apply(slow).arrival is None
    assert Panic().apply(loaded).arrival is None
    assert Set("bend.swirl.angle", 5.0).apply(loaded).arrival is loaded.arrival
    moved = Add(Bend("a", "add", "image")).apply(loaded)
    assert moved.arrival is loaded.arrival
    assert Undo().apply(moved).arrival is None
    assert Load(NEW, fade=2.0).apply(loaded).arrival is not loaded.arrival


def test_a_way_is_the_same_at_every_frame_rate_and_ends():
    ways = {}
    for fps in (10, 40):
        morph = SceneMorph()
        morph.advance(OLD, 0.0)
        new = replace(NEW, arrival=Arrival(2.0))
        ways[fps] = [morph.advance(new, 1.0 + k / fps)[1] for k in range(2 * fps + 1)]
        assert morph.advance(new, 9.0) == (new, 1.0)
    assert ways[10] == pytest.approx(ways[40][::4])
    assert ways[10][0] == 0.0
    assert ways[10][-1] == 1.0


def test_the_first_scene_of_a_show_is_there_at_once():
    assert SceneMorph().advance(replace(NEW, arrival=Arrival(2.0)), 0.0)[1] == 1.0


def test_steps_change_at_once():
    new = replace(NEW, sampling=Sampling(steps=2))
    assert blended(OLD, new, 0.1).sampling.steps == 2
