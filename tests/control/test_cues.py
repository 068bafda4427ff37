"""Cue files: what was played can be read, edited and played again."""

import errno
import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livebend.control.cues import HEAD, CueRecorder, Cues, cue_line, read_cues
from livebend.core.errors import PresetError, Refused, UnknownName
from livebend.core.texts import one_line_text
from livebend.scene.commands import (
    Add,
    Load,
    LoadOther,
    Move,
    Panic,
    Redo,
    Remove,
    Replace,
    Set,
    Undo,
)
from livebend.scene.values import Bend, Loop, MixedPrompt, Route
from tests.fakes.desk import DUB
from tests.fakes.osc import wait_for


def load(name):
    if name != "dub":
        raise UnknownName("preset", name, ["dub"])
    return DUB


LINES = [
    ("0.000 preset dub", Load(DUB, "dub")),
    ("0.500 preset dub 4.0", Load(DUB, "dub", 4.0)),
    ("0.500 preset dub 2.0 bars", Load(DUB, "dub", 2.0, "bars")),
    ("0.600 cross dub", LoadOther(DUB, "dub")),
    ("0.600 cross dub 2.0 beats", LoadOther(DUB, "dub", 2.0, "beats")),
    ('6.600 add loop sway bend.swirl.angle "0:0 2:90" beats=8.0',
     Add(Loop("sway", "bend.swirl.angle", "0:0 2:90", 8.0))),
    ("8.500 redo", Redo()),
    ("1.250 bend.swirl.angle 45.0", Set("bend.swirl.angle", 45.0)),
    ("2.000 seed 7", Set("seed", 7)),
    ("2.000 walk.normalise false", Set("walk.normalise", False)),
    ('2.000 prompt.text "starry night"', Set("prompt.text", "starry night")),
    ("4.000 add bend tilt rotate unet.mid#1 angle=30.0 i=0 mix=0.5",
     Add(Bend("tilt", "rotate", "unet.mid#1", {"angle": 30.0, "i": 0}, mix=0.5))),
    ('4.000 add bend one add image channels="0"', Add(Bend("one", "add", "image", channels="0"))),
    ("5.000 add route hit onset.pulse bend.swirl.angle high=90.0 curve=cube mute=true",
     Add(Route("hit", "onset.pulse", "bend.swirl.angle", high=90.0, curve="cube", mute=True))),
    ("6.000 replace bend swirl multiply unet.mid gain=2.0",
     Replace(Bend("swirl", "multiply", "unet.mid", {"gain": 2.0}))),
    ('6.500 add prompt.mix night "northern lights" weight=0.5',
     Add(MixedPrompt("night", "northern lights", 0.5))),
    ("6.500 add prompt.mix night flames", Add(MixedPrompt("night", "flames"))),
    ("6.750 prompt.mix.night.weight 0.25", Set("prompt.mix.night.weight", 0.25)),
    ("6.900 remove prompt.mix night", Remove("prompt.mix", "night")),
    ("7.000 remove route kick", Remove("route", "kick")),
    ("7.500 move bend swirl 2", Move("bend", "swirl", 2)),
    ("8.000 remove bend swirl", Remove("bend", "swirl")),
    ("9.000 undo", Undo()),
    ("3600.000 panic", Panic()),
]  # fmt: skip


def written(tmp_path, text):
    file = tmp_path / "show.cues"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(("line", "command"), LINES, ids=lambda v: str(v)[:40])
def test_a_line_says_a_command_and_a_command_its_line(line, command, tmp_path):
    (cue,) = read_cues(written(tmp_path, line), load)
    assert cue.command == command
    assert cue_line(cue.time, command) == line


@pytest.mark.parametrize(
    "name", ["dub", "my set", "set 4", "set 4 bars", "4 bars", "bars", "a 4 beats x", 'the "set"']
)
def test_a_name_is_told_from_a_time(name, tmp_path):
    for fade, unit in ((None, "seconds"), (2.0, "seconds"), (0.5, "bars")):
        line = cue_line(1.0, Load(DUB, name, fade, unit))
        (cue,) = read_cues(written(tmp_path, line), lambda _: DUB)
        assert cue.command == Load(DUB, name, fade, unit), line


def test_two_undos_of_an_older_file_undo_nothing(tmp_path):
    lines = ["1 remove route kick", "2 undo", "2.5 seed 7", "3 undo", "4 undo", "5 panic", "6 undo"]
    new = [cue.command for cue in read_cues(written(tmp_path, "\n".join([HEAD, *lines])), load)]
    old = [cue.command for cue in read_cues(written(tmp_path, "\n".join([OLD, *lines])), load)]
    assert [type(command) for command in new] == [Remove, Undo, Set, Undo, Undo, Panic, Undo]
    assert [type(command) for command in old] == [Remove, Undo, Set, Redo, Undo, Panic, Undo]


OLD = "# livebend cues: seconds, then a command"
BY_HAND = """
# a show
  10 panic
1.5   prompt.text   starry   night
.5 bend.swirl.angle 45
1e0 prompt.to "45"
"""


def test_a_file_written_by_hand(tmp_path):
    cues = read_cues(written(tmp_path, BY_HAND), load)
    assert [(cue.time, cue.command) for cue in cues] == [
        (0.5, Set("bend.swirl.angle", 45)),
        (1.0, Set("prompt.to", "45")),
        (1.5, Set("prompt.text", "starry   night")),
        (10.0, Panic()),
    ]


BAD = [
    ("panic", "'panic': expected a time"),
    ("-1 panic", "'-1': expected a time"),
    ("1 panik", "unknown cue 'panik'; did you mean 'panic'"),
    ("1", "unknown cue ''"),
    ("1 panic now", "'panic now': incomplete"),
    ("1 seed", "'seed': incomplete"),
    ("1 prompt.text", "incomplete"),
    ('1 prompt.text "x', "Unterminated"),
    ('1 prompt.text "x" y', "Extra data"),
    ("1 preset dubb", "unknown preset 'dubb'; did you mean 'dub'"),
    ("1 preset", "incomplete"),
    ("1 preset ../dub", "unknown preset"),
    ("1 remove swirl", "incomplete"),
    ("1 remove cue x", "incomplete"),
    ("1 move bend swirl", "incomplete"),
    ("1 move bend swirl 0", "incomplete"),
    ("1 move bend swirl -1", "incomplete"),
    ("1 add bend x rotat image", "unknown bend.x.operator 'rotat'"),
    ("1 add bend x rotate", "expected bend NAME OPERATOR SITE"),
    ("1 add bend x rotate image angle", "'angle': expected key=value"),
    ("1 add bend x rotate image angle=400", "bend.x.angle = 400: expected -360..360 deg"),
    ("1 add prompt.mix night", "or prompt.mix NAME TEXT or loop NAME TARGET POINTS, then"),
    ("1 add lora x y", "expected bend NAME OPERATOR SITE"),
    ("1 add bend X rotate image", "bend name 'X'"),
    ("1 add route x rmss bend.swirl.angle", "did you mean 'rms'"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_a_bad_line_is_named_with_its_file_and_number(line, message, tmp_path):
    file = written(tmp_path, f"# cues\n0 panic\n{line}\n")
    with pytest.raises(PresetError) as caught:
        read_cues(file, load)
    assert str(caught.value).startswith(f"{tmp_path.name}/show.cues:3: ")
    assert message in str(caught.value)


def test_what_the_scene_refuses_is_found_before_the_show(tmp_path):
    file = written(tmp_path, "2 bend.swirl.angel 3\n1 panic\n")
    with pytest.raises(PresetError, match=r"show\.cues:1: .*did you mean 'bend.swirl.angle'"):
        Cues(file, load, DUB)
    assert len(Cues(file, load).cues) == 2


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(PresetError, match="cannot be read: No such file"):
        read_cues(tmp_path / "nope", load)
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(PresetError, match="not text in UTF-8"):
        read_cues(tmp_path / "bytes", load)


def test_each_cue_is_given_once_when_its_time_has_come(tmp_path):
    cues = Cues(written(tmp_path, "1 seed 1\n2 seed 2\n2 seed 3\n9 panic"), load)
    assert [cues.until(t) for t in (0.5, 1.0, 1.0, 5.0, 8.9)] == [
        [], [Set("seed", 1)], [], [Set("seed", 2), Set("seed", 3)], [],
    ]  # fmt: skip


printable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30).map(
    one_line_text
)
values = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**32) | st.booleans()
bends = st.builds(
    Bend,
    st.from_regex(r"[a-z0-9_-]{1,9}", fullmatch=True),
    st.just("rotate"),
    printable,
    st.fixed_dictionaries({}, optional={"angle": st.floats(-360, 360), "i": st.integers(0, 9)}),
    channels=printable,
    mix=st.floats(0, 1),
    mute=st.booleans(),
    units=st.sampled_from(["sigma", "raw"]),
)
routes = st.builds(
    Route,
    st.from_regex(r"[a-z0-9_-]{1,9}", fullmatch=True),
    st.sampled_from(["rms", "lfo.sine"]),
    printable,
    low=st.floats(-1e6, 1e6),
    edge=st.sampled_from(["fit", "wrap"]),
)
commands = st.one_of(
    st.builds(Set, st.sampled_from(["prompt.text", "bend.a.site"]), printable | values),
    st.builds(Set, st.just("seed"), values),
    st.builds(Add, bends | routes),
    st.builds(Replace, bends | routes),
    st.sampled_from([Panic(), Undo(), Remove("bend", "a"), Load(DUB, "dub")]),
)


@given(st.lists(st.tuples(st.floats(0, 1e5), commands), max_size=12))
@settings(max_examples=200)
def test_a_recorded_show_comes_back_and_no_cue_after_its_tick(tmp_path_factory, show):
    show = sorted(show, key=lambda cue: cue[0])
    recorder = CueRecorder(tmp_path_factory.mktemp("cues") / "show.cues")
    for time, command in show:
        recorder(time, command)
    recorder.close()
    cues = read_cues(recorder.file, load)
    assert [cue.command for cue in cues] == [command for _, command in show]
    for cue, (time, _) in zip(cues, show, strict=True):
        assert 0 <= time - cue.time <= 0.00101


def test_a_time_just_below_a_millisecond_is_cut_downwards():
    time = math.nextafter(0.117, 0)
    assert time * 1000 == 117.0
    assert cue_line(time, Panic()) == "0.116 panic"


def test_the_same_type_comes_back(tmp_path):
    for value in (1, 1.0, True, "1", "true", "1.0", "", '"'):
        (cue,) = read_cues(written(tmp_path, cue_line(0, Set("seed", value))), load)
        assert (cue.command.value, type(cue.command.value)) == (value, type(value))


def test_a_scene_without_a_presets_name_has_no_words(tmp_path):
    recorder = CueRecorder(tmp_path / "show.cues")
    with pytest.raises(Refused, match="cannot be written as a cue"):
        recorder(0.0, Load(DUB))


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(PresetError, match=r"missing/show\.cues: cannot be written: No such file"):
        CueRecorder(tmp_path / "missing" / "show.cues")
    assert not list(tmp_path.iterdir())


def test_cues_are_in_the_file_as_soon_as_they_are_played(tmp_path):
    recorder = CueRecorder(tmp_path / "show.cues")
    recorder(1.0, Panic())
    recorder(2.0, Set("prompt.text", "ocean"))
    wait_for(lambda: recorder.file.read_text().endswith('2.000 prompt.text "ocean"\n'))
    assert [cue.command for cue in read_cues(recorder.file, load)] == [
        Panic(), Set("prompt.text", "ocean"),
    ]  # fmt: skip
    recorder.close()
    recorder.close()


def test_a_name_in_use_is_never_written_over(tmp_path):
    written(tmp_path, "1 panic\n")
    recorder = CueRecorder(tmp_path / "show.cues")
    recorder.close()
    assert recorder.file == tmp_path / "show-2.cues"
    assert (tmp_path / "show.cues").read_text() == "1 panic\n"


def test_a_full_disk_leaves_whole_lines_and_a_notice(tmp_path):
    said = []
    recorder = CueRecorder(tmp_path / "show.cues", said.append)
    recorder(1.0, Panic())
    wait_for(lambda: recorder.file.read_text().endswith("panic\n"))
    out = recorder._out

    class Full:
        def write(self, data):
            if len(data) < 9:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return out.write(data[:9])

        def __getattr__(self, name):
            return getattr(out, name)

    recorder._out = Full()
    recorder(2.0, Set("prompt.text", "ocean"))
    wait_for(lambda: said)
    recorder(3.0, Panic())
    recorder.close()
    (folder,) = {tmp_path.name}
    assert recorder.fault == f"{folder}/show.cues: cannot be written: No space left on device"
    assert said == [f"no more cues are recorded: {recorder.fault}"]
    assert recorder.file.read_text() == f"{HEAD}\n1.000 panic\n"


LAST = (
    Set("prompt.text", "späte Wellen"),
    Add(Bend("late", "rotate", "unet.mid", {"angle": 30.0}, mix=0.5)),
    Remove("bend", "swirl"),
)


@pytest.mark.parametrize("command", LAST, ids=lambda command: type(command).__name__)
def test_half_a_last_line_is_left_out(command, tmp_path):
    """After a power cut: half a letter, half a name, or zeros where nothing was written."""
    whole, last = f"{HEAD}\n1.000 panic\n".encode(), cue_line(2.0, command).encode()
    for cut in range(1, len(last) + 1):
        (tmp_path / "show.cues").write_bytes(whole + last[:-cut] + b"\0" * (cut % 3))
        cues = Cues(tmp_path / "show.cues", load, DUB)
        assert cues.cues[0].command == Panic()
        assert all(isinstance(cue.command, type(command)) for cue in cues.cues[1:])


def test_half_a_line_by_hand_is_named(tmp_path):
    with pytest.raises(PresetError, match=r"show\.cues:2: .*incomplete"):
        read_cues(written(tmp_path, "1 panic\n2 bend.swirl"), load)
    with pytest.raises(PresetError, match=r"show\.cues:2: .*incomplete"):
        read_cues(written(tmp_path, f"{HEAD}\n2 bend.swirl\n3 panic\n"), load)
