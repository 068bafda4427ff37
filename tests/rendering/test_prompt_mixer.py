"""The prompt mixer: weights are normalised, only what reads the text runs again, and every frame is
bit for bit what a show begun with it paints first."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.device.memory import Memory
from livebend.flow import Features, Tick
from livebend.rendering.inputs import InputSource, slerp
from livebend.rendering.network import Network, Setup
from livebend.rendering.prompts import Prompts
from livebend.scene.commands import Load
from livebend.scene.show_values import Arrival
from livebend.scene.values import MixedPrompt, Prompt, Route, Scene
from tests.fakes.networks import CountingEngine
from tests.fakes.shows import STILL, Show

TEXTS = ("a red orb", "a blue flower", "the night forest", "a river")
NOW = Tick(0, 0.0, 0.0, 0.0)


def mixed(*weights, first=1.0, **prompt):
    """A scene whose prompt is TEXTS[0] at `first`, and that mixes the others at their weights."""
    mix = tuple(MixedPrompt(f"m{n}", TEXTS[n], w) for n, w in enumerate(weights, 1))
    return replace(STILL, prompt=Prompt(TEXTS[0], weight=first, **prompt), mix=mix)


def encoded(texts, strengths=None):
    """A random embedding [1, 5, 8] for each text, the same every time."""
    seeds = [torch.Generator().manual_seed(sum(map(ord, text))) for text in texts]
    return torch.cat([torch.randn(1, 5, 8, generator=seed) for seed in seeds])


def embedding(scene, tick=NOW):
    return InputSource(Prompts(encoded), Memory(), None).text(scene, tick).tensor


def test_weights_are_normalised():
    wanted = sum(w * encoded([text]) for w, text in zip((1.0, 3.0, 0.0, 4.0), TEXTS, strict=True))
    assert torch.allclose(embedding(mixed(3.0, 0.0, 4.0)), wanted / 8.0, atol=1e-6)
    assert torch.allclose(
        embedding(mixed(0.3, 0.0, 0.4, first=0.1)), embedding(mixed(3.0, 0.0, 4.0)), atol=1e-6
    )


def test_one_alone_is_that_prompt_itself():
    assert torch.equal(embedding(mixed(0.0, 0.0)), encoded([TEXTS[0]]))
    assert torch.equal(embedding(mixed(0.0, 0.2, first=0.0)), encoded([TEXTS[2]]))
    assert torch.equal(embedding(mixed(0.0, 0.0, first=0.0)), encoded([TEXTS[0]]))


def test_two_prompts_are_crossed_as_by_blend():
    scene = replace(STILL, prompt=Prompt(TEXTS[0], to=TEXTS[1], blend=0.25))
    assert torch.equal(embedding(scene), embedding(mixed(0.25, first=0.75)))
    slerped = replace(scene, prompt=replace(scene.prompt, mixing="slerp"))
    assert torch.equal(embedding(slerped), embedding(mixed(0.25, first=0.75, mixing="slerp")))


def test_slerp_keeps_the_size_of_each_token():
    a, b = encoded(TEXTS[:1]), encoded(TEXTS[1:2])
    a, b = (x / x.norm(dim=-1, keepdim=True) for x in (a, b))
    assert torch.allclose(slerp(a, b, 0.3, dim=-1).norm(dim=-1), torch.ones(1, 5), atol=1e-3)
    straight, arc = (embedding(mixed(1.0, mixing=how)) for how in ("linear", "slerp"))
    assert (arc.norm(dim=-1) > straight.norm(dim=-1)).all()


def test_another_text_fades_in():
    source = InputSource(Prompts(encoded), Memory(), None)
    before = mixed(1.0, first=0.0, fade=2.0)
    after = replace(before, mix=(replace(before.mix[0], text=TEXTS[3]),))

    def at(scene, time):
        return source.text(scene, Tick(0, time, 0.1, time)).tensor

    first = at(before, 0.0)
    assert torch.equal(at(after, 0.1), first)
    half, last = at(after, 1.1), at(after, 3.0)
    assert torch.allclose(half, (first + last) / 2, atol=1e-5)
    assert torch.equal(last, encoded([TEXTS[3]]))


# ---- in a network


def show(model, counting=False):
    return Show(Network(model, 64, 64, Setup(CountingEngine()) if counting else None))


def test_a_moving_weight_runs_what_depends_on_the_text_and_nothing_else(model):
    kept = show(model, counting=True)
    ran = kept.network.engine.ran
    first = kept.frame(mixed(0.5, 0.2))
    text = [stage.name for stage in kept.network.stages if stage.texts]
    ran.clear()
    moved = kept.frame(mixed(0.5, 0.3))
    assert not np.array_equal(first, moved)
    assert (ran[0], "unet.in" in ran) == (text[0], False)
    assert np.array_equal(moved, show(model).frame(mixed(0.5, 0.3)))
    ran.clear()
    kept.frame(mixed(0.5, 0.3))
    kept.frame(mixed(0.5, 0.2))  # remembered
    kept.frame(mixed(0.5, 0.2, 0.0))  # one that does not count
    assert ran == []


weights = st.sampled_from([0.0, 0.1, 0.5, 1.0])
scenes = st.builds(
    lambda first, mix, mixing, blend: mixed(
        *mix, first=first, mixing=mixing, to=TEXTS[3], blend=blend, fade=0.0
    ),
    weights, st.lists(weights, max_size=3), st.sampled_from(["linear", "slerp"]), weights,
)  # fmt: skip


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.lists(scenes, min_size=2, max_size=5))
def test_whatever_moves_a_frame_is_that_of_a_show_begun_with_it(model, played):
    kept = show(model)
    for scene in played:
        assert np.array_equal(kept.frame(scene), show(model).frame(scene))


def test_a_drum_plays_a_weight_and_the_rig_shows_the_shares(model):
    kept = show(model)
    drum = Route("drum", "kick.pulse", "prompt.mix.m1.weight", high=1.0, release=0.2)
    scene, seen = replace(mixed(0.0), routes=(drum,)), set()
    for _ in range(6):
        shown = kept.frame(scene, features=Features(kick_count=1))
        weight = kept.status.get().routes[0].output
        assert np.array_equal(shown, show(model).frame(mixed(weight)))
        seen.add(kept.status.get().prompt)
    assert "50% a red orb + 50% a blue flower" in seen
    assert len(seen) > 3


def test_a_preset_crosses_over_from_one_mix_to_the_next(model):
    kept, old = show(model), mixed(0.5)
    first = kept.frame(old, 0.0).astype(int)
    new = Load(replace(mixed(1.0, 1.0), title="New"), fade=2.0).apply(old)
    assert isinstance(new.arrival, Arrival)
    between = [kept.frame(new, 0.1 + n / 2).astype(int) for n in range(6)]
    assert np.array_equal(between[0], first)
    assert np.array_equal(between[-1], show(model).frame(mixed(1.0, 1.0)))
    assert not np.array_equal(between[2], first)


def test_an_empty_text_of_the_mixer_is_the_empty_prompt(model):
    scene = replace(Scene(), walk=STILL.walk, mix=(MixedPrompt("nothing", ""),))
    alone = replace(scene, mix=())
    assert np.array_equal(show(model).frame(scene), show(model).frame(alone))


@pytest.mark.parametrize("words", ["a red (orb:1.4)", "🌊 海 ночь"])
def test_any_writing_is_mixed(model, words):
    scene = replace(mixed(), mix=(MixedPrompt("x", words),))
    assert show(model).frame(scene).any()
