"""Whatever is stored, recalled, crossed, edited, undone and redone, in whatever order."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.core import limits
from livebend.core.errors import LivebendError
from livebend.scene import edit, paths, sides
from livebend.scene.commands import (
    Add,
    Change,
    Load,
    LoadOther,
    Panic,
    Redo,
    Remove,
    Replace,
    Set,
    Store,
    Undo,
)
from livebend.scene.morph import SceneMorph, crossed
from livebend.scene.show_values import Arrival
from livebend.scene.values import Bend, Loop, MixedPrompt, Prompt, Route, Scene

SWIRL = Bend("swirl", "rotate", "latent@0.8", {"angle": 30.0})
KICK = Route("kick", "low", "bend.swirl.angle", high=90.0)
SWAY = Loop("sway", "bend.swirl.angle", "0:0 2:90")
DUB = Scene("Dub", 1, Prompt("flames"), bends=(SWIRL,), routes=(KICK,), loops=(SWAY,))
STORM = Scene("Storm", 2, bends=(Bend("flash", "add", "image"), replace(SWIRL, site="image")))
TIDE = Scene("Tide", 2, Prompt("ocean"), mix=(MixedPrompt("night", "night"),))
SCENES = (DUB, STORM, TIDE)
START = replace(Load(DUB, "dub").apply(Scene()), past=())

positions = st.sampled_from([0.0, 0.2, 0.5, 0.6, 1.0])
fades = st.sampled_from([None, 0.0, 2.0])
structural = st.one_of(
    st.builds(Load, st.sampled_from(SCENES), st.just("x"), fades),
    st.builds(LoadOther, st.sampled_from(SCENES), st.just("x"), fades),
    st.sampled_from(
        [Add(Bend("tilt", "transform", "image")), Remove("bend", "swirl"), Remove("route", "kick"),
         Remove("loop", "sway"), Replace(Loop("way", "walk.radius", "0:0.5", 8.0)), Panic(),
         Replace(Bend("swirl", "add", "unet.mid")), Add(MixedPrompt("night", "night"))]
    ),
)  # fmt: skip
others = st.one_of(
    st.builds(Set, st.just(sides.POSITION), positions),
    st.builds(Set, st.just("bend.swirl.angle"), st.floats(-180, 180)),
    st.builds(Set, st.just("walk.radius"), st.floats(0, 4)),
    st.builds(Set, st.just("preset.fade"), st.sampled_from([0.0, 1.0])),
    st.builds(Change, st.just(sides.POSITION), st.sampled_from([-0.3, 0.3])),
    st.sampled_from([Undo(), Redo(), Store(1), Set("loop.sway.mute", False), Set("seed", 7)]),
)
sequences = st.lists(st.one_of(structural, others), max_size=30)


def after(commands, scene=START):
    """The scene after the commands; those that are refused leave it as it is."""
    for command in commands:
        scene = tried(command, scene)
    return scene


def tried(command, scene):
    try:
        return command.apply(scene)
    except LivebendError:
        return scene


def seen(scene):
    """All that is played of a scene and its other side, apart from what belongs to the show."""
    of = [None if one is None else replace(one, **KEPT) for one in (scene, scene.other)]
    return *of, scene.deck


KEPT = {name: getattr(Scene(), name) for name in ("tempo", "preset", "crossfade")}


@given(sequences)
def test_every_scene_on_the_way_can_be_played(commands):
    scene = START
    for command in commands:
        scene = tried(command, scene)
        for side in filter(None, (scene, scene.other)):
            assert edit.check(side) is side
            for path, spec in paths.every(side):
                spec.check(paths.get(side, path), path)
        if scene.other is not None:
            assert (scene.other.deck, scene.other.other) == (1 - scene.deck, None)
            assert 0.0 <= sides.share(scene) <= 0.5
        assert len(scene.past) + len(scene.future) <= 2 * limits.UNDO
        kept = (*scene.past, *scene.future, scene.home, scene.other)
        assert not any(one.past or one.future for one in kept if one is not None)


@given(sequences, structural)
def test_undo_takes_the_last_change_back_and_redo_does_it_again(commands, last):
    before = after(commands)
    try:
        done = last.apply(before)
    except LivebendError:
        return
    undone = Undo().apply(done)
    assert seen(undone) == seen(before)
    assert undone.past == before.past[-limits.UNDO + 1 :]
    again = Redo().apply(undone)
    assert seen(again) == seen(replace(done, crossfade=before.crossfade))
    assert again.past == done.past


@given(sequences, sequences)
def test_all_undone_and_redone_is_what_it_was(commands, more):
    scene = Set(sides.POSITION, 0.2).apply(after([*commands, *more]))
    back, steps = scene, 0
    while back.past:
        back, steps = Undo().apply(back), steps + 1
    for _ in range(steps):
        back = Redo().apply(back)
    assert seen(back) == seen(scene)
    assert (len(back.past), len(back.future)) == (len(scene.past), len(scene.future))


@given(sequences, sequences)
def test_a_slot_recalls_what_was_stored(first, then):
    kept = {}
    stored = Store(5, kept.__setitem__).apply(after(first))
    assert kept[5].other is None
    assert kept[5].past == kept[5].future == ()
    recalled = Load(kept[5], "stored-5").apply(after(then, stored))
    assert seen(recalled)[0] == seen(stored)[0]
    other = LoadOther(kept[5], "stored-5").apply(after(then, stored))
    assert seen(other)[1] == seen(stored)[0]
    end = 1.0 - sides.end(other.crossfade.position)
    assert seen(Set(sides.POSITION, end).apply(other))[0] == seen(stored)[0]


@given(sequences)
def test_panic_is_home_alone(commands):
    scene = after(commands)
    home = Panic().apply(scene)
    assert seen(home)[:2] == (replace(scene.home, **KEPT), None)
    assert sides.share(home) == 0.0
    assert home.tempo == scene.tempo


moves = st.builds(Set, st.just(sides.POSITION), positions)
loads = st.one_of(st.sampled_from(SCENES).map(Load), st.sampled_from(SCENES).map(LoadOther))


@given(st.lists(st.one_of(loads, moves), max_size=20))
def test_the_scene_is_the_side_that_the_fader_is_nearer_to(commands):
    scene, stands = START, {0.0: "Dub"}
    for command in commands:
        scene = command.apply(scene)
        end = sides.end(scene.crossfade.position)
        if isinstance(command, Load):
            stands[end] = command.scene.title
        elif isinstance(command, LoadOther):
            stands[1.0 - end] = command.scene.title
        elif end not in stands:  # one side alone goes with the fader
            stands = {end: scene.title}
        assert scene.title == stands[end]
        assert (scene.other.title if scene.other else None) == stands.get(1.0 - end)


@given(sequences, st.lists(st.floats(0.01, 3.0), min_size=30, max_size=30))
def test_a_morph_ends_with_the_scene_itself(commands, waits):
    morph, scene, time = SceneMorph(), START, 0.0
    for command, wait in zip(commands, waits, strict=False):
        scene, time = tried(command, scene), time + wait
        shown, t = morph.advance(scene, time)
        assert (shown is scene) == (t == 1.0)
        assert len({bend.name for bend in shown.bends}) == len(shown.bends)
    assert morph.advance(scene, time + 2.0) == (scene, 1.0)


@settings(max_examples=50)
@given(sequences, st.floats(0.0, 1.0))
def test_between_two_sides_all_is_in_its_range(commands, t):
    scene = LoadOther(STORM).apply(after(commands))
    a, b = scene, scene.other
    made = crossed(a, b, t)
    assert made.title == (b if t > 0.5 else a).title
    for path, spec in paths.every(replace(made, loops=())):
        if spec.range is not None:
            spec.check(paths.get(made, path), path)


@pytest.mark.parametrize(
    ("arrival", "bpm", "seconds"),
    [(Arrival(3.0), 90.0, 3.0), (Arrival(3.0, "beats"), 90.0, 2.0),
     (Arrival(2.0, "bars"), 90.0, 4.0), (Arrival(4.0, "beats"), 0.0, 2.0)],
)  # fmt: skip
def test_a_crossing_takes_the_beats_of_the_tempo_as_it_begins(arrival, bpm, seconds):
    morph = SceneMorph()
    old, new = Scene("Old", bends=(SWIRL,)), replace(STORM, arrival=arrival)
    new = replace(new, tempo=replace(new.tempo, bar=3))
    morph.advance(old, 0.0, bpm)
    morph.advance(new, 1.0, bpm)
    assert morph.advance(new, 1.0 + seconds / 2, 3.0)[1] == pytest.approx(0.5)
    assert morph.advance(new, 1.0 + seconds - 1e-6, 300.0)[1] < 1.0
    assert morph.advance(new, 1.0 + seconds, 300.0) == (new, 1.0)
