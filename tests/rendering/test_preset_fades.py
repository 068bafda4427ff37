"""Presets that take over in time, in pictures: the way begins at what was shown, without a jump."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from livebend.flow import Features
from livebend.rendering.network import Network
from livebend.scene.commands import Load, Remove, Set
from livebend.scene.values import Bend, Prompt, Route, Scene, Walk
from tests.fakes.shows import Show

SWIRL = Bend("swirl", "rotate", "latent@0.8", {"angle": 350.0}, mix=0.5)
KICK = Route("kick", "low", "bend.swirl.angle", high=90.0)
OLD = Scene("Old", 1, Prompt("a red orb"), bends=(SWIRL,), routes=(KICK,))
NEW = Scene(
    "New", 1, Prompt("a blue flower"), bends=(replace(SWIRL, values={"angle": 10.0}, mix=1.0),)
)
SOUND = Features(rms=0.5, low=0.5, silent=False)


@pytest.fixture(scope="module")
def network(model):
    return Network(model, 64, 64)


def played(network, scenes):
    """The pictures of one scene a frame."""
    show = Show(network, strict=True)
    return [show.frame(scene, features=SOUND) for scene in scenes]


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


def test_a_change_on_the_way_is_seen(network):
    loaded = Load(NEW, fade=2.0).apply(replace(OLD, routes=()))
    turned = Set("bend.swirl.angle", 170.0).apply(loaded)
    gone = Remove("bend", "swirl").apply(loaded)
    plain = played(network, [OLD] + [loaded] * 11)[-1]
    for scene in (turned, gone):
        assert not np.array_equal(played(network, [OLD] + [loaded] * 10 + [scene])[-1], plain)


def test_the_first_frame_of_a_way_runs_no_stage_again(network):
    old, new = (replace(s, walk=Walk(0.3, 0.0), routes=()) for s in CASES["noise"])
    loaded = Load(replace(new, prompt=NEW.prompt), fade=2.0).apply(old)
    frames = played(network, [old, old, loaded])
    assert np.array_equal(frames[2], frames[1])
    assert set(network.memory.ran.seconds) <= {"walk"}  # the new noise, made but not shown yet
