"""What is kept of a room between shows."""

import threading

import pytest

from livebend.core.errors import PresetError
from livebend.outputs.display import Display, View
from livebend.outputs.room import HOME, NAMES, KeptRoom, read_room, room_file


def shown(room: KeptRoom, *names: str) -> Display:
    """The display of a show in a room."""
    display = Display(View().changed(room.settings))
    display.home = room.home
    display.found(names)
    display.number(names[-1:])
    return display


def test_what_is_changed_during_a_show_is_there_in_the_next(tmp_path):
    file, told = tmp_path / "settings" / "room.toml", []
    room = KeptRoom(file)
    display = shown(room, "laptop", "HDMI-1", "HDMI-2")
    room.keep(display, told.append)
    assert not file.exists()  # nobody has changed anything
    settings = {
        "display": 1, "also": "HDMI-2", "span": True, "overlap": 0.125, "gamma": 1.2,
        "projector.1.top_left_x": 0.25, "zoom": 2.0, "title": "storm", "pin": True,
    }  # fmt: skip
    for name, value in settings.items():
        display.set(name, value)
    room.keep(display, told.append)
    again = KeptRoom(file)
    assert again.home == "HDMI-1"
    view = shown(again, "HDMI-2", "laptop", "HDMI-1").view
    assert (view.also, view.span, view.overlap, view.gamma) == ("HDMI-2", True, 0.125, 1.2)
    assert view.projectors[0].corners[0] == (0.25, 0.0)
    assert (view.zoom, view.title, view.pin) == (1.0, "", False)  # of the show
    assert told == []
    assert "overlap = 0.125" in file.read_text()


def test_the_picture_is_where_it_was_put_and_elsewhere_while_that_is_gone(tmp_path):
    file = tmp_path / "room.toml"
    file.write_text('on = "HDMI-1"\n')
    display = shown(KeptRoom(file), "laptop", "HDMI-1", "HDMI-2")
    assert display.names[display.shown_on] == "HDMI-1"
    display.found(["laptop", "HDMI-2"])
    assert display.names[display.shown_on] == "HDMI-2"
    display.found(["laptop", "HDMI-2", "HDMI-1"])
    assert display.names[display.shown_on] == "HDMI-1"


def test_what_the_command_line_sets_is_of_that_show_alone(tmp_path):
    file = tmp_path / "room.toml"
    file.write_text("gap = 0.5\nrotate = 90\n")
    room = KeptRoom(file)
    display = Display(View().changed({**room.settings, "gap": 0.25}))
    room.keep(display, str)
    display.set("flip", "both")
    display.set("rotate", 0)  # as it is without a file: nothing to keep
    room.keep(display, str)
    assert read_room(file) == {"gap": 0.5, "flip": "both"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gap = [", "not TOML"),
        ("gap = 7", r"gap = 7: expected 0..1 of a display"),
        ('gap = "wide"', r"gap = 'wide': expected 0..1 of a display"),
        ("overlaps = 0.1", "unknown setting of the room 'overlaps'; did you mean 'overlap'"),
        ("blackout = true", "unknown setting of the room 'blackout'"),
        ("[projector.5]\ngamma = 1.0", r"unknown setting of the room 'projector\.5\.gamma'"),
        ("projector = 3", "unknown setting of the room 'projector'"),
        ("[gap]\nx = 1", r"unknown setting of the room 'gap\.x'"),
        ("on = 3", r"on = 3: expected the name of a display"),
        ("a = " + "[" * 3000, "not TOML"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_with_what_is_allowed(tmp_path, text, said):
    file = tmp_path / "room.toml"
    file.write_text(text)
    with pytest.raises(PresetError, match=said) as found:
        KeptRoom(file)
    assert str(found.value).startswith(f"{tmp_path.name}/room.toml: ")
    assert "\n" not in str(found.value)


def test_where_it_cannot_be_kept_it_is_said_once(tmp_path):
    (tmp_path / "settings").write_text("no folder")
    room, told, display = KeptRoom(tmp_path / "settings" / "room.toml"), [], Display()
    for gap in (0.1, 0.2, 0.3):
        room.keep(display, told.append)
        display.set("gap", gap)
    assert len(told) == 1
    assert told[0].startswith("what is set of the room is not kept: ")


def test_it_is_kept_once_more_at_the_end(tmp_path):
    file, display, term = tmp_path / "room.toml", Display(), threading.Event()
    room = KeptRoom(file)
    room.keep(display, str)
    display.set("gap", 0.5)
    term.set()
    room.work(display, str, term)
    assert read_room(file) == {"gap": 0.5}


def test_every_setting_of_the_room_is_one_of_the_display():
    assert set(NAMES) <= set(Display.specs)
    assert {"also", "span", "gap", "overlap", "top_left_x", "projector.4.display"} <= set(NAMES)
    assert HOME not in NAMES
    assert room_file().name == "room.toml"
