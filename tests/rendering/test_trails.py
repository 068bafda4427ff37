"""Feedback in a show: trails of what was painted before, that begin anew when a scene does."""

from dataclasses import replace

import numpy as np
import pytest

from livebend.rendering.network import Network
from livebend.scene.commands import Load, Panic
from livebend.scene.values import Bend, Prompt, Scene, Walk
from tests.fakes.shows import Show

TRAIL = Bend("trail", "feedback", "latent@1", {"trail": 1.0, "zoom": 1.5}, normalise="none")
FIRST = Scene(prompt=Prompt("a red orb", fade=0.0), walk=Walk(radius=0.0), bends=(TRAIL,))
SECOND = replace(FIRST, prompt=Prompt("a blue flower", fade=0.0))


@pytest.fixture
def new_show(model):
    """Return a function that begins a show, strict as offline, on a network of its own."""
    return lambda: Show(Network(model, 64, 64), strict=True)


def test_a_trail_stays_of_what_was_painted_and_fades(new_show):
    show, plain = new_show(), new_show().frame(replace(SECOND, bends=()))
    still = (replace(TRAIL, values={"trail": 1.0}),)
    show.frame(replace(FIRST, bends=still))
    second = replace(SECOND, bends=still)
    frames = [show.frame(second, dt=0.05) for _ in range(100)]
    gaps = [np.abs(frame.astype(float) - plain).mean() for frame in frames]
    assert gaps[0] > gaps[20] > gaps[60]
    assert gaps[0] > 4 * gaps[99]


def test_it_is_the_same_every_time_and_nothing_is_answered_from_memory(new_show):
    scenes = [FIRST, SECOND, SECOND, FIRST, FIRST]
    once, again = new_show(), new_show()
    frames = [once.frame(scene) for scene in scenes]
    assert all(np.array_equal(a, again.frame(s)) for a, s in zip(frames, scenes, strict=True))
    assert len({frame.tobytes() for frame in frames}) == len(frames)


@pytest.mark.parametrize("command", [Panic(), Load(SECOND)])
def test_panic_and_presets_begin_anew(new_show, command):
    show, fresh = new_show(), new_show().frame(SECOND)
    show.frame(FIRST)
    scene = replace(SECOND, home=SECOND)
    assert not np.array_equal(show.frame(scene), fresh)
    assert np.array_equal(show.frame(command.apply(scene)), fresh)
