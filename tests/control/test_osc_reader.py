"""The reader of OSC: actions go where they belong, and nothing a stranger sends does any harm."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.udp_client import SimpleUDPClient

from livebend.control import osc
from livebend.control.osc import OscReader
from livebend.control.osc_actions import REPORTED
from livebend.control.osc_addresses import named
from livebend.control.osc_endpoint import Sender, listen
from livebend.control.osc_packets import Strange, read_packet, reply
from livebend.core import limits
from livebend.scene.commands import Add, Panic, Set, Store
from livebend.scene.values import Bend, MixedPrompt, Scene
from tests.fakes.desk import DUB, FakeDesk
from tests.fakes.osc import datagram, message, wait_for
from tests.fakes.times import ManualTime


class Ear:
    """A reader at a desk, with a time that is moved by hand."""

    def __init__(self, scene: Scene = DUB, *, has_room: bool = True) -> None:
        self.desk, self.time = FakeDesk(scene, has_room=has_room), ManualTime()
        self.reader = OscReader(self.desk.desk, self.time.now, lambda: NOW + self.time.now())
        self.counts = self.reader.counts

    def hear(self, address: str, *arguments: object) -> list[bytes]:
        """Hear a message to an address of ours; return the replies."""
        return self.reader.receive(datagram(f"/livebend/{address}", *arguments))


NOW = 1.8e9  # s since 1970, when the reader's time is 0


def bundle(*contents, time=0):
    builder = OscBundleBuilder(time)
    for content in contents:
        builder.add_content(content)
    return builder.build().dgram


def heard(datagram):
    """The messages of a datagram, as pairs."""
    return [(m.address, m.arguments) for m in read_packet(datagram).messages]


def test_actions_go_where_they_belong():
    ear = Ear()
    ear.hear("bend/swirl/angle", 45.0)
    ear.hear("blackout", 1)
    ear.hear("freeze")
    assert ear.desk.commands == [Set("bend.swirl.angle", 45.0)]
    assert ear.desk.shown == [("blackout", True), ("freeze", None)]
    assert ear.counts.messages == 3


def test_store_waits_its_turn_in_the_queue():
    ear = Ear()
    for slot in (5, 0, 72):
        ear.hear("store", slot)
    assert ear.desk.commands == [Store(5)]
    ear.desk.commands[0].apply(DUB)
    assert ear.desk.bank.stored == {5: DUB}
    assert ear.desk.refused == ["OSC: slot 72: expected 1..64"]
    assert (ear.counts.refused, ear.counts.ignored) == (1, 1)


def test_a_mixed_prompt_is_set_in_the_burst_that_adds_it():
    ear = Ear()
    ear.hear("prompt/mix/add", "night", "northern lights")
    ear.hear("prompt/mix/night/weight", 0.25)
    ear.hear("prompt/mix/other/weight", 0.25)
    assert ear.desk.commands == [
        Add(MixedPrompt("night", "northern lights")), Set("prompt.mix.night.weight", 0.25),
    ]  # fmt: skip
    assert ear.counts.refused == 1


def test_a_bundle_acts_in_order_and_what_is_dated_at_its_time():
    inner = OscBundleBuilder(NOW + 2.0)
    inner.add_content(message("/livebend/seed", 2))
    late = OscBundleBuilder(NOW + 0.5)  # not before the bundle that it is in
    late.add_content(message("/livebend/seed", 4))
    ear = Ear()
    ear.reader.receive(bundle(message("/livebend/seed", 0), inner.build()))
    ear.reader.receive(bundle(message("/livebend/seed", 1), late.build(), time=NOW + 1.0))
    ear.reader.receive(bundle(message("/livebend/seed", 5), time=NOW - 3.0))
    assert ear.desk.commands == [Set("seed", 0), Set("seed", 5)]
    assert ear.reader.due() == pytest.approx(1.0, abs=1e-3)
    for moment, values in ((0.9, []), (1.1, [1, 4]), (5.0, [2])):
        ear.time.moment = moment
        del ear.desk.commands[:]
        ear.reader.act_on_dated()
        assert ear.desk.commands == [Set("seed", value) for value in values]
    assert (ear.reader.due(), ear.desk.refused) == (None, [])


def test_a_bundle_dated_beyond_all_sense_acts_at_once_and_this_is_said():
    ear = Ear()
    ear.reader.receive(bundle(message("/livebend/seed", 1), time=NOW + 8000.0))
    assert ear.desk.commands == [Set("seed", 1)]
    ear.reader.receive(bundle(message("/livebend/seed", 2), time=NOW + 60.0))
    assert ear.desk.commands == [Set("seed", 1)]
    assert [line.partition(":")[2] for line in ear.desk.refused] == [
        " a bundle is dated 8000 s ahead: it acts at once",
        " a bundle waits 60 s for its time; is its sender's clock right?",
    ]


def test_no_more_is_held_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(limits, "DATED", 2)
    ear = Ear()
    for seed in range(4):
        ear.reader.receive(bundle(message("/livebend/seed", seed), time=NOW + 1.0))
    assert ear.desk.commands == [Set("seed", 2), Set("seed", 3)]


def test_a_dated_question_is_answered_to_who_asked():
    ear = Ear()
    sent = bundle(message("/livebend/seed", "?"), time=NOW + 1.0)
    assert ear.reader.receive(sent, Sender("10.0.0.7")) == []
    ear.time.moment = 1.5
    ((answer, (host, _)),) = ear.reader.act_on_dated()
    assert (heard(answer), host) == ([("/livebend/seed", [46])], "10.0.0.7")


def test_wildcards_move_many_and_are_searched_once(monkeypatch):
    ear = Ear()
    searched = []
    monkeypatch.setattr(osc, "named", lambda p, *a: searched.append(p) or named(p, *a))
    for value in (1.0, 2.0):
        ear.hear("bend/*/angle", value)
        ear.hear("bend/swirl/mask/{x,y}", 0.25, 0.75)
    assert ear.desk.commands[:3] == [
        Set("bend.swirl.angle", 1.0),
        Set("bend.swirl.mask.x", 0.25),
        Set("bend.swirl.mask.y", 0.75),
    ]
    assert len(ear.desk.commands) == 6
    assert searched == ["/livebend/bend/*/angle"]
    ear.hear("b*/nothing", 1.0)
    assert ear.desk.refused == ["OSC: '/livebend/b*/nothing' names no parameter"]
    for number in range(200):
        ear.hear(f"*/{number}", 1.0)
    assert len(searched) <= osc.SEARCHES


def test_a_pattern_follows_the_parts_of_the_scene():
    ear = Ear()
    ear.hear("bend/*/mix", 0.5)
    two = replace(DUB, bends=(*DUB.bends, Bend("flash", "add", "image")))
    ear.desk.desk.scene.put(two)
    ear.hear("bend/*/mix", 0.25)
    assert ear.desk.commands == [
        Set("bend.swirl.mix", 0.5), Set("bend.swirl.mix", 0.25), Set("bend.flash.mix", 0.25)
    ]  # fmt: skip


def test_a_question_is_answered():
    ear = Ear()
    ((address, arguments),) = heard(ear.hear("bend/swirl/angle")[0])
    assert (address, arguments) == ("/livebend/bend/swirl/angle", [30.0])
    ((address, arguments),) = heard(ear.hear("prompt", "?")[0])
    assert (address, arguments) == ("/livebend/prompt", [""])
    assert heard(reply("/x", True)) == [("/x", [1])]
    assert heard(reply("/livebend/seed", 2**32 - 1)) == [("/livebend/seed", [2**32 - 1])]


def test_a_fader_goes_over_what_is_played():
    ear = Ear(replace(DUB, bends=(*DUB.bends, Bend("flash", "add", "image"))))
    ear.hear("bend/flash/amount/play", 0.75)
    ear.hear("bend/swirl/angle/play", 0.75)
    ear.hear("route/kick/high/play", 0.75)
    assert ear.desk.commands == [
        Set("bend.flash.amount", 1.0), Set("bend.swirl.angle", 90.0), Set("route.kick.high", 180.0)
    ]  # fmt: skip
    ((address, arguments),) = heard(ear.hear("bend/swirl/angle/play")[0])
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


def test_a_mistaken_value_is_noticed_once_and_the_next_one_works():
    ear = Ear()
    for value in ("x", "y", "x"):
        ear.hear("bend/swirl/angle", value)
    ear.hear("bend/swirl/angle", 10.0)
    assert ear.desk.refused == ["OSC: bend.swirl.angle = 'x': expected -360..360 deg"]
    assert (ear.counts.refused, ear.desk.commands) == (3, [Set("bend.swirl.angle", 10.0)])
    ear.time.moment = 10.0
    ear.hear("bend/swirl/angle", "y")
    assert len(ear.desk.refused) == 2


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
    "not utf-8": b"/\xff\xfe\0,\0\0\0",
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


def padded(raw):
    return raw + b"\0" * (4 - len(raw) % 4)


def packed(tags, *values):
    """A message to /livebend/x made by hand."""
    return padded(b"/livebend/x") + padded(b"," + tags.encode()) + b"".join(values)


F32 = [0.1, 0.3, 1 / 3, 1e-7, 16777216.0, 3.4e38, 45.5, -0.7]
TYPES = [
    *((packed("f", struct.pack(">f", v)), [float(str(np.float32(v)))]) for v in F32),
    (packed("d", struct.pack(">d", 0.1)), [0.1]),
    (packed("d", struct.pack(">d", 0.10000000149011612)), [0.10000000149011612]),
    (packed("i", struct.pack(">i", -7)), [-7]),
    (packed("h", struct.pack(">q", 2**40)), [2**40]),
    (packed("TFIN"), [True, False, True, None]),
    (packed("sS", padded("ü".encode()), padded(b"sym")), ["ü", "sym"]),
    (packed("s", padded("ü".encode("latin-1"))), ["ü"]),
    (packed("s", b"abc"), ["abc"]),
    (packed("c", struct.pack(">I", ord("q"))), ["q"]),
    (packed("m", bytes([0, 0xB0, 7, 127])), [1.0]),
    (packed("m", bytes([0, 0x80, 60, 99])), [0.0]),
    (packed("rif", b"\1\2\3\4", struct.pack(">if", 3, 0.5)), [Strange("a colour"), 3, 0.5]),
    (packed("ti", bytes(8), struct.pack(">i", 3)), [Strange("a time"), 3]),
    (packed("bi", struct.pack(">i", 5), b"12345\0\0\0", struct.pack(">i", 3)),
     [Strange("a blob"), 3]),
    (packed("[f[f]]", struct.pack(">ff", 0.25, 0.5)), [0.25, 0.5]),
    (packed("]]", b""), []),
    (padded(b"/livebend/x") + struct.pack(">f", 0.5), [0.5]),
    (padded(b"/livebend/x") + struct.pack(">ff", 0.5, 0.75), [0.5, 0.75]),
    (padded(b"/livebend/x") + struct.pack(">i", -3), [-3]),
    (padded(b"/livebend/x") + padded(b"ocean waves"), ["ocean waves"]),
    (b"/livebend/x", []),
    (b"/livebend/x 0.5", [0.5]),
    (b"livebend/x 0.5 -3 up", [0.5, -3.0, "up"]),
    (b'  /livebend/x "ocean waves" \0', ["ocean waves"]),
    (padded(b"/livebend/x 1") + padded(b",i") + struct.pack(">i", 2), [1.0, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "arguments"), TYPES)
def test_every_type_is_read(sent, arguments):
    packet = read_packet(sent)
    ((address, found, _),) = packet.messages
    assert address.strip("/") == "livebend/x"
    assert (found, [type(v) for v in found]) == (arguments, [type(v) for v in arguments])
    assert (packet.garbage, packet.notices) == (0, [])


@given(st.floats(width=32, allow_nan=False))
def test_a_single_precision_number_is_read_as_its_shortest_decimal(value):
    ((_, (found,)),) = heard(packed("f", struct.pack(">f", value)))
    assert np.float32(found) == np.float32(value)
    assert len(repr(found)) <= len(repr(value))


BROKEN = {
    "type 'q' is none of OSC": packed("q"),
    "cut short": packed("ii", bytes(4)),
    "257 values, expected up to 256": packed("T" * 257),
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_strange_message_does_not_spoil_its_bundle(why):
    def element(raw):
        return size(len(raw)) + raw

    ear = Ear()
    for _ in range(2):
        ear.reader.receive(
            HEAD
            + element(datagram("/livebend/seed", 1))
            + element(BROKEN[why])
            + element(HEAD + element(BROKEN[why]) + element(datagram("/livebend/seed", 2)))
            + element(datagram("/livebend/seed", 3))
            + b"\0\0"
        )
    assert ear.desk.commands == 2 * [Set("seed", 1), Set("seed", 2), Set("seed", 3)]
    assert ear.counts.garbage == 6
    assert ear.desk.refused == [f"OSC: /livebend/x: {why}; the message is left out"]


def test_black_is_not_held_up_by_what_waits():
    """Black behind 2000 messages is acted on before any of them."""
    order = []
    desk = replace(
        FakeDesk().desk,
        give=lambda command: order.append("set") or True,
        display=lambda what, on: order.append((what, on)),
    )
    with listen(port=0) as waiting, SimpleUDPClient(*waiting.getsockname()) as client:
        receiving = osc.OscInput(desk, waiting)
        for number in range(2000):
            client.send_message("/livebend/walk/radius", ["+", number / 2000])
        client.send_message("/livebend/blackout", 1)
        client.send_message("/LiveBend/Freeze", [])
        receiving.start()
        wait_for(lambda: len(order) == 2002)
        assert receiving.stop()
    assert order[:2] == [("blackout", True), ("freeze", None)]


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
    packet = read_packet(sent)
    assert ear.counts.garbage == packet.garbage
    assert ear.reader.due() is not None or ear.counts.messages == len(packet.messages)
