"""The state of the display, the table of keys, and the outputs that show nothing."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.mailbox import Latest
from livebend.core.specs import specs_of
from livebend.flow import Frame
from livebend.outputs.display import Display, View
from livebend.outputs.headless import Headless
from livebend.outputs.key_table import KEYS, Action, action
from livebend.outputs.wall.projectors import Projector


@pytest.mark.parametrize(
    ("name", "held", "wanted"),
    [
        ("f", {}, Action("fullscreen")),
        ("f11", {}, Action("fullscreen")),
        ("escape", {}, Action("leave")),
        ("b", {}, Action("blackout")),
        ("space", {}, Action("freeze")),
        ("p", {}, Action("panic")),
        ("u", {}, Action("undo")),
        ("t", {}, Action("tap")),
        ("1", {}, Action("preset", 1)),
        ("9", {"shift": True}, Action("store", 9)),
        ("d", {}, Action("display")),
        ("m", {}, Action("meters")),
        ("f1", {}, Action("help")),
        ("q", {"ctrl": True}, Action("close")),
        ("q", {}, None),
        ("0", {}, None),
        ("b", {"ctrl": True}, None),
        ("x", {}, None),
    ],
)
def test_keys(name: str, held: dict[str, bool], wanted: Action | None) -> None:
    assert action(name, **held) == wanted


def test_every_key_is_explained_and_no_chord_is_used_twice() -> None:
    chords = [chord for key in KEYS for chord in key.chords]
    assert len(chords) == len(set(chords))
    assert all(key.doc and key.label for key in KEYS)


def test_display_checks_what_it_is_given() -> None:
    display = Display()
    display.set("brightness", 7.0)
    display.set("blackout", 1.0)
    display.toggle("freeze")
    assert display.view == View(brightness=1.0, blackout=True, freeze=True)
    with pytest.raises(UnknownName, match="did you mean 'blackout'"):
        display.set("blakout", True)
    with pytest.raises(OutOfRange):
        display.set("brightness", "bright")


def test_the_display_goes_on_to_the_next_and_round() -> None:
    display = Display()
    display.found(["a", "b", "c"])
    seen = [display.shown_on]
    for _ in range(4):
        display.toggle("display")
        seen.append(display.shown_on)
    assert seen == [2, 0, 1, 2, 0]
    display.set("display", 9)
    assert display.shown_on == 2


@pytest.mark.parametrize("name", ["brightness", "fade"])
def test_a_number_is_no_switch(name: str) -> None:
    with pytest.raises(OutOfRange, match=f"{name}: expected 0"):
        Display().toggle(name)


def test_every_field_of_the_view_is_documented() -> None:
    assert all(spec.doc for spec in Display.specs.values())
    own = {name for name in Display.specs if "." not in name}
    assert own == {field.name for field in fields(View)} - {"projectors"}
    assert set(Display.specs) - own == {
        f"projector.{number}.{leaf}" for number in range(1, 5) for leaf in specs_of(Projector)
    }


def test_headless_shows_every_frame() -> None:
    shown: list[Frame] = []
    newest: Latest[Frame | None] = Latest(None)
    output = Headless(shown.append, newest)
    frame = Frame(np.zeros((2, 2, 3), np.uint8), 0, 0.0, 0.0, 0.0)
    output.write(frame)
    output.write(frame)
    output.close()
    assert shown == [frame, frame]
    assert newest.get() is frame


def test_the_table_and_the_display_import_nothing_heavy() -> None:
    code = (
        "import sys, livebend.outputs, livebend.outputs.display, livebend.outputs.key_table,"
        "livebend.outputs.headless, livebend.core.status;"
        "print([m for m in ('pygame', 'av', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- each projector's own


def test_a_projectors_setting_is_one_of_the_displays():
    display = Display()
    display.set("projector.2.top_left_x", 0.25)
    display.set("projector.2.gamma", 99.0)
    assert display.get("projector.2.top_left_x") == 0.25
    assert display.get("projector.2.gamma") == 5.0  # clamped
    assert display.view.projectors[1].corners[0] == (0.25, 0.0)
    assert [one.is_neutral for one in display.view.projectors] == [True, False, True, True]
    with pytest.raises(UnknownName, match=r"projector\.5\.gamma"):
        display.set("projector.5.gamma", 1.0)


def test_displays_get_numbers_and_keep_them():
    display = Display()
    display.number(["left", "right"])
    assert [one.display for one in display.view.projectors] == ["left", "right", "", ""]
    display.set("projector.2.gamma", 1.2)
    display.number(["right"])
    display.number(["third", "right", "fourth", "fifth"])  # left is not there, and neutral
    names = [one.display for one in display.view.projectors]
    assert names == ["fifth", "right", "third", "fourth"]
    display.number(["fifth", "right"])
    assert display.view.projector_of("fifth")[0] == 1
    assert display.view.projector_of("right+other") == (2, display.view.projectors[1])
    assert display.view.projector_of("left") == (0, Projector())
    assert display.view.projector_of("") == (0, Projector())
