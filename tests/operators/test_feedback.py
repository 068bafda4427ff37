"""Feedback: the formula, and what the network remembers of frames for it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from livebend.core.errors import Refused
from livebend.core.mailbox import OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.flow import Tick
from livebend.models.checkpoint import load_model
from livebend.operators.library import all_operators
from livebend.operators.registry import Past
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene.commands import Load, Panic
from livebend.scene.values import Bend, Prompt, Sampling, Scene, Walk
from tests.operators.test_formulas import both, close
from tests.operators.test_places import places, smooth
from tests.rendering.test_renderer import SILENCE, Stopped


@both
def test_feedback(shape):
    past = smooth(shape)
    x = np.flip(past, 1).copy()
    values = {"trail": 0.5, "zoom": 2.0, "angle": 90.0, "right": 0.4, "down": -0.2}
    given = Past(torch.from_numpy(past).float(), 0.1)
    run = all_operators()["feedback"].function
    y = run(torch.from_numpy(x).float(), past=given, **values).numpy()
    u, v = places(shape)
    z = ((u - 0.08) + 1j * (v + 0.04)) * np.exp(1j * np.radians(9.0)) / 2**0.1
    n, w = shape[2], np.exp(-0.2)
    at = [z.imag * n / 2 + (n - 1) / 2, z.real * n / 2 + (n - 1) / 2]
    for b, c in [(0, 0), (shape[0] - 1, shape[1] - 1)]:
        before = ndimage.map_coordinates(past[b, c], at, order=1, mode="reflect")
        close(y[b, c], (1 - w) * x[b, c] + w * before)


def test_two_short_frames_are_one_long_one():
    x, past = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    run = all_operators()["feedback"].function
    long = run(x, past=Past(past, 0.2), trail=0.7)
    half = run(x, past=Past(past, 0.1), trail=0.7)
    short = run(x, past=Past(half, 0.1), trail=0.7)
    assert torch.allclose(long, short, atol=1e-5)


def test_without_a_past_nothing_happens():
    x = torch.randn(1, 4, 8, 8)
    assert torch.equal(all_operators()["feedback"].function(x, trail=2.0, zoom=1.5), x)


# ---- in a show

TRAIL = Bend("trail", "feedback", "latent@1", {"trail": 1.0, "zoom": 1.5}, normalise="none")
FIRST = Scene(prompt=Prompt("a red orb", fade=0.0), walk=Walk(radius=0.0), bends=(TRAIL,))
SECOND = replace(FIRST, prompt=Prompt("a blue flower", fade=0.0))


@pytest.fixture(scope="module")
def model(model_folder):
    return load_model(str(model_folder("turbo")))


class Show:
    def __init__(self, model):
        network = Network(model, 64, 64)
        statistics, status = Statistics(Stopped()), OnDemand(Status())
        self.render = Renderer(network, Prompts(model.encode), statistics, status, strict=True)
        self.index = 0

    def frame(self, scene, dt=0.05):
        tick = Tick(self.index, self.index * dt, dt, 0.0)
        self.index += 1
        return self.render(scene, SILENCE, tick).pixels


def test_a_trail_stays_of_what_was_painted_and_fades(model):
    show, plain = Show(model), Show(model).frame(replace(SECOND, bends=()))
    still = (replace(TRAIL, values={"trail": 1.0}),)
    show.frame(replace(FIRST, bends=still))
    second = replace(SECOND, bends=still)
    gaps = [np.abs(show.frame(second).astype(float) - plain).mean() for _ in range(100)]
    assert gaps[0] > gaps[20] > gaps[60]
    assert gaps[0] > 4 * gaps[99]


def test_it_is_the_same_every_time_and_nothing_is_answered_from_memory(model):
    scenes = [FIRST, SECOND, SECOND, FIRST, FIRST]
    once, again = Show(model), Show(model)
    frames = [once.frame(scene) for scene in scenes]
    assert all(np.array_equal(a, again.frame(s)) for a, s in zip(frames, scenes, strict=True))
    assert len({frame.tobytes() for frame in frames}) == len(frames)


@pytest.mark.parametrize("command", [Panic(), Load(SECOND)])
def test_panic_and_presets_begin_anew(model, command):
    show, fresh = Show(model), Show(model).frame(SECOND)
    show.frame(FIRST)
    scene = replace(SECOND, home=SECOND)
    assert not np.array_equal(show.frame(scene), fresh)
    assert np.array_equal(show.frame(command.apply(scene)), fresh)


def test_a_step_towards_the_second_prompt(model):
    def along(amount, **prompt):
        bend = Bend("way", "prompt_direction", "unet.text", {"amount": amount})
        scene = replace(FIRST, prompt=Prompt("a red orb", **prompt), bends=(bend,))
        return Show(model).frame(scene)

    plain, one = along(0.0, to="a blue flower"), along(1.0, to="a blue flower")
    assert not np.array_equal(plain, one)
    assert not np.array_equal(one, along(-1.0, to="a blue flower"))
    assert np.array_equal(plain, along(1.0))


@pytest.mark.parametrize("operator", ["prompt_direction", "second_prompt"])
def test_a_step_between_prompts_belongs_to_the_text(model, operator):
    scene = Scene(bends=(Bend("way", operator, "unet.mid"),))
    with pytest.raises(Refused, match=f"{operator} acts at"):
        Network(model, 64, 64).check(scene)


def crossed(model, site, *, guidance=0.0, text="a red orb", to="a blue flower"):
    bend = Bend("way", "second_prompt", site, {"amount": 1.0})
    scene = replace(
        FIRST,
        prompt=Prompt(text, to=to, negative="night"),
        sampling=Sampling("euler", 1, guidance),
        bends=(bend,) if site else (),
    )
    return Show(model).frame(Network(model, 64, 64).check(scene)).astype(int)


@pytest.mark.parametrize("guidance", [0.0, 5.0])
def test_the_second_prompt_takes_the_place_of_the_first_and_of_no_other(model, guidance):
    """Everywhere it is a show of the other prompt; with guidance the negative prompt stays."""
    there = crossed(model, "", guidance=guidance, text="a blue flower")
    assert np.abs(crossed(model, "unet.text", guidance=guidance) - there).max() <= 2


def test_one_block_can_read_another_prompt(model):
    here, there = crossed(model, ""), crossed(model, "unet.text")
    alone = [crossed(model, f"unet.text.{block}") for block in ("down.1", "mid", "up.2")]
    for picture in alone:
        assert 0 < np.abs(picture - here).mean() < np.abs(there - here).mean()
    assert len({picture.tobytes() for picture in alone}) == 3
