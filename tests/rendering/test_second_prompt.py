"""Bends that step from the first prompt to the second: everywhere, or in the text of one block."""

from dataclasses import replace

import numpy as np
import pytest

from livebend.core.errors import Refused
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Prompt, Sampling, Scene
from tests.fakes.shows import STILL, Show


def painted(model, scene):
    """The first frame of a scene in a show of its own."""
    network = Network(model, 64, 64)
    return Show(network, strict=True).frame(network.check(scene)).astype(int)


def test_a_step_towards_the_second_prompt(model):
    def along(amount, **prompt):
        bend = Bend("way", "prompt_direction", "unet.text", {"amount": amount})
        return painted(model, replace(STILL, prompt=Prompt("a red orb", **prompt), bends=(bend,)))

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
    """The picture with the second prompt in the place of the first at a site, or at none."""
    bend = Bend("way", "second_prompt", site, {"amount": 1.0})
    scene = replace(
        STILL,
        prompt=Prompt(text, to=to, negative="night"),
        sampling=Sampling("euler", 1, guidance),
        bends=(bend,) if site else (),
    )
    return painted(model, scene)


@pytest.mark.parametrize("guidance", [0.0, 5.0])
def test_the_second_prompt_takes_the_place_of_the_first_and_of_no_other(model, guidance):
    """Everywhere it is a show of the other prompt; with guidance the negative prompt stays."""
    there = crossed(model, "", guidance=guidance, text="a blue flower")
    assert np.abs(crossed(model, "unet.text", guidance=guidance) - there).max() <= 2


def test_one_block_can_read_another_prompt(model):
    here, there = crossed(model, ""), crossed(model, "unet.text")
    blocks = ("down.1", "mid", "up.2")
    alone = [crossed(model, f"unet.text.{block}") for block in blocks]
    for picture in alone:
        assert 0 < np.abs(picture - here).mean() < np.abs(there - here).mean()
    assert len({picture.tobytes() for picture in alone}) == 3
