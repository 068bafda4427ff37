"""What a key does."""

import pytest

from livebend.control.desk import Desk
from livebend.control.key_actions import press
from livebend.core.errors import OutOfRange
from livebend.core.mailbox import Latest
from livebend.scene.commands import Load, Panic, Set, Store, Undo
from tests.fakes.desk import DUB, STORM, FakeBank, FakeDesk


@pytest.mark.parametrize(
    ("action", "slot", "command"),
    [
        ("panic", None, Panic()),
        ("undo", None, Undo()),
        ("preset", 1, Load(DUB, "dub")),
        ("resync", None, Set("tempo.resyncs", 1)),
        ("half", None, Set("tempo.factor", 0.5)),
        ("double", None, Set("tempo.factor", 2.0)),
    ],
)
def test_a_key_sends_a_command(action, slot, command):
    fake = FakeDesk()
    assert press(fake.desk, action, slot)
    assert (fake.commands, fake.shown) == ([command], [])


@pytest.mark.parametrize("action", ["blackout", "freeze"])
def test_a_key_acts_on_the_display(action):
    fake = FakeDesk()
    assert press(fake.desk, action)
    assert (fake.commands, fake.shown) == ([], [(action, None)])


def test_store_keeps_the_scene_that_is_shown():
    fake = FakeDesk(STORM)
    assert press(fake.desk, "store", 5)
    assert fake.commands == [Store(5)]
    assert fake.commands[0].apply(STORM) is STORM
    assert fake.bank.stored == {5: STORM}


@pytest.mark.parametrize(
    ("action", "slot", "why"),
    [("panik", None, "did you mean 'panic'"), ("preset", 9, "expected 1..2"),
     ("preset", None, "a slot's number"), ("store", 72, "slot 72: expected 1..64"),
     ("", None, "nearest of ")],
)  # fmt: skip
def test_what_cannot_be_done_is_said(action, slot, why):
    fake = FakeDesk()
    assert not press(fake.desk, action, slot)
    assert why in fake.refused[0]
    assert (fake.commands, fake.shown) == ([], [])


def test_what_the_display_refuses_is_said_too():
    def show(what, on):
        raise OutOfRange("no tempo here")

    said = []
    desk = Desk([].append, show, Latest(DUB), FakeBank(), said.append)
    assert not press(desk, "blackout")
    assert said == ["no tempo here"]
