"""What each OSC message means, and that nothing a stranger sends does any harm."""

import re
import struct
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from livebend.control.desk import Desk, SetDisplay
from livebend.control.osc import REPORTED, OscReader
from livebend.control.osc_addresses import (
    FaderMove,
    Query,
    Request,
    address_of,
    is_private,
    leaves,
    outputs,
    read,
)
from livebend.control.osc_packets import DatagramError, messages, reply
from livebend.core.errors import LivebendError, OutOfRange, UnknownName
from livebend.core.mailbox import Latest
from livebend.core.ranges import Range
from livebend.core.specs import Spec
from livebend.scene import paths
from livebend.scene.commands import Add, Load, Panic, Remove, Replace, Set, Undo
from livebend.scene.values import Bend, Route, Scene

SCENE = Scene(
    "Dub",
    bends=(Bend("swirl", "rotate", "latent@0.8", {"angle": 30.0}),),
    routes=(Route("kick", "low", "bend.swirl.angle"),),
)
STORM = Scene("Storm", bends=(Bend("flash", "add", "image"),))
KNOWN = leaves(SCENE)


class Bank:
    """Two presets."""

    def __init__(self):
        self.names = {1: "dub", 2: "storm"}

    def recall(self, which):
        if isinstance(which, int):
            if which not in self.names:
                raise OutOfRange(f"preset {which}: expected 1..2")
            which = self.names[which]
        if which not in self.names.values():
            raise UnknownName("preset", which, self.names.values())
        return which, {"dub": SCENE, "storm": STORM}[which]


ROTATE = Bend("new", "rotate", "unet.mid", {"angle": 20.0, "i": 3}, mix=0.5)
ROUTE = Route("r", "onset.pulse", "bend.swirl.angle", high=90.0, curve="cube")
MEANT = [
    ("prompt", ["starry night"], Set("prompt.text", "starry night")),
    ("prompt/text", ["x"], Set("prompt.text", "x")),
    ("prompt/fade", [2], Set("prompt.fade", 2.0)),
    ("prompt/to", [""], Set("prompt.to", "")),
    ("seed", [7], Set("seed", 7)),
    ("seed", [7.0], Set("seed", 7)),
    ("walk/normalise", [0], Set("walk.normalise", False)),
    ("sampling/steps", [True], Set("sampling.steps", 1)),
    ("bend/swirl/angle", [45.5], Set("bend.swirl.angle", 45.5)),
    ("bend/swirl/angle", [1], Set("bend.swirl.angle", 1.0)),
    ("bend/swirl/angle/play", [0.75], FaderMove("bend.swirl.angle", 0.75)),
    ("bend/swirl/mask/x/play", [1], FaderMove("bend.swirl.mask.x", 1.0)),
    ("bend/swirl/angle/play", ["?"], FaderMove("bend.swirl.angle")),
    ("bend/swirl/mix", [False], Set("bend.swirl.mix", 0.0)),
    ("bend/swirl/mute", [1.0], Set("bend.swirl.mute", True)),
    ("bend/swirl/site", ["unet.mid#1"], Set("bend.swirl.site", "unet.mid#1")),
    ("bend/add", ["new", "rotate", "unet.mid", "angle", 20, "mix", 0.5, "i", 3.0], Add(ROTATE)),
    ("bend/add", ["new", "add", "image"], Add(Bend("new", "add", "image"))),
    ("bend/replace", ["new", "rotate", "unet.mid", "angle", 20, "i", 3, "mix", 0.5],
     Replace(ROTATE)),
    ("bend/remove", ["swirl"], Remove("bend", "swirl")),
    ("route/add", ["r", "onset.pulse", "bend.swirl.angle", "high", 90, "curve", "cube"],
     Add(ROUTE)),
    ("route/replace", ["r", "onset.pulse", "bend.swirl.angle", "high", 90, "curve", "cube"],
     Replace(ROUTE)),
    ("route/remove", ["kick"], Remove("route", "kick")),
    ("route/kick/high", [90], Set("route.kick.high", 90.0)),
    ("route/kick/source", ["rms"], Set("route.kick.source", "rms")),
    ("preset", ["storm"], Load(STORM, "storm")),
    ("preset", ["storm", 4.0], Load(STORM, "storm", 4.0)),
    ("preset", [2, 4], Load(STORM, "storm", 4.0)),
    ("preset/fade", [4.0], Set("preset.fade", 4.0)),
    ("preset", [2], Load(STORM, "storm")),
    ("preset", [1.0], Load(SCENE, "dub")),
    ("preset", [0], None),
    ("preset", [0.0], None),
    ("panic", [], Panic()),
    ("panic", [1], Panic()),
    ("panic", [0], None),
    ("panic", [0.0], None),
    ("undo", [True], Undo()),
    ("undo", [False], None),
    ("blackout", [], SetDisplay("blackout")),
    ("blackout", [1], SetDisplay("blackout", True)),
    ("blackout", [0.0], SetDisplay("blackout", False)),
    ("freeze", [False], SetDisplay("freeze", False)),
    ("freeze", [], SetDisplay("freeze")),
    ("bend/swirl/angle", [], Query("bend.swirl.angle")),
    ("bend/swirl/angle", ["?"], Query("bend.swirl.angle")),
    ("prompt", ["?"], Query("prompt.text")),
    ("seed", [], Query("seed")),
]  # fmt: skip


@pytest.mark.parametrize(("address", "arguments", "action"), MEANT, ids=lambda v: str(v)[:40])
def test_what_a_message_means(address, arguments, action):
    assert read(f"/livebend/{address}", arguments, KNOWN, Bank()) == Request(action)


@pytest.mark.parametrize("path", [path for path, _ in paths.every(SCENE)])
def test_every_parameter_has_an_address(path):
    value = paths.get(SCENE, path)
    assert read(address_of(path), [value], KNOWN, Bank()).action == Set(path, value)


CLAMPED = [
    ("walk/radius", [9.0], Set("walk.radius", 9.0), ""),  # the scene clamps what it is given
    ("bend/swirl/angle/play", [7.0], FaderMove("bend.swirl.angle", 1.0), "/play = 7: clamped to 1"),
    ("bend/add", ["x", "add", "image", "mix", 3.0], Add(Bend("x", "add", "image")),
     "bend.x.mix = 3: clamped to 1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "arguments", "action", "note"), CLAMPED)
def test_what_is_no_parameter_yet_is_clamped_and_said_so(address, arguments, action, note):
    heard = read(f"/livebend/{address}", arguments, KNOWN, Bank())
    assert heard.action == action
    assert note in heard.clamped
    assert bool(note) == bool(heard.clamped)


BAD = [
    ("prompt", [5], "prompt.text = 5: expected text"),
    ("prompt", ["x" * 2001], "2001 characters: expected up to 2000"),
    ("prompt", ["a\nb"], "expected printable text"),
    ("bend/swirl/angle", ["45"], "expected -360..360 deg"),
    ("bend/swirl/angle", [1, 2], "2 values: expected one, -360..360 deg"),
    ("bend/swirl/angle", [float("nan")], "not a number"),
    ("bend/swirl/angle", [None], "got nil"),
    ("bend/swirl/angle", [[1.0]], "got an array"),
    ("bend/swirl/angle/play", ["up"], "expected one number, 0..1"),
    ("bend/swirl/site/play", [0.5], "expected a number's path"),
    ("bend/swirl/normalise", ["mtch"], "did you mean 'match'"),
    ("route/kick/source", ["lo"], "did you mean 'low'"),
    ("route/kick/source", [3], "expected one of rms"),
    ("preset", [3], "expected 1..2"),
    ("preset", [1.5], "expected a preset's name, or its number"),
    ("preset", [-1], "expected 1..2"),
    ("preset", [float("inf")], "expected a preset's name"),
    ("preset", ["../dub"], "unknown preset"),
    ("preset", [], "expected a preset's name"),
    ("blackout", ["on"], "expected nothing, or 0 or 1"),
    ("bend/add", [], "expected NAME OPERATOR SITE"),
    ("bend/add", ["x", "rotate"], "expected NAME OPERATOR SITE"),
    ("bend/add", ["x", "rotate", "image", "angle"], "expected NAME OPERATOR SITE"),
    ("bend/add", ["x", "rotate", "image", 3, 4], "expected NAME OPERATOR SITE"),
    ("bend/add", [1, "rotate", "image"], "expected NAME OPERATOR SITE"),
    ("bend/add", ["x", "rotat", "image"], "did you mean 'rotate'"),
    ("bend/add", ["x", "rotate", 3], "bend.x.site = 3: expected text"),
    ("bend/add", ["x", "rotate", "image", "angel", 3], "did you mean 'bend.x.angle'"),
    ("bend/add", ["a.b", "rotate", "image"], "bend name 'a.b': expected up to 64 of a-z"),
    ("bend/add", ["Swirl", "rotate", "image"], "bend name 'Swirl'"),
    ("bend/add", ["x", "rotate", "image", "name", "y"], "unknown key 'bend.x.name'"),
    ("bend/remove", [], "expected NAME"),
    ("bend/remove", [3], "expected NAME"),
    ("route/add", ["r", "rmss", "bend.swirl.angle"], "did you mean 'rms'"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "arguments", "message"), BAD, ids=lambda v: str(v)[:40])
def test_what_cannot_be_used_is_refused_with_what_is_allowed(address, arguments, message):
    with pytest.raises(LivebendError) as caught:
        read(f"/livebend/{address}", arguments, KNOWN, Bank())
    assert message in str(caught.value)


def test_an_unknown_address_is_nobodys():
    for address in ("/livebend/bend/swril/angle", "/prompt", "/livebend", "/", "/livebend/"):
        assert read(address, [1], KNOWN, Bank()) is None


def test_addresses_of_other_programs_are_private():
    assert is_private("/livebend/_samplerate")
    assert not is_private("/livebend/bend/_x/angle")


SCREEN = {
    name: Spec(name, kind, default, limits)
    for name, kind, default, limits in (
        ("fullscreen", "bool", False, None),
        ("brightness", "float", 1.0, Range(0, 1)),
        ("display", "int", -1, Range(-1, 15, whole=True)),
    )
}


@pytest.mark.parametrize(
    ("name", "arguments", "action", "note"),
    [
        ("fullscreen", [], SetDisplay("fullscreen"), ""),
        ("fullscreen", [1], SetDisplay("fullscreen", True), ""),
        ("fullscreen", [0.0], SetDisplay("fullscreen", False), ""),
        ("brightness", [0.25], SetDisplay("brightness", 0.25), ""),
        (
            "brightness",
            [3.0],
            SetDisplay("brightness", 1.0),
            "output.brightness = 3: clamped to 1.0",
        ),
        ("display", [], SetDisplay("display"), ""),
        ("display", [1.0], SetDisplay("display", 1), ""),
    ],
)
def test_the_display_is_told_what_its_settings_allow(name, arguments, action, note):
    address = f"/livebend/output/{name}"
    assert read(address, arguments, KNOWN, Bank(), outputs(SCREEN)) == Request(action, note)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("brightness", [], "output.brightness: 0 values: expected one, 0..1"),
        ("brightness", ["on"], "output.brightness = 'on': expected 0..1"),
        ("fullscreen", [1, 2], "output.fullscreen: 2 values"),
    ],
)
def test_what_the_display_cannot_do_is_refused(name, arguments, message):
    with pytest.raises(LivebendError, match=re.escape(message)):
        read(f"/livebend/output/{name}", arguments, KNOWN, Bank(), outputs(SCREEN))


# ---- the reader


class Room:
    """A desk that remembers what it was asked."""

    def __init__(self, scene=SCENE, takes=True):
        self.commands, self.shown, self.said = [], [], []
        self.time = 0.0
        self.scene = Latest(scene)
        give = lambda command: bool(self.commands.append(command)) or takes  # noqa: E731
        show = lambda what, on: self.shown.append((what, on))  # noqa: E731
        desk = Desk(give, show, self.scene, Bank(), self.said.append)
        self.reader = OscReader(desk, lambda: self.time)

    def hear(self, address, *arguments):
        return self.reader.receive(message(f"/livebend/{address}", *arguments))


def message(address, *arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


def bundle(*contents, time=0):
    builder = OscBundleBuilder(time)
    for content in contents:
        builder.add_content(content)
    return builder.build().dgram


def osc(address, *arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def test_actions_go_where_they_belong():
    room = Room()
    room.hear("bend/swirl/angle", 45.0)
    room.hear("blackout", 1)
    room.hear("freeze")
    assert room.commands == [Set("bend.swirl.angle", 45.0)]
    assert room.shown == [("blackout", True), ("freeze", None)]
    assert room.reader.counts.messages == 3


def test_a_bundle_acts_at_once_and_in_order_whatever_its_time():
    inner = OscBundleBuilder(2.08e9)
    inner.add_content(osc("/livebend/seed", 2))
    datagram = bundle(
        osc("/livebend/seed", 1), inner.build(), osc("/livebend/seed", 3), time=2.08e9
    )
    room = Room()
    room.reader.receive(datagram)
    assert room.commands == [Set("seed", 1), Set("seed", 2), Set("seed", 3)]


def test_a_question_is_answered():
    room = Room()
    ((address, arguments),) = messages(room.hear("bend/swirl/angle")[0])
    assert (address, arguments) == ("/livebend/bend/swirl/angle", [30.0])
    ((address, arguments),) = messages(room.hear("prompt", "?")[0])
    assert (address, arguments) == ("/livebend/prompt", [""])
    assert list(messages(reply("/x", True))) == [("/x", [1])]
    assert list(messages(reply("/livebend/seed", 2**32 - 1))) == [("/livebend/seed", [2**32 - 1])]


def test_a_fader_goes_over_what_is_played():
    room = Room(replace(SCENE, bends=(*SCENE.bends, Bend("flash", "add", "image"))))
    room.hear("bend/flash/amount/play", 0.75)
    room.hear("bend/swirl/angle/play", 0.75)
    room.hear("route/kick/high/play", 0.75)
    assert room.commands == [
        Set("bend.flash.amount", 1.0), Set("bend.swirl.angle", 90.0), Set("route.kick.high", 180.0)
    ]  # fmt: skip
    ((address, arguments),) = messages(room.hear("bend/swirl/angle/play")[0])
    assert address == "/livebend/bend/swirl/angle/play"
    assert arguments == pytest.approx([210 / 360])


def test_refusals_are_counted_and_noticed():
    room = Room()
    room.hear("bend/swirl/angle", "x")
    room.hear("walk/radius/play", 9.0)
    room.hear("_samplerate", 60.0)
    counts = room.reader.counts
    assert (counts.refused, counts.clamped, counts.ignored) == (1, 1, 1)
    assert room.said == [
        "OSC: bend.swirl.angle = 'x': expected -360..360 deg",
        "OSC: walk.radius/play = 9: clamped to 1",
    ]


def test_an_unknown_address_is_noticed_once_with_the_nearest_name():
    room = Room()
    for _ in range(3):
        room.hear("bend/swril/angle", 1.0)
    assert room.said == [
        "unknown OSC address '/livebend/bend/swril/angle'; "
        "did you mean '/livebend/bend/swirl/angle'?"
    ]
    assert room.reader.counts.refused == 3
    room.time = 10.0
    room.hear("bend/swril/angle", 1.0)
    assert len(room.said) == 2


def test_a_flood_of_unknown_addresses_is_counted_but_not_searched():
    room = Room()
    for number in range(500):
        room.hear(f"channel{number}/level", 1.0)
    assert (room.reader.counts.refused, len(room.said)) == (500, REPORTED)


def test_a_full_queue_is_counted():
    room = Room(takes=False)
    room.hear("panic")
    assert room.reader.counts.refused == 1


def test_what_was_just_added_can_be_set_before_the_scene_has_it():
    room = Room()
    room.hear("bend/new/angle", 1.0)
    room.hear("bend/add", "new", "rotate", "image")
    room.hear("bend/new/angle", 10.0)
    room.hear("preset", "storm")
    room.hear("bend/flash/amount", 1.0)
    sets = [c for c in room.commands if isinstance(c, Set)]
    assert sets == [Set("bend.new.angle", 10.0), Set("bend.flash.amount", 1.0)]
    room.time = 10.0
    room.hear("bend/new/angle", 10.0)
    assert room.reader.counts.refused == 2


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
    room = Room()
    assert room.reader.receive(GARBAGE[case]) == []
    assert room.reader.counts.garbage == 1
    assert (room.commands, room.said, caplog.records) == ([], [], [])
    room.hear("panic")
    assert room.commands == [Panic()]


def test_an_impulse_is_a_press():
    room = Room()
    room.reader.receive(b"/livebend/panic\0,I\0\0")
    assert room.commands == [Panic()]


def test_a_message_without_type_tags_is_a_press():
    room = Room()
    room.reader.receive(b"/livebend/panic\0")
    assert room.commands == [Panic()]


VALID = message("/livebend/bend/swirl/angle", 4.0, "text", True, 7)


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
def test_no_datagram_does_harm(datagram):
    room = Room()
    room.reader.receive(datagram)
    try:
        count = len(list(messages(datagram)))
    except DatagramError:
        assert room.reader.counts.garbage == 1
    else:
        assert room.reader.counts.messages == count


arguments = st.lists(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats(width=32)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
    | st.sampled_from(["rotate", "unet.mid", "rms", "bend.swirl.angle", "x", "angle", "?"]),
    max_size=7,
)  # fmt: skip
addresses = st.sampled_from([f"/livebend/{address}" for address, _, _ in MEANT])


@given(addresses, arguments)
@settings(max_examples=400)
def test_no_message_does_harm(address, given_arguments):
    room = Room()
    room.reader.receive(message(address, *given_arguments))
    assert room.reader.counts.messages == 1
    for command in room.commands:
        try:
            command.apply(SCENE)
        except LivebendError:
            continue
