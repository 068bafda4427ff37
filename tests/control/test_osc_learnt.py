"""Foreign OSC addresses: what is learnt of a gesture, kept, and played."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.udp_client import SimpleUDPClient

from livebend.control import osc_learnt
from livebend.control.desk import Learn
from livebend.control.key_actions import press
from livebend.control.lessons import Lessons
from livebend.control.osc import OscInput, OscReader
from livebend.control.osc_addresses import read
from livebend.control.osc_endpoint import listen
from livebend.control.osc_learnt import (
    ENOUGH,
    GESTURE,
    Learnt,
    LearntAddresses,
    range_of,
    read_learnt,
    save_learnt,
)
from livebend.control.parameters import tree_of
from livebend.core import limits
from livebend.core.errors import LivebendError, PresetError, Refused
from livebend.outputs.display import Display
from livebend.scene.commands import Load, Panic, Set, Store
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import datagram, wait_for
from tests.fakes.times import ManualTime

ANGLE, FADER = "bend.swirl.angle", "/1/fader3"


class Room:
    """A reader of datagrams whose foreign addresses are kept in a file."""

    def __init__(self, file=None):
        self.fake, self.time, self.said = FakeDesk(), ManualTime(), list[str]()
        self.ended = list[bool]()
        desk = replace(self.fake.desk, output=Display.specs)
        self.learnt = LearntAddresses(
            desk, file, self.said.append,
            learnt=lambda: self.ended.append(True), now=self.time.now,
        )  # fmt: skip
        self.reader = OscReader(desk, self.time.now, learnt=self.learnt)

    def send(self, address, *values):
        for value in values:
            self.reader.receive(datagram(address, value))
        self.learnt.turn()

    def teach(self, target, address, *values):
        self.learnt.learn(target)
        self.send(address, *values)
        self.time.moment += GESTURE
        self.learnt.turn()

    def played(self, address, *values):
        """What a message does now."""
        before = len(self.fake.commands)
        self.send(address, *values)
        return self.fake.commands[before:]


@pytest.mark.parametrize(
    ("values", "most"),
    [
        ((0.1, 0.2, 1.0), 1.0),
        ((0, 1), 1.0),
        ((), 1.0),
        ((12, 13, 14), 127.0),
        ((12.0, 13.0), 127.0),
        ((12.5, 13.0), 0.0),
        ((-0.1, 0.2), 0.0),
        ((440, 880), 0.0),
        (("flames",), 0.0),
    ],
)
def test_a_gesture_tells_what_a_control_sends(values, most):
    assert range_of(values) == most


def test_a_fader_is_learnt_kept_played_and_forgotten(tmp_path):
    file = tmp_path / "osc.toml"
    room = Room(file)
    room.teach(ANGLE, FADER, 0.1, 0.2)
    assert room.fake.commands == []  # the gesture itself moves nothing
    assert room.ended == [True]
    assert room.said[1] == f"OSC: {ANGLE} is played by {FADER}, 0..1"
    assert room.played(FADER, 0.75) == [Set(ANGLE, 90.0)]
    again = Room(file)  # another show
    assert again.played(FADER, 1.0) == [Set(ANGLE, 180.0)]
    again.learnt.forget(ANGLE)
    assert again.played(FADER, 1.0) == []
    assert "did you mean" not in again.fake.refused[-1] or FADER in again.fake.refused[-1]
    assert Room(file).played(FADER, 1.0) == []


def test_enough_of_a_gesture_ends_it_at_once():
    room = Room()
    room.learnt.learn(ANGLE)
    room.send(FADER, *(n / 10 for n in range(ENOUGH)))
    assert room.learnt.waiting == ""
    assert room.played(FADER, 0.5) == [Set(ANGLE, 0.0)]


def test_one_lesson_takes_one_control_and_livebends_own_addresses_go_on():
    room = Room()
    room.learnt.learn(ANGLE)
    room.send("/livebend/seed", 3)
    room.send("/seed", 4)
    room.send("/1/fader3/z", 1)
    assert room.fake.commands == [Set("seed", 3), Set("seed", 4)]
    room.send(FADER, 0.1)
    room.send("/1/other", 0.9)  # a second hand
    room.time.moment += GESTURE
    room.learnt.turn()
    assert room.learnt.waiting == ""
    assert room.played("/1/other", 0.9) == []
    assert len(room.played(FADER, 0.9)) == 1


def test_a_control_and_a_parameter_have_one_another():
    room = Room()
    room.teach(ANGLE, FADER, 0.1)
    room.teach("walk.radius", FADER, 0.1)  # the control plays something else now
    assert [c.path for c in room.played(FADER, 0.5)] == ["walk.radius"]
    room.teach("walk.radius", "/knob", 64)  # the parameter has another control now
    assert room.played(FADER, 0.5) == []
    assert [c.path for c in room.played("/knob", 127)] == ["walk.radius"]


def test_what_is_no_fader_is_played_as_it_is_sent():
    room = Room()
    room.teach("prompt.text", "/ai/prompt", "flames")
    room.teach("bend.swirl.mute", "/2/toggle", 1)
    room.teach("walk.period", "/seconds", 30.5)
    room.teach("panic", "/2/push1", 1.0)
    room.teach("preset.2", "/2/push2", 1.0)
    room.teach("store.3", "/2/push3", 1.0)
    room.teach("blackout", "/2/black", 1)
    room.teach("output.brightness", "/1/light", 0.5)
    assert room.played("/ai/prompt", "ocean") == [Set("prompt.text", "ocean")]
    assert room.played("/2/toggle", 0) == [Set("bend.swirl.mute", False)]
    assert room.played("/seconds", 12.25) == [Set("walk.period", 12.25)]
    assert room.played("/2/push1", 1.0, 0.0) == [Panic()]
    (load,) = room.played("/2/push2", 1.0, 0.0)
    assert isinstance(load, Load)
    (store,) = room.played("/2/push3", 1.0, 0.0)
    assert (type(store), store.slot) == (Store, 3)
    room.send("/2/black", 1, 0)
    room.send("/1/light", 0.25)
    assert room.fake.shown == [("blackout", True), ("blackout", False), ("brightness", 0.25)]


def test_a_bend_may_be_counted_and_where_there_are_fewer_nothing_happens(tmp_path):
    save_learnt(tmp_path / "osc.toml", {"/a": Learnt("bend.@1.main"), "/b": Learnt("bend.@7.mix")})
    room = Room(tmp_path / "osc.toml")
    assert room.played("/a", 0.5) == [Set(ANGLE, 0.0)]
    assert room.played("/b", 0.5) == []
    assert room.learnt.playing(ANGLE) == ["/a"]
    assert room.learnt.playing("bend.swirl.mix") == []


@pytest.mark.parametrize("target", ["bend.swrl.mix", "bend.@5.mix", "learn", "preset.70", "nobody"])
def test_what_no_address_can_play_is_not_learnt(target):
    room = Room()
    with pytest.raises(LivebendError):
        room.learnt.learn(target)
    assert room.learnt.waiting == ""


def test_what_is_learnt_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "OSC_LEARNT", 2)
    room = Room()
    for n, target in enumerate((ANGLE, "walk.radius", "walk.period")):
        room.teach(target, f"/{n}", 0.1)
    assert "and no more" in room.said[-1]
    assert room.played("/2", 0.5) == []


NAMES = st.text("abcdefghij/0123456789", min_size=1, max_size=30).map(lambda text: f"/{text}")
BOUND = st.builds(
    Learnt,
    st.sampled_from(["bend.@1.main", "panic", "output.brightness", "walk.radius"]),
    st.sampled_from(osc_learnt.RANGES),
)


@given(st.dictionaries(NAMES, BOUND, max_size=4))
def test_a_file_is_read_as_it_was_written(tmp_path_factory, bound):
    file = tmp_path_factory.mktemp("home") / "osc.toml"
    assert read_learnt(save_learnt(file, bound), Display.specs) == bound


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("controls = 3", "expected a list"),
        ("controls = [3]", "at, to and most"),
        ('controls = [{at = "x", to = "seed"}]', "expected an OSC address"),
        ('controls = [{at = "/x"}]', "target None"),
        ('controls = [{at = "/x", to = "seed", most = 2}]', "expected 1, 127 or 0"),
        ('controls = [{at = "/x", to = "output.blackuot"}]', "did you mean 'blackout'"),
        ("controls = [[", "not TOML"),
    ],
)
def test_a_file_with_a_mistake_says_which_and_the_show_goes_on(tmp_path, text, words):
    file = tmp_path / "osc.toml"
    file.write_text(text)
    with pytest.raises(PresetError, match=words):
        read_learnt(file, Display.specs)
    room = Room(file)
    assert words in room.fake.refused[0]
    assert room.played("/livebend/seed", 3) == [Set("seed", 3)]


# ---- as it is asked for


def test_learning_is_asked_for_over_osc_and_by_the_key():
    asked: list[Learn] = []
    desk = replace(FakeDesk().desk, learn=asked.append)
    tree = tree_of(DUB, {})
    for address, arguments in (("learn", [ANGLE]), ("learn", []), ("forget", [f"/{ANGLE}"])):
        desk.send(Set("seed", 1))
        desk.send(read(f"/livebend/osc/{address}", arguments, tree, desk.bank).action)
    assert asked == [Learn(ANGLE, by="osc"), Learn("seed", by="osc"), Learn(ANGLE, True, "osc")]
    assert press(desk, "learn")
    assert asked[-1] == Learn("seed")


def test_the_key_teaches_whichever_control_comes_first():
    room, lessons = Room(), Lessons()
    waits: list[str] = []

    class Midi:
        def learn(self, target):
            if target == "prompt.text":
                raise Refused("a text")
            waits.append(target)

        def drop(self):
            waits.clear()

    lessons.osc, lessons.midi = room.learnt, Midi()
    lessons.learn(Learn(ANGLE))
    assert (room.learnt.waiting, waits) == (ANGLE, [ANGLE])
    lessons.end_midi()
    assert waits == []
    lessons.learn(Learn("prompt.text"))  # OSC alone can play it
    assert room.learnt.waiting == "prompt.text"
    with pytest.raises(Refused, match="a text"):
        lessons.learn(Learn("prompt.text", by="midi"))
    room.learnt.drop()
    lessons.midi = None
    with pytest.raises(Refused, match="no MIDI device"):
        lessons.learn(Learn(ANGLE, by="midi"))
    lessons.learn(Learn(ANGLE))
    assert room.learnt.waiting == ANGLE


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools are not installed")
def test_a_client_that_nobody_here_wrote_is_learnt_over_a_real_socket(tmp_path):
    fake = FakeDesk()
    learnt = LearntAddresses(fake.desk, tmp_path / "osc.toml")
    desk = replace(fake.desk, learn=lambda what: learnt.learn(what.target))
    osc = OscInput(desk, listen(port=0), learnt=learnt).start()
    host, port = osc.address
    with SimpleUDPClient(host, port) as client:
        client.send_message("/livebend/osc/learn", ANGLE)
        wait_for(lambda: learnt.waiting == ANGLE)
        subprocess.run(["oscsend", host, str(port), FADER, "f", "0.5"], check=True)
        wait_for(lambda: learnt.waiting == "")
        client.send_message(FADER, 0.75)
    wait_for(lambda: bool(fake.commands))
    assert osc.stop()
    assert fake.commands == [Set(ANGLE, 90.0)]
    assert FADER in (tmp_path / "osc.toml").read_text()
