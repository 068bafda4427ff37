"""Patches for StreamDiffusion in TouchDesigner play livebend."""

import json

import pytest

from livebend.control.desk import SetDisplay
from livebend.control.osc import OscReader
from livebend.scene.commands import Set
from tests.fakes.desk import FakeDesk
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
         [Set("prompt.text", "flames"), Set("prompt.to", ""), Set("prompt.blend", 0.0)]),
    ],
)  # fmt: skip
def test_an_address_of_streamdiffusion_does_the_same(address, arguments, done):
    assert played(address, *arguments) == (done, [])


def test_of_many_prompts_the_two_heaviest_are_blended():
    done, said = played("/prompt_list", json.dumps(MIXED))
    assert done == [
        Set("prompt.text", "aurora"), Set("prompt.to", "flames"), Set("prompt.blend", 0.25)
    ]  # fmt: skip
    assert said == ["OSC: /prompt_list: the two heaviest are blended, 1 left out"]


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
