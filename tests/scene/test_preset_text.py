"""A scene as text: what is copied is what is pasted, and what anybody else sends is bounded."""

import pytest

from livebend.core import limits
from livebend.core.errors import PresetError
from livebend.scene import presets
from livebend.scene.preset_text import scene_in, text_of

NAMES = presets.names()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_copied_is_what_is_pasted(name):
    scene = presets.load(name)
    text = text_of(scene, "a note")
    assert len(text.encode()) < limits.PRESET_BYTES
    assert scene_in(text) == scene
    assert text_of(scene_in(text), "a note") == text


def test_what_editors_and_systems_do_to_a_text_is_read():
    scene = presets.load("storm")
    assert scene_in("\ufeff" + text_of(scene).replace("\n", "\r\n")) == scene


def test_a_text_without_a_title_gets_one():
    assert scene_in('[prompt]\ntext = "flames"', title="Pasted").title == "Pasted"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#" * (limits.PRESET_BYTES + 1), "the pasted text: more than 256 KiB"),
        ("#" + "ä" * (limits.PRESET_BYTES // 2), "the pasted text: more than 256 KiB"),
        ("[bend", "the pasted text: not TOML"),
        ("\0", "the pasted text: not TOML"),
        ("a." * 40 + "b = 1", "a key of more than 16 parts"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("[promt]", "the pasted text: unknown key 'promt'; did you mean 'prompt'?"),
        ("[walk]\nradius = 9", "the pasted text: walk.radius = 9: expected 0..4"),
        ('[bend."../x"]\noperator = "rotate"\nsite = "unet.mid"', "expected up to 64 of a-z"),
    ],
)
def test_what_is_no_scene_is_refused_with_one_line(text, said):
    with pytest.raises(PresetError, match=said.replace("?", r"\?").replace(".", r"\.")) as caught:
        scene_in(text)
    assert "\n" not in str(caught.value)
