"""Patches for StreamDiffusion in TouchDesigner play livebend."""

import json
from dataclasses import replace

import pytest

from livebend.control.desk import SetDisplay
from livebend.control.osc import OscReader
from livebend.scene.commands import Set
from livebend.scene.values import MixedPrompt, Prompt, Scene
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import datagram


def played(address, *arguments):
    """What a message does: the commands, what is shown, and what is said."""
    fake = FakeDesk()
    OscReader(fake.desk).receive(datagram(address, *arguments))
    return [*fake.commands, *(SetDisplay(*one) for one in fake.shown)], fake.refused


MIXED = [["flames", 0.25], ["aurora", 0.75], ["forest", 0.1], ["city", 0.0]]


@pytest.mark.parametrize(
    ("address", "arguments", "done"),
    [
        ("/prompt", ["starry night"], [Set("prompt.text", "starry night")]),
        ("/negative_prompt", ["blur"], [Set("prompt.negative", "blur")]),
        ("/seed", [7], [Set("seed", 7)]),
        ("/guidance_scale", [1.5], [Set("sampling.guidance", 1.5)]),
        ("/num_inference_steps", [2], [Set("sampling.steps", 2)]),
        ("/pause", [1], [SetDisplay("freeze", True)]),
        ("/pause", [0], []),
        ("/play", [], [SetDisplay("freeze", False)]),
        ("/Play", [1.0], [SetDisplay("freeze", False)]),
        ("/seed_list", ["[[7, 0.5]]"], [Set("seed", 7)]),
        ("/prompt_list", ['[["flames", 1.0]]'],
         [Set("prompt.text", "flames"), Set("prompt.weight", 1.0)]),
    ],
)  # fmt: skip
def test_an_address_of_streamdiffusion_does_the_same(address, arguments, done):
    assert played(address, *arguments) == (done, [])


def listed(pairs, scene):
    """The scene after a list of prompts, and what was said."""
    fake = FakeDesk(scene)
    OscReader(fake.desk).receive(datagram("/prompt_list", json.dumps(pairs)))
    for command in fake.commands:
        scene = command.apply(scene)
    return scene, fake.commands, fake.refused


def test_many_prompts_are_in_the_mixer_and_their_weights_are_faders():
    own = MixedPrompt("own", "sea")
    first = Scene(prompt=Prompt("x", to="y"), mix=(own,))
    scene, _, said = listed(MIXED, replace(first, home=first))
    assert (scene.prompt.text, scene.prompt.to, scene.prompt.weight) == ("flames", "", 0.25)
    assert scene.mix == (
        own, MixedPrompt("list2", "aurora", 0.75), MixedPrompt("list3", "forest", 0.1),
        MixedPrompt("list4", "city", 0.0),
    )  # fmt: skip
    moved = [["flames", 0.5], ["aurora", 0.5], ["forest", 0.2], ["city", 0.1]]
    scene, commands, more = listed(moved, scene)
    assert all(isinstance(command, Set) for command in commands)  # no change of structure
    assert [mixed.weight for mixed in scene.mix] == [1.0, 0.5, 0.2, 0.1]
    scene, _, _ = listed([["flames", 1.0], ["night", 1.0]], scene)
    assert scene.mix == (own, MixedPrompt("list2", "night", 1.0))
    assert (said, more) == ([], [])


def test_more_prompts_than_fit_are_left_out_and_said():
    scene, _, (said,) = listed([[f"a {n}", 1.0] for n in range(20)], DUB)
    assert len(scene.mix) == 16
    assert said == "OSC: /prompt_list: the last 3 are left out"


def test_of_many_seeds_the_heaviest_counts():
    done, (said,) = played("/seed_list", "[[7, 0.5], [9, 1.5]]")
    assert done == [Set("seed", 9)]
    assert "walk.radius moves through noise" in said


@pytest.mark.parametrize("address", ["/delta", "/t_list"])
def test_what_has_no_equal_is_said_once(address):
    fake = FakeDesk()
    reader = OscReader(fake.desk)
    for value in (0.5, 0.6, 0.7):
        reader.receive(datagram(address, value))
    assert (fake.commands, len(fake.refused), reader.counts.refused) == ([], 1, 0)
    assert f"{address} does nothing" in fake.refused[0]


@pytest.mark.parametrize(
    "text", ["", "flames", "7", "[7]", '{"a": 1}', "[" * 9000, '[["a", "b"]]', '[["a", 0]]',
             '[["a", 1, 2]]', '[[null, 1]]'],
)  # fmt: skip
def test_a_list_that_is_none_is_refused(text):
    done, (said,) = played("/prompt_list", text)
    assert done == []
    assert "/prompt_list" in said
    assert len(said) < 300
