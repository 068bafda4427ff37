"""Presets that take over in time: numbers move, parts fade, prompt and noise cross."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.core.mailbox import OnDemand
from livebend.core.ranges import Range
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Features, Tick
from livebend.models.checkpoint import load_model
from livebend.rendering.inputs import slerp
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene import paths, presets
from livebend.scene.commands import Add, Load, Panic, Remove, Set, Undo
from livebend.scene.morph import SceneMorph, blended
from livebend.scene.values import (
    Agc,
    Arrival,
    Bend,
    Prompt,
    Recall,
    Route,
    Sampling,
    Scene,
    Walk,
    own_name,
)

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
    assert Load(NEW, fade=2.0).apply(OLD).arrival.seconds == 2.0
    slow = Set("preset.fade", 3.0).apply(OLD)
    loaded = Load(NEW).apply(slow)
    assert (loaded.arrival.seconds, loaded.preset) == (3.0, Recall(3.0))
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


# ---- pictures


class Stopped:
    def now(self):
        return 0.0


@pytest.fixture(scope="module")
def network(model_folder):
    model = load_model(str(model_folder("turbo")), torch.device("cpu"), torch.float32)
    return Network(model, 64, 64)


def played(network, scenes, fps=10.0):
    """The pictures of one scene a frame."""
    prompts = Prompts(network.model.encode)
    render = Renderer(network, prompts, Statistics(Stopped()), OnDemand(Status()), strict=True)
    ticks = [Tick(k, (k + 1) / fps, 1 / fps, k / fps) for k in range(len(scenes))]
    heard = Features(rms=0.5, low=0.5, silent=False)
    return [render(s, heard, t).pixels for s, t in zip(scenes, ticks, strict=True)]


def steps(frames):
    return [float(np.abs(a.astype(float) - b).mean()) for a, b in pairwise(frames)]


CASES = {
    "bends": (
        replace(OLD, bends=(SWIRL, Bend("a", "negate", "image", {"amount": 0.8}))),
        replace(OLD, bends=(Bend("swirl", "rotate_pairs", "unet.mid", {"angle": 80.0}),)),
    ),
    "prompts": (OLD, NEW),
    "noise": (OLD, replace(OLD, seed=2, walk=Walk(0.6, 3.0, 90.0))),
    "routes": (OLD, replace(OLD, routes=(replace(KICK, source="rms", high=-40.0),))),
}


@pytest.mark.parametrize("case", CASES)
def test_a_way_begins_where_the_old_picture_was_and_makes_no_jump(network, case):
    old, new = CASES[case]
    old, new = (replace(s, walk=replace(s.walk, period=0.0)) for s in (old, new))
    loaded = Load(new, fade=2.0).apply(old)
    frames = played(network, [old] * 3 + [loaded] * 24)
    jumped = played(network, [old] * 3 + [Load(new).apply(old)] * 24)
    assert np.array_equal(frames[2], frames[3])
    assert max(steps(frames)) < 0.4 * float(np.abs(frames[2] - jumped[-1].astype(float)).mean())
    assert np.array_equal(frames[-1], frames[-2])
    assert np.array_equal(frames[-1], jumped[-1])


def test_a_second_preset_on_the_way_starts_from_what_is_shown(network):
    old, new = (replace(s, walk=Walk(0.3, 0.0)) for s in CASES["noise"])
    first = Load(replace(new, prompt=NEW.prompt), fade=2.0).apply(old)
    back = Load(old, fade=2.0).apply(first)
    frames = played(network, [old] * 2 + [first] * 10 + [back] * 24)
    assert max(steps(frames)) < 12.0
    assert np.array_equal(frames[12], frames[11]) or steps(frames)[11] < 3.0
    assert np.array_equal(frames[-1], frames[0])


def test_a_hand_on_the_way_is_felt(network):
    loaded = Load(NEW, fade=2.0).apply(replace(OLD, routes=()))
    turned = Set("bend.swirl.angle", 170.0).apply(loaded)
    gone = Remove("bend", "swirl").apply(loaded)
    plain = played(network, [OLD] + [loaded] * 11)[-1]
    for scene in (turned, gone):
        assert not np.array_equal(played(network, [OLD] + [loaded] * 10 + [scene])[-1], plain)


def test_noise_keeps_its_size_on_the_arc():
    a, b = torch.randn(2, 1, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    for t in (0.1, 0.5, 0.9):
        assert float(slerp(a, b, t).std()) == pytest.approx(1.0, abs=0.02)
        assert torch.allclose(slerp(a, a, t), a, atol=1e-2)
    assert torch.allclose(slerp(a, b, 0.0), a, atol=1e-5)


def test_steps_change_at_once(network):
    new = replace(NEW, sampling=Sampling(steps=2))
    assert blended(OLD, new, 0.1).sampling.steps == 2


def test_the_first_frame_of_a_way_runs_no_stage_again(network):
    old, new = (replace(s, walk=Walk(0.3, 0.0), routes=()) for s in CASES["noise"])
    loaded = Load(replace(new, prompt=NEW.prompt), fade=2.0).apply(old)
    frames = played(network, [old, old, loaded])
    assert np.array_equal(frames[2], frames[1])
    assert set(network.memory.ran.seconds) <= {"walk"}  # the new noise, made but not shown yet
