"""The reader of OSC: actions go where they belong, and nothing a stranger sends does any harm."""

import struct
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder

from livebend.control.osc import REPORTED, OscReader
from livebend.control.osc_packets import DatagramError, messages, reply
from livebend.scene.commands import Panic, Set
from livebend.scene.values import Bend, Scene
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import datagram, message
from tests.fakes.times import ManualTime


class Ear:
    """A reader at a desk, with a time that is moved by hand."""

    def __init__(self, scene: Scene = DUB, *, has_room: bool = True) -> None:
        self.desk, self.time = FakeDesk(scene, has_room=has_room), ManualTime()
        self.reader = OscReader(self.desk.desk, self.time.now)
        self.counts = self.reader.counts

    def hear(self, address: str, *arguments: object) -> list[bytes]:
        """Hear a message to an address of ours; return the replies."""
        return self.reader.receive(datagram(f"/livebend/{address}", *arguments))


def bundle(*contents, time=0):
    builder = OscBundleBuilder(time)
    for content in contents:
        builder.add_content(content)
    return builder.build().dgram


def test_actions_go_where_they_belong():
    ear = Ear()
    ear.hear("bend/swirl/angle", 45.0)
    ear.hear("blackout", 1)
    ear.hear("freeze")
    assert ear.desk.commands == [Set("bend.swirl.angle", 45.0)]
    assert ear.desk.shown == [("blackout", True), ("freeze", None)]
    assert ear.counts.messages == 3


def test_store_keeps_the_scene_that_is_played_and_says_where():
    ear = Ear()
    for slot in (5, 0, 12):
        ear.hear("store", slot)
    assert ear.desk.bank.stored == {5: DUB}
    assert ear.desk.notices == ["slot 5: stored as presets/stored-5.toml"]
    assert ear.desk.refused == ["OSC: slot 12: expected 1..9"]
    assert (ear.counts.refused, ear.counts.ignored) == (1, 1)


def test_a_bundle_acts_at_once_and_in_order_whatever_its_time():
    inner = OscBundleBuilder(2.08e9)
    inner.add_content(message("/livebend/seed", 2))
    sent = bundle(
        message("/livebend/seed", 1), inner.build(), message("/livebend/seed", 3), time=2.08e9
    )
    ear = Ear()
    ear.reader.receive(sent)
    assert ear.desk.commands == [Set("seed", 1), Set("seed", 2), Set("seed", 3)]


def test_a_question_is_answered():
    ear = Ear()
    ((address, arguments),) = messages(ear.hear("bend/swirl/angle")[0])
    assert (address, arguments) == ("/livebend/bend/swirl/angle", [30.0])
    ((address, arguments),) = messages(ear.hear("prompt", "?")[0])
    assert (address, arguments) == ("/livebend/prompt", [""])
    assert list(messages(reply("/x", True))) == [("/x", [1])]
    assert list(messages(reply("/livebend/seed", 2**32 - 1))) == [("/livebend/seed", [2**32 - 1])]


def test_a_fader_goes_over_what_is_played():
    ear = Ear(replace(DUB, bends=(*DUB.bends, Bend("flash", "add", "image"))))
    ear.hear("bend/flash/amount/play", 0.75)
    ear.hear("bend/swirl/angle/play", 0.75)
    ear.hear("route/kick/high/play", 0.75)
    assert ear.desk.commands == [
        Set("bend.flash.amount", 1.0), Set("bend.swirl.angle", 90.0), Set("route.kick.high", 180.0)
    ]  # fmt: skip
    ((address, arguments),) = messages(ear.hear("bend/swirl/angle/play")[0])
    assert address == "/livebend/bend/swirl/angle/play"
    assert arguments == pytest.approx([210 / 360])


def test_refusals_are_counted_and_noticed():
    ear = Ear()
    ear.hear("bend/swirl/angle", "x")
    ear.hear("walk/radius/play", 9.0)
    ear.hear("_samplerate", 60.0)
    counts = ear.counts
    assert (counts.refused, counts.clamped, counts.ignored) == (1, 1, 1)
    assert ear.desk.refused == [
        "OSC: bend.swirl.angle = 'x': expected -360..360 deg",
        "OSC: walk.radius/play = 9: clamped to 1",
    ]


def test_an_unknown_address_is_noticed_once_with_the_nearest_name():
    ear = Ear()
    for _ in range(3):
        ear.hear("bend/swril/angle", 1.0)
    assert ear.desk.refused == [
        "unknown OSC address '/livebend/bend/swril/angle'; "
        "did you mean '/livebend/bend/swirl/angle'?"
    ]
    assert ear.counts.refused == 3
    ear.time.moment = 10.0
    ear.hear("bend/swril/angle", 1.0)
    assert len(ear.desk.refused) == 2


def test_a_flood_of_unknown_addresses_is_counted_but_not_searched():
    ear = Ear()
    for number in range(500):
        ear.hear(f"channel{number}/level", 1.0)
    assert (ear.counts.refused, len(ear.desk.refused)) == (500, REPORTED)


def test_a_full_queue_is_counted():
    ear = Ear(has_room=False)
    ear.hear("panic")
    assert ear.counts.refused == 1


def test_what_was_just_added_can_be_set_before_the_scene_has_it():
    ear = Ear()
    ear.hear("bend/new/angle", 1.0)
    ear.hear("bend/add", "new", "rotate", "image")
    ear.hear("bend/new/angle", 10.0)
    ear.hear("preset", "storm")
    ear.hear("bend/flash/amount", 1.0)
    sets = [c for c in ear.desk.commands if isinstance(c, Set)]
    assert sets == [Set("bend.new.angle", 10.0), Set("bend.flash.amount", 1.0)]
    ear.time.moment = 10.0
    ear.hear("bend/new/angle", 10.0)
    assert ear.counts.refused == 2


# ---- garbage


def size(number):
    return struct.pack(">i", number)


HEAD = b"#bundle\0" + bytes(8)
NESTED = b"/a\0\0,\0\0\0"
for _ in range(40):
    NESTED = HEAD + size(len(NESTED)) + NESTED
GARBAGE = {
    "nothing": b"",
    "text": b"hello",
    "no end": b"/livebend",
    "no tags end": b"/a\0\0,iii",
    "no value": b"/a\0\0,i\0\0",
    "not a tag": b"/a\0\0iiii\0\0\0\0",
    "unknown tag": b"/a\0\0,q\0\0\0\0\0\0",
    "blob": b"/a\0\0,b\0\0\xff\xff\xff\xff",
    "bracket": b"/a\0\0,[\0\0",
    "brackets": b"/a\0\0,]\0\0",
    "not utf-8": b"/\xff\xfe\0,\0\0\0",
    "string": b"/a\0\0,s\0\0\xff\xff\xff\0",
    "short bundle": b"#bundle\0",
    "cut bundle": HEAD + b"\0\0",
    "endless bundle": HEAD + size(-4),
    "empty element": HEAD + size(0),
    "greedy element": HEAD + size(2**31 - 1) + b"/a\0\0",
    "not an element": HEAD + size(4) + b"abcd",
    "nested": NESTED,
}


@pytest.mark.parametrize("case", GARBAGE, ids=str)
def test_garbage_is_counted_and_survived(case, caplog):
    ear = Ear()
    assert ear.reader.receive(GARBAGE[case]) == []
    assert ear.counts.garbage == 1
    assert (ear.desk.commands, ear.desk.refused, caplog.records) == ([], [], [])
    ear.hear("panic")
    assert ear.desk.commands == [Panic()]


def test_an_impulse_is_a_press():
    ear = Ear()
    ear.reader.receive(b"/livebend/panic\0,I\0\0")
    assert ear.desk.commands == [Panic()]


def test_a_message_without_type_tags_is_a_press():
    ear = Ear()
    ear.reader.receive(b"/livebend/panic\0")
    assert ear.desk.commands == [Panic()]


VALID = datagram("/livebend/bend/swirl/angle", 4.0, "text", True, 7)


@given(
    st.binary(max_size=200)
    | st.binary(max_size=80).map(lambda tail: b"/livebend/seed\0\0," + tail)
    | st.binary(max_size=80).map(lambda tail: HEAD + tail)
    | st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)).map(
        lambda change: VALID[: change[0]] + bytes([change[1]]) + VALID[change[0] + 1 :]
    )
)
@example(b"/a\0\0,\xff\0\0")
@settings(max_examples=400)
def test_no_datagram_does_harm(sent):
    ear = Ear()
    ear.reader.receive(sent)
    try:
        count = len(list(messages(sent)))
    except DatagramError:
        assert ear.counts.garbage == 1
    else:
        assert ear.counts.messages == count
