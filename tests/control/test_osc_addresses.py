"""What each OSC message means, and what is said of those that mean nothing."""

import fnmatch
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.control.desk import FaderMove, Listen, Query, Request, SetDisplay
from livebend.control.osc import OscReader
from livebend.control.osc_addresses import is_private, named, normal, read
from livebend.control.osc_packets import Strange
from livebend.control.osc_patterns import expanded, matching
from livebend.control.parameters import address_of, tree_of
from livebend.core.errors import LivebendError
from livebend.core.ranges import Range
from livebend.core.specs import Spec
from livebend.scene import paths
from livebend.scene.commands import (
    Add,
    Change,
    Load,
    Move,
    Panic,
    Remove,
    Replace,
    Set,
    Store,
    Undo,
)
from livebend.scene.values import Bend, Route
from tests.fakes.desk import DUB, STORM, FakeBank, FakeDesk
from tests.fakes.osc import datagram

KNOWN = tree_of(DUB, {})


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
    ("bend/move", ["swirl", 2], Move("bend", "swirl", 2)),
    ("bend/move", ["swirl", "2.0"], Move("bend", "swirl", 2)),
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
    ("preset", ["2"], Load(STORM, "storm")),
    ("preset", [" storm "], Load(STORM, "storm")),
    ("preset/radio", [0], Load(DUB, "dub")),
    ("preset/radio", [1.0], Load(STORM, "storm")),
    ("preset", [1.0], Load(DUB, "dub")),
    ("preset", [0], None),
    ("preset", [0.0], None),
    ("store", [5], Store(5)),
    ("store", [5.0], Store(5)),
    ("store", [0], None),
    ("store", ["5"], Store(5)),
    ("panic", [], Panic()),
    ("panic", [1], Panic()),
    ("panic", [0], None),
    ("panic", [0.0], None),
    ("panic", ["0"], None),
    ("panic", ["on"], Panic()),
    ("panic", [None], Panic()),
    ("undo", [True], Undo()),
    ("undo", [False], None),
    ("blackout", [], SetDisplay("blackout")),
    ("blackout", [1], SetDisplay("blackout", True)),
    ("blackout", [0.0], SetDisplay("blackout", False)),
    ("freeze", [False], SetDisplay("freeze", False)),
    ("freeze", [], SetDisplay("freeze")),
    ("freeze", ["off"], SetDisplay("freeze", False)),
    ("blackout", [0.0, 1.0], SetDisplay("blackout", True)),
    ("seed", ["7"], Set("seed", 7)),
    ("bend/swirl/angle", ["45"], Set("bend.swirl.angle", 45.0)),
    ("bend/swirl/angle", ["-4,5"], Set("bend.swirl.angle", -4.5)),
    ("bend/swirl/angle", [1, 2], Set("bend.swirl.angle", 2.0)),
    ("bend/swirl/angle/play", [0.1, 0.75], FaderMove("bend.swirl.angle", 0.75)),
    ("bend/swirl/angle/play", ["0.75"], FaderMove("bend.swirl.angle", 0.75)),
    ("bend/swirl/mute", ["on"], Set("bend.swirl.mute", True)),
    ("route/kick/curve", [2], Set("route.kick.curve", "cube")),
    ("route/kick/curve", [0.0], Set("route.kick.curve", "linear")),
    ("prompt", ["ocean", "waves"], Set("prompt.text", "ocean waves")),
    ("prompt", ["ocean\nwaves\u00a0"], Set("prompt.text", "ocean waves")),
    ("bend/add", ["new", "rotate", "unet.mid", "angle", "20", "mix", "0,5", "i", "3"],
     Add(ROTATE)),
    ("bend/swirl/angle", [], Query("bend.swirl.angle")),
    ("bend/swirl/angle", ["?"], Query("bend.swirl.angle")),
    ("prompt", ["?"], Query("prompt.text")),
    ("seed", [], Query("seed")),
    ("seed", ["+", 1], Change("seed", 1.0)),
    ("bend/swirl/angle", ["-", "0,5"], Change("bend.swirl.angle", -0.5)),
    ("bend/swirl/angle", ["*", 2], Change("bend.swirl.angle", times=2.0)),
    ("bend/swirl/angle", ["a", 2], Set("bend.swirl.angle", 2.0)),
    ("bend/swirl/angle", ["+=0.5"], Change("bend.swirl.angle", 0.5)),
    ("bend/swirl/angle", ["*= 2"], Change("bend.swirl.angle", times=2.0)),
    ("bend/swirl/angle", ["-0.5"], Set("bend.swirl.angle", -0.5)),
    ("bend/swirl/angle/play", ["+", 0.1], Change("bend.swirl.angle", 0.1, by_fader=True)),
    ("bend/swirl/angle/play", ["a", 0.75], FaderMove("bend.swirl.angle", 0.75)),
    ("prompt", ["+", "waves"], Set("prompt.text", "+ waves")),
    ("meter/rms", ["?"], Query("meter.rms")),
    ("meter/beat/phase", [], Query("meter.beat.phase")),
    ("feedback", [], Listen(9000)),
    ("feedback", [7001, "play"], Listen(7001, frozenset(("play",)))),
    ("feedback", [0], Listen(0)),
]  # fmt: skip


@pytest.mark.parametrize(("address", "arguments", "action"), MEANT, ids=lambda v: str(v)[:40])
def test_what_a_message_means(address, arguments, action):
    assert read(f"/livebend/{address}", arguments, KNOWN, FakeBank()) == Request(action)


@pytest.mark.parametrize("path", [path for path, _ in paths.every(DUB)])
def test_every_parameter_has_an_address(path):
    value = paths.get(DUB, path)
    assert read(address_of(path), [value], KNOWN, FakeBank()).action == Set(path, value)


CLAMPED = [
    ("walk/radius", [9.0], Set("walk.radius", 9.0), ""),  # the scene clamps what it is given
    ("bend/swirl/angle/play", [7.0], FaderMove("bend.swirl.angle", 1.0), "/play = 7: clamped to 1"),
    ("bend/add", ["x", "add", "image", "mix", 3.0], Add(Bend("x", "add", "image")),
     "bend.x.mix = 3: clamped to 1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "arguments", "action", "note"), CLAMPED)
def test_what_is_no_parameter_yet_is_clamped_and_said_so(address, arguments, action, note):
    heard = read(f"/livebend/{address}", arguments, KNOWN, FakeBank())
    assert heard.action == action
    assert note in heard.clamped
    assert bool(note) == bool(heard.clamped)


BAD = [
    ("prompt", [5], "prompt.text = 5: expected text"),
    ("prompt", ["x" * 2001], "2001 characters: expected up to 2000"),
    ("prompt", ["a\x1bb"], "U+001B in it: expected plain text"),
    ("bend/swirl/angle", ["45 deg"], "expected -360..360 deg"),
    ("bend/swirl/angle", [Strange("a blob")], "expected numbers and text, got a blob"),
    ("bend/swirl/angle", [float("nan")], "not a number"),
    ("bend/swirl/angle", [None], "got nil"),
    ("bend/swirl/angle/play", ["up"], "angle/play = 'up': expected 0..1"),
    ("bend/swirl/site/play", [0.5], "expected a number's path"),
    ("bend/swirl/normalise", ["mtch"], "did you mean 'match'"),
    ("route/kick/source", ["lo"], "did you mean 'low'"),
    ("route/kick/curve", [7], "route.kick.curve = 7: expected 0..6 or one of linear"),
    ("route/kick/curve", [1.5], "expected 0..6 or one of linear"),
    ("route/kick/curve", [True], "expected 0..6 or one of linear"),
    ("preset/radio", [-1], "expected 1..2"),
    ("preset/radio", ["x"], "expected a radio button's number, from 0"),
    ("store", [72], "slot 72: expected 1..64"),
    ("preset", [3], "expected 1..2"),
    ("preset", [1.5], "expected a preset's name, or its number"),
    ("preset", [-1], "expected 1..2"),
    ("preset", [float("inf")], "expected a preset's name"),
    ("preset", ["../dub"], "unknown preset"),
    ("preset", [], "expected a preset's name"),
    ("store", [], "expected a slot's number"),
    ("store", ["night"], "expected a slot's number"),
    ("store", [1.5], "expected a slot's number"),
    ("blackout", ["maybe"], "blackout = 'maybe': expected true or false"),
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
    ("bend/swirl/angle", ["+", "x"], "bend.swirl.angle + = 'x': expected a float"),
    ("bend/swirl/angle", ["+"], "expected -360..360 deg"),
    ("meter/rms", [1.0], "meter.rms: it is measured, and cannot be set"),
    ("feedback", [80], "feedback = 80: expected a port from 1024"),
    ("feedback", [99999], "expected whole number 0..65535"),
    ("feedback", [9000, "plai"], "did you mean 'play'"),
    ("bend/remove", [], "expected NAME"),
    ("bend/remove", [3], "expected NAME"),
    ("bend/move", [], "expected NAME PLACE"),
    ("bend/move", ["swirl"], "expected NAME PLACE"),
    ("bend/move", ["swirl", 1.5], "expected NAME PLACE"),
    ("bend/move", ["swirl", 0], "expected 1 or more"),
    ("route/add", ["r", "rmss", "bend.swirl.angle"], "did you mean 'rms'"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "arguments", "message"), BAD, ids=lambda v: str(v)[:40])
def test_what_cannot_be_used_is_refused_with_what_is_allowed(address, arguments, message):
    with pytest.raises(LivebendError) as caught:
        read(f"/livebend/{address}", arguments, KNOWN, FakeBank())
    assert message in str(caught.value)


def test_an_unknown_address_is_nobodys():
    for address in ("/livebend/bend/swril/angle", "/prompt", "/livebend", "/", "/livebend/"):
        assert read(address, [1], KNOWN, FakeBank()) is None


def test_an_address_is_read_as_people_write_it():
    for address in ("LiveBend/Seed/", "//livebend//seed", "livebend/seed", "/livebend/SEED"):
        assert normal(address) == "/livebend/seed"


PATTERNS = [
    ("/livebend/bend/*/angle", ["bend/swirl/angle"]),
    ("/livebend/bend/sw?rl/angle/play", ["bend/swirl/angle/play"]),
    ("/livebend/walk/[pr]*", ["walk/radius", "walk/period", "walk/phase"]),
    ("/livebend/walk/[!pr]*", ["walk/normalise", "walk/hold"]),
    ("/livebend/prompt*", []),
    ("/livebend/p*c", []),
    ("/livebend/*", ["seed"]),
]


@pytest.mark.parametrize(("pattern", "meant"), PATTERNS)
def test_wildcards_name_parameters_and_never_buttons(pattern, meant):
    assert named(pattern, KNOWN) == [f"/livebend/{address}" for address in meant]


def test_braces_stand_for_addresses_in_their_order():
    assert expanded("/a/{x,y}/{1,2}") == ["/a/x/1", "/a/x/2", "/a/y/1", "/a/y/2"]
    assert expanded("/a/{x") == ["/a/{x"]
    with pytest.raises(LivebendError, match="braces for more than"):
        expanded("{a,b}" * 9)
    with pytest.raises(LivebendError, match="expected up to 200 characters"):
        expanded("*" * 201)


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_a_pattern_matches_what_the_shell_s_would(pattern, text):
    assert bool(matching(pattern, [text])) == fnmatch.fnmatchcase(text, pattern)


def test_addresses_of_other_programs_are_private():
    assert is_private("/livebend/walk/radius/play/z")
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
    assert read(address, arguments, tree_of(DUB, SCREEN), FakeBank()) == Request(action, note)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("brightness", [], "output.brightness: no value: expected 0..1"),
        ("brightness", ["on"], "output.brightness = 'on': expected 0..1"),
        ("fullscreen", ["maybe"], "output.fullscreen = 'maybe': expected true or false"),
    ],
)
def test_what_the_display_cannot_do_is_refused(name, arguments, message):
    with pytest.raises(LivebendError, match=re.escape(message)):
        read(f"/livebend/output/{name}", arguments, tree_of(DUB, SCREEN), FakeBank())


# ---- any arguments at all


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
    fake = FakeDesk()
    reader = OscReader(fake.desk)
    reader.receive(datagram(address, *given_arguments))
    assert reader.counts.messages == 1
    for command in fake.commands:
        try:
            command.apply(DUB)
        except LivebendError:
            continue
