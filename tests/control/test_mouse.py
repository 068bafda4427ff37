"""What the mouse plays: the faders of a scene, and what a hand on one sends."""

from dataclasses import replace

import pytest

from livebend.control.desk import Learn
from livebend.control.mouse import FINE, SHOW, Mouse
from livebend.core import limits
from livebend.core.errors import Refused
from livebend.core.panel import Gesture, Pad, value_text
from livebend.core.ranges import Range
from livebend.core.status import Status
from livebend.outputs.display import Display
from livebend.scene import edit, presets
from livebend.scene.commands import Change, Set
from livebend.scene.values import Bend, Route, Scene
from tests.fakes.desk import DUB, FakeDesk

HOME = replace(DUB, home=edit.put(DUB, "bend.swirl.angle", 30.0))


class Table:
    """A mouse at a desk that writes down what it is told."""

    def __init__(self, scene: Scene = HOME) -> None:
        self.fake, self.display, self.learnt, self.status = FakeDesk(scene), Display(), [], Status()
        self.desk = replace(
            self.fake.desk, output=Display.specs, view=self.display.get,
            display=self.display.set, learn=self.learnt.append, status=lambda: self.status,
        )  # fmt: skip
        self.learning = ""
        bound = {"bend.swirl.angle": ["nanoKONTROL2 cc.1.16", "/1/fader1"]}
        self.mouse = Mouse(self.desk, lambda path: bound.get(path, []), lambda: self.learning)

    def do(self, what, path, amount=0.0):
        """Do a gesture; return the commands that it sent."""
        self.fake.commands.clear()
        self.mouse.do(Gesture(what, path, amount))
        return self.fake.commands


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_has_faders_that_stand_where_its_numbers_are(name):
    scene = presets.load(name)
    panel = Table(scene).mouse.panel()
    assert [*panel.bends] == [bend.name for bend in scene.bends]
    assert [*panel.routes] == [route.name for route in scene.routes]
    assert all(len(faders) >= 2 for faders in panel.bends.values())
    every = [f for of in (panel.bends, panel.routes) for faders in of.values() for f in faders]
    for fader in (*panel.show, *every):
        assert 0.0 <= fader.position <= 1.0
        assert fader.text
    assert len({fader.path for fader in every}) == len(every)


def test_the_first_faders_are_those_that_matter_most():
    panel = Table().mouse.panel()
    assert [f.path for f in panel.bends["swirl"][:2]] == ["bend.swirl.angle", "bend.swirl.mix"]
    assert [f.label for f in panel.routes["kick"][:2]] == ["high", "gain"]
    assert panel.routes["kick"][0].reach.unit == "deg"  # that of its target
    assert {f.path for f in panel.show} <= {*SHOW}
    assert panel.show[0].path == "output.brightness"


def test_nothing_is_made_anew_while_nothing_changes():
    table = Table()
    panel = table.mouse.panel()
    assert table.mouse.panel() is panel
    table.display.set("brightness", 0.5)
    assert table.mouse.panel().show[0].value == 0.5
    table.desk.scene.put(edit.put(HOME, "bend.swirl.angle", 90.0))
    assert table.mouse.panel().bends["swirl"][0].value == 90.0
    table.learning = "bend.swirl.angle"
    assert table.mouse.panel().learning == "bend.swirl.angle"
    table.fake.bank.version = 1
    assert table.mouse.panel() is not panel


def test_pads_say_what_is_in_a_slot_what_is_played_and_what_waits():
    table = Table()
    table.status = Status(waiting="storm, tide")
    pads = table.mouse.panel().pads
    assert len(pads) == limits.SLOTS
    assert pads[:3] == (Pad(1, "Dub", is_on=True), Pad(2, "Storm", waits=True), Pad(3))


def test_a_hand_on_a_fader_sends_what_any_controller_would():
    table = Table()
    assert table.do("set", "bend.swirl.angle", 0.75) == [Set("bend.swirl.angle", 90.0)]
    assert table.do("set", "bend.swirl.i", 0.5) == [Set("bend.swirl.i", 8.0)]
    assert table.do("turn", "bend.swirl.angle", -2.0) == [
        Change("bend.swirl.angle", -2 * FINE, by_fader=True)
    ]
    assert table.do("turn", "bend.swirl.i", 1.0) == [Change("bend.swirl.i", 1.0)]
    assert table.do("mute", "bend.swirl") == [Set("bend.swirl.mute", True)]
    table.desk.scene.put(edit.put(HOME, "bend.swirl.mute", True))
    assert "bend.swirl" in table.mouse.panel().muted
    assert table.do("mute", "bend.swirl") == [Set("bend.swirl.mute", False)]
    assert table.desk.touched.get() == "bend.swirl.mute"


def test_a_double_click_is_as_the_preset_has_it_or_the_default():
    table = Table()
    table.desk.scene.put(replace(edit.put(HOME, "bend.swirl.angle", 99.0), home=HOME))
    assert table.do("reset", "bend.swirl.angle") == [Set("bend.swirl.angle", 30.0)]
    added = replace(HOME, bends=(*HOME.bends, Bend("new", "rotate", "unet.mid", {"angle": 9.0})))
    table.desk.scene.put(added)
    assert table.do("reset", "bend.new.angle") == [Set("bend.new.angle", 0.0)]
    table.display.set("brightness", 0.2)
    assert table.do("reset", "output.brightness") == []
    assert table.display.view.brightness == 1.0


def test_a_setting_of_the_display_is_played_as_well():
    table = Table()
    table.do("set", "output.brightness", 0.25)
    assert table.display.view.brightness == 0.25
    table.do("turn", "output.brightness", 64.0)
    assert table.display.view.brightness == 0.5


def test_a_right_click_learns_and_with_shift_forgets():
    table = Table()
    table.do("learn", "bend.swirl.angle")
    table.do("forget", "bend.swirl.angle")
    assert table.learnt == [Learn("bend.swirl.angle"), Learn("bend.swirl.angle", forget=True)]


def test_what_is_gone_or_refused_is_said_and_nothing_ends():
    table = Table()
    for what in ("set", "turn", "reset", "mute"):
        assert table.do(what, "bend.gone.angle" if what != "mute" else "bend.gone") == []
    assert len(table.fake.refused) == 4
    assert all("unknown bend 'gone'" in why for why in table.fake.refused)

    def refuse(_):
        raise Refused("learn: no MIDI device")

    object.__setattr__(table.desk, "learn", refuse)
    table.do("learn", "bend.swirl.angle")
    assert table.fake.refused[-1] == "learn: no MIDI device"


def test_what_is_said_of_a_fader_is_its_path_value_reach_and_who_plays_it():
    mouse = Table().mouse
    said = mouse.says("bend.swirl.angle")
    assert said.startswith("bend.swirl.angle  30 deg  (-180 deg to 180 deg)")
    assert "nanoKONTROL2 cc.1.16, /1/fader1" in said
    assert "no control" in mouse.says("bend.swirl.mix")
    assert mouse.says("bend.gone.mix") == "bend.gone.mix"


def test_a_route_whose_target_is_gone_still_has_its_faders():
    lost = Route("lost", "low", "bend.gone.angle")
    panel = Table(replace(HOME, routes=(lost,))).mouse.panel()
    assert [f.label for f in panel.routes["lost"]][:2] == ["high", "gain"]


def test_numbers_are_as_fine_as_they_are_played():
    sigma = Range(-1000, 1000, "sigma", scales=True, soft=(-2, 2)).soft_range
    assert value_text(0.25, sigma) == "0.25 σ"
    assert value_text(12.34, Range(0, 30, "s")) == "12.3 s"
