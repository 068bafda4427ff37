"""Commands and paths: every parameter can be read and set, and nothing structural is lost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.core import limits
from livebend.core.errors import OutOfRange, Refused, UnknownName
from livebend.scene import edit, paths
from livebend.scene.commands import (
    Add,
    Change,
    Load,
    Move,
    Panic,
    Redo,
    Remove,
    Replace,
    Set,
    Undo,
)
from livebend.scene.values import Bend, Prompt, Route, Sampling, Scene

SWIRL = Bend("swirl", "rotate", "latent@0.8", {"angle": 30.0, "i": 1, "j": 2})
KICK = Route("kick", "low", "bend.swirl.angle", high=90.0)
SCENE = Scene("Dub", bends=(SWIRL,), routes=(KICK,))
START = Load(SCENE, "dub").apply(Scene())


def other(spec):
    """A value that is not the default."""
    if spec.kind == "choice":
        return spec.choices[-1]
    if spec.kind == "text":
        return {"target": "bend.swirl.angle", "channels": "0-1"}.get(spec.name, "nebula")
    if spec.kind == "bool":
        return not spec.default
    return spec.range.high if spec.default != spec.range.high else spec.range.low


@pytest.mark.parametrize("path", [path for path, _ in paths.every(SCENE)])
def test_every_path_can_be_read_and_set(path):
    spec = paths.find(SCENE, path)
    value = other(spec)
    changed = edit.put(SCENE, path, value)
    assert paths.get(changed, path) == value
    assert edit.put(changed, path, paths.get(SCENE, path)) == SCENE
    assert spec.doc


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("bend.swirl.angle", ("bend", "swirl", "angle")),
        ("bend.swirl.mask.size", ("bend", "swirl", "mask.size")),
        ("route.kick.high", ("route", "kick", "high")),
        ("walk.radius", ("walk", "", "radius")),
        ("seed", ("", "", "seed")),
        ("bend.swirl", ("bend", "swirl", "")),
        ("walk", ("walk", "", "")),
        ("seed.x", ("", "", "seed.x")),
        ("nowhere.b.x", ("", "", "nowhere.b.x")),
    ],
)
def test_a_path_is_taken_apart(path, parts):
    assert paths.split(path) == parts


@pytest.mark.parametrize(
    "path",
    ["", "seeds", "seed.x", "prompt", "prompt.txt", "bend", "bend.swirl", "bend.swril.angle",
     "bend.swirl.angel", "route.kick", "route.kick.hi", "title", "home", "bends", "a.b.c.d"],
)  # fmt: skip
def test_a_path_that_is_not_there_is_refused(path):
    with pytest.raises(UnknownName):
        edit.put(SCENE, path, 1)


def test_the_nearest_path_is_offered():
    with pytest.raises(UnknownName, match=r"did you mean 'bend\.swirl\.angle'"):
        paths.get(SCENE, "bend.swirl.angel")


def test_set_brings_a_number_inside_and_put_refuses_it():
    assert Set("walk.radius", 99).apply(SCENE).walk.radius == 4.0
    assert Set("bend.swirl.angle", 400).apply(SCENE).bend("swirl").values["angle"] == 40.0
    with pytest.raises(OutOfRange, match=r"walk\.radius = 99: expected 0\.\.4"):
        edit.put(SCENE, "walk.radius", 99)


def test_a_fader_goes_over_the_soft_range_of_what_it_moves():
    swing = paths.soft_range(SCENE, "bend.swirl.angle")
    assert (swing.low, swing.high, swing.unit) == (-180, 180, "deg")
    with pytest.raises(OutOfRange, match="no number"):
        paths.soft_range(SCENE, "prompt.text")


def test_a_fader_on_what_a_route_adds_goes_as_wide_as_its_target():
    scene = edit.check(replace(SCENE, routes=(Route("kick", "low", "bend.swirl.angle"),)))
    for end in ("low", "high"):
        wide = paths.soft_range(scene, f"route.kick.{end}")
        assert (wide.low, wide.high, wide.unit) == (-360, 360, "deg")


NUMBERS = [path for path, spec in paths.every(SCENE) if spec.kind in ("float", "int")]


@given(st.dictionaries(st.sampled_from(NUMBERS), st.floats(-1e7, 1e7), max_size=8))
def test_values_in_one_go_are_those_put_one_after_another(numbers):
    one_by_one = SCENE
    for path, number in numbers.items():
        one_by_one = edit.put(one_by_one, path, number, fit=True)
    values = {path: paths.find(SCENE, path).fit(n, path) for path, n in numbers.items()}
    assert edit.with_values(SCENE, values) == one_by_one
    assert all(
        type(paths.get(edit.with_values(SCENE, values), p)) is type(paths.get(SCENE, p))
        for p in numbers
    )


def test_set_leaves_the_old_scene_alone():
    changed = Set("prompt.text", "flames").apply(SCENE)
    assert (changed.prompt.text, SCENE.prompt) == ("flames", Prompt())


def test_panic_returns_to_the_preset():
    bent = Remove("bend", "swirl").apply(Set("prompt.blend", 1).apply(START))
    assert bent != SCENE
    assert Panic().apply(bent) == SCENE
    assert Panic().apply(Panic().apply(bent)) == SCENE


def test_undo_goes_back_step_by_step_and_redo_forward():
    removed = Remove("bend", "swirl").apply(START)
    added = Add(Bend("tilt", "transform", "image")).apply(removed)
    back = Undo().apply(added)
    assert (back, Undo().apply(back)) == (removed, START)
    assert Redo().apply(Redo().apply(Undo().apply(back))) == added
    assert Undo().apply(Panic().apply(removed)) == removed


def test_undo_refuses_where_nothing_was_done_and_redo_where_something_came_after_it():
    with pytest.raises(Refused, match="nothing to undo"):
        Undo().apply(Scene())
    again = Remove("route", "kick").apply(Undo().apply(Remove("bend", "swirl").apply(START)))
    with pytest.raises(Refused, match="nothing to redo"):
        Redo().apply(again)


def test_undo_leaves_the_tempo_and_how_presets_come_alone():
    scene = Remove("bend", "swirl").apply(START)
    scene = Set("preset.quantise", "bar").apply(Set("tempo.bpm", 128.0).apply(scene))
    back = Undo().apply(scene)
    assert (back.tempo, back.preset, back.bends) == (scene.tempo, scene.preset, START.bends)


def test_a_long_show_does_not_pile_up():
    scene = START
    for _ in range(50):
        scene = Add(Bend("x", "add", "unet.mid")).apply(Remove("bend", "swirl").apply(scene))
        scene = Load(SCENE).apply(scene)
    assert len(scene.past) == limits.UNDO
    assert not any(one.past or one.future or one.home.past for one in scene.past)


def test_add_takes_the_end_of_the_chain_and_refuses_a_taken_name():
    tilt = Bend("tilt", "transform", "image")
    assert [b.name for b in Add(tilt).apply(SCENE).bends] == ["swirl", "tilt"]
    with pytest.raises(Refused, match="taken"):
        Add(SWIRL).apply(SCENE)


@pytest.mark.parametrize("name", ["", "Swirl", "a.b", "a/b", "a b", "ä", "a" * 65, "../x"])
def test_a_name_that_cannot_be_a_path_is_refused(name):
    with pytest.raises(Refused, match="name"):
        Add(Bend(name, "add", "unet.mid")).apply(SCENE)


@pytest.mark.parametrize(
    "part",
    [Bend("x", "rotat", "unet.mid"), Route("x", "rms", "bend.nope.angle"),
     Route("x", "rms", "prompt.text")],
)  # fmt: skip
def test_a_part_that_cannot_be_played_is_refused(part):
    with pytest.raises(Refused):
        Add(part).apply(SCENE)


def test_replace_keeps_the_place_and_the_routes_that_still_fit():
    two = Add(Bend("tilt", "transform", "image")).apply(SCENE)
    turned = Replace(Bend("swirl", "rotate_pairs", "unet.mid")).apply(two)
    assert [b.name for b in turned.bends] == ["swirl", "tilt"]
    assert turned.routes == (KICK,)
    assert Replace(Bend("swirl", "add", "unet.mid")).apply(two).routes == ()
    assert Replace(Bend("new", "add", "unet.mid")).apply(SCENE).bend("new")


@given(st.integers(1, 6), st.integers(1, 9))
def test_a_part_moves_to_its_place_and_undo_puts_it_back(which, place):
    names = ["a", "b", "c", "d", "e", "f"]
    scene = Scene(
        bends=tuple(Bend(name, "add", "unet.mid") for name in names),
        routes=(Route("kick", "low", f"bend.{names[which - 1]}.amount"),),
    )
    moved = Move("bend", names[which - 1], place).apply(scene)
    order = [bend.name for bend in moved.bends]
    assert sorted(order) == names
    assert order.index(names[which - 1]) == min(place, len(names)) - 1
    assert [n for n in order if n != names[which - 1]] == [
        n for n in names if n != names[which - 1]
    ]
    assert moved.routes == scene.routes
    assert Undo().apply(moved) == scene
    assert Redo().apply(Undo().apply(moved)) == moved


def test_a_part_that_is_not_there_does_not_move():
    with pytest.raises(UnknownName, match="nope"):
        Move("bend", "nope", 1).apply(SCENE)
    with pytest.raises(OutOfRange, match="expected 1 or more"):
        Move("bend", "swirl", 0)


def test_removing_a_bend_removes_what_drives_it():
    scene = Remove("bend", "swirl").apply(SCENE)
    assert (scene.bends, scene.routes) == ((), ())
    assert Remove("route", "kick").apply(SCENE).bends == (SWIRL,)
    for what in ("bend", "route"):
        with pytest.raises(UnknownName):
            Remove(what, "nope").apply(SCENE)


def test_a_route_cannot_be_pointed_at_nothing():
    with pytest.raises(Refused, match=r"route\.kick\.target"):
        Set("route.kick.target", "bend.swirl.angel").apply(SCENE)


def test_what_wraps_is_not_split():
    wrapping = Set("route.kick.edge", "wrap").apply(SCENE)
    split = Set("sampling.depth", "split").apply(SCENE)
    for scene, change in (
        (wrapping, Set("sampling.depth", "split")),
        (split, Set("route.kick.edge", "wrap")),
        (split, Add(Route("more", "low", "bend.swirl.angle", edge="wrap"))),
    ):
        with pytest.raises(Refused, match=r"edge = 'wrap': .* expected fit, clip or fold"):
            change.apply(scene)
    elsewhere = Set("bend.swirl.site", "image").apply(split)
    image = Set("route.kick.edge", "wrap").apply(elsewhere)
    with pytest.raises(Refused, match="split"):
        Set("bend.swirl.site", "latent@0.5").apply(image)
    assert Set("route.kick.edge", "fold").apply(split)
    with pytest.raises(Refused, match="split"):
        edit.check(Scene(sampling=Sampling(depth="split"), bends=(SWIRL,), routes=wrapping.routes))


def test_a_name_used_twice_is_refused():
    with pytest.raises(Refused, match="twice"):
        edit.check(Scene(bends=(SWIRL, SWIRL)))


def test_prompts_in_turn_are_spread_over_a_show_or_take_their_time():
    prompt = Prompt(text="left out", turns="a | b||c ", every=10.0)
    assert prompt.texts == ("a", "b", "c")
    assert Prompt(text="alone").texts == ("alone",)
    spread = [prompt.now(0.0, progress) for progress in (0.0, 0.3, 0.34, 0.66, 0.67, 1.0)]
    assert spread == ["a", "a", "b", "b", "c", "c"]
    assert [prompt.now(gone, None) for gone in (0.0, 0.99, 1.0, 2.9, 3.0)] == [*"aabca"]
    assert replace(prompt, turn=1.0).now(2.5, None) == "a"


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (Change("bend.swirl.angle", plus=5.0), 35.0),
        (Change("bend.swirl.angle", plus=-5.0), 25.0),
        (Change("bend.swirl.angle", times=2.0), 60.0),
        (Change("bend.swirl.angle", plus=340.0), 10.0),  # round a circle
        (Change("walk.radius", plus=9.0), 4.0),
        (Change("bend.swirl.angle", 0.25, by_fader=True), 120.0),
        (Change("bend.swirl.angle", 0.9, by_fader=True), 180.0),
        (Change("walk.radius", -0.1, by_fader=True), 0.2),
        (Change("sampling.steps", 0.01, by_fader=True), 1),  # an encoder moves a whole number too
        (Change("sampling.steps", -0.01, by_fader=True), 0),
        (Change("seed", plus=0.4), 46),
    ],
)
def test_a_number_is_changed_from_where_it_is(change, value):
    assert paths.get(change.apply(SCENE), change.path) == pytest.approx(value)


def test_changes_in_a_row_are_one():
    first, second = Change("walk.radius", 0.5, 2.0), Change("walk.radius", -0.25, 0.5)
    both = second.apply(first.apply(SCENE))
    assert first.then(second).apply(SCENE).walk.radius == pytest.approx(both.walk.radius)


@pytest.mark.parametrize("path", ["prompt.text", "walk.normalise", "route.kick.curve", "nope"])
def test_only_a_number_is_changed(path):
    with pytest.raises(Refused):
        Change(path, plus=1.0).apply(SCENE)
