"""What a key does."""

from pathlib import Path

import pytest

from livebend.control.desk import Desk
from livebend.control.key_actions import press
from livebend.core.errors import OutOfRange
from livebend.core.mailbox import Latest
from livebend.scene.commands import Load, Panic, Undo
from livebend.scene.values import Scene

DUB = Scene("Dub")


class Bank:
    stored = ()

    def recall(self, which):
        if which != 3:
            raise OutOfRange(f"preset {which}: expected 3")
        return "dub", DUB

    def store(self, slot, scene):
        self.stored = (slot, scene)
        return Path("presets", f"stored-{slot}.toml")


class Room:
    """A desk that remembers what it was asked."""

    def __init__(self):
        self.commands, self.shown, self.said, self.bank = [], [], [], Bank()
        self.done = []
        give = lambda command: not self.commands.append(command)  # noqa: E731
        show = lambda what, on: self.shown.append((what, on))  # noqa: E731
        self.desk = Desk(
            give, show, Latest(Scene("Now")), self.bank, self.said.append, notify=self.done.append
        )


@pytest.mark.parametrize(
    ("action", "slot", "command"),
    [("panic", None, Panic()), ("undo", None, Undo()), ("preset", 3, Load(DUB, "dub"))],
)
def test_a_key_sends_a_command(action, slot, command):
    room = Room()
    assert press(room.desk, action, slot)
    assert (room.commands, room.shown) == ([command], [])


@pytest.mark.parametrize("action", ["blackout", "freeze"])
def test_a_key_acts_on_the_display(action):
    room = Room()
    assert press(room.desk, action)
    assert (room.commands, room.shown) == ([], [(action, None)])


def test_store_keeps_the_scene_that_is_shown():
    room = Room()
    assert press(room.desk, "store", 5)
    assert room.bank.stored == (5, Scene("Now"))
    assert room.done == ["slot 5: stored as presets/stored-5.toml"]


@pytest.mark.parametrize(
    ("action", "slot", "why"),
    [("panik", None, "did you mean 'panic'"), ("preset", 9, "expected 3"),
     ("preset", None, "a slot's number"), ("", None, "known: ")],
)  # fmt: skip
def test_what_cannot_be_done_is_said(action, slot, why):
    room = Room()
    assert not press(room.desk, action, slot)
    assert why in room.said[0]
    assert (room.commands, room.shown) == ([], [])


def test_what_the_display_refuses_is_said_too():
    def show(what, on):
        raise OutOfRange("no tempo here")

    said = []
    desk = Desk([].append, show, Latest(Scene()), Bank(), said.append)
    assert not press(desk, "blackout")
    assert said == ["no tempo here"]
