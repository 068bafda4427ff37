"""MIDI devices: what is read, what is bound, picked up, learnt, lit; and real sockets of mido's."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.cli import midi_listing
from livebend.cli.main import main
from livebend.control.desk import Learn, SetDisplay
from livebend.control.key_actions import press
from livebend.control.midi import controls, profiles
from livebend.control.midi.controls import Control, Moved, control_of, mode_of, moved, steps
from livebend.control.midi.midi_input import MidiInput
from livebend.control.midi.ports import RtMidiPorts
from livebend.control.midi.profiles import Binding, Profile, device_of, profile_of, read_profile
from livebend.control.midi.surface import Surface
from livebend.control.osc_addresses import read
from livebend.control.parameters import Trees, tree_of
from livebend.core.errors import PresetError, Refused
from livebend.outputs.display import Display, View
from livebend.scene import paths
from livebend.scene.commands import Change, Load, Panic, Set
from tests.fakes.desk import DUB, STORM, FakeDesk
from tests.fakes.midi import FakePorts, SocketPorts

ANGLE = "bend.swirl.angle"
KNOB = Control("cc", 1, 7)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's folder of profiles, empty."""
    monkeypatch.setattr(profiles, "user_folder", lambda: tmp_path / "midi")
    return tmp_path / "midi"


class Stage:
    """A surface on a desk whose scene follows what is set, with a clock of its own."""

    def __init__(self, *bindings: Binding, scene=DUB) -> None:
        self.fake = FakeDesk(scene)
        self.view = View()
        view = lambda name: getattr(self.view, name)  # noqa: E731 - it changes
        self.fake.desk = replace(self.fake.desk, output=Display.specs, view=view)
        self.time, self.set = 100.0, list[float]()
        self.surface = Surface(
            self.fake.desk, Trees(Display.specs), Profile("Knobs", (), bindings),
            lambda: self.time,
        )  # fmt: skip

    def turn(self, *values: int, at: Control = KNOB, most: int = 127) -> list[float]:
        """Move a control, a second apart; return the values that were set."""
        done = len(self.set)
        for value in values:
            before = len(self.fake.commands)
            self.surface.play(Moved(at, value, most))
            for command in self.fake.commands[before:]:
                scene = command.apply(self.fake.desk.scene.get())
                self.fake.desk.scene.put(scene)
                if isinstance(command, Set | Change):
                    self.set.append(paths.get(scene, command.path))
            self.time += 1.0
        return self.set[done:]

    def put(self, path: str, value: float) -> None:
        """Have somebody else set a parameter."""
        self.fake.desk.scene.put(Set(path, value).apply(self.fake.desk.scene.get()))

    def lights(self) -> list[tuple[int, ...]]:
        return list(self.surface.lights())


# ---- what a message says


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ((0xB0, 7, 127), Moved(KNOB, 127)),
        ((0xBF, 7, 1), Moved(Control("cc", 16, 7), 1)),
        ((0x90, 60, 100), Moved(Control("note", 1, 60), 100)),
        ((0x90, 60, 0), Moved(Control("note", 1, 60), 0)),
        ((0x81, 60, 64), Moved(Control("note", 2, 60), 0)),
        ((0xE0, 0, 64), Moved(Control("pitch", 1), 8192, 16_383)),
        ((0xC2, 4), Moved(Control("program", 3), 4)),
        ((0xA0, 60, 1), None),
        ((0xB0, 7), None),
        ((0xF8,), None),
        ((), None),
    ],
)
def test_a_message_says_which_control_moved(message, said):
    assert moved(message) == said


@given(st.lists(st.integers(0, 255), max_size=4))
def test_any_bytes_are_read_or_ignored(message):
    event = moved(message)
    assert event is None or 0.0 <= event.position <= 1.0
    assert event is None or control_of(str(event.control)) == event.control


@pytest.mark.parametrize("text", ["cc.0.1", "cc.17.1", "cc.1.128", "note.1", "pitch.1.2", "x", 7])
def test_a_control_that_no_device_has_is_refused(text):
    with pytest.raises(Refused, match=r"expected cc\.CHANNEL\.NUMBER"):
        control_of(text)


@pytest.mark.parametrize(
    ("mode", "value", "count"),
    [
        ("twos", 1, 1),
        ("twos", 127, -1),
        ("twos", 125, -3),
        ("offset", 65, 1),
        ("offset", 60, -4),
        ("sign", 2, 2),
        ("sign", 65, -1),
        ("sign", 66, -2),
    ],
)
def test_an_encoder_counts_steps(mode, value, count):
    assert steps(value, mode) == count


def gesture(*values: int, number: int = 7) -> list[Moved]:
    return [Moved(Control("cc", 1, number), value) for value in values]


@pytest.mark.parametrize(
    ("events", "mode"),
    [
        (gesture(30, 31, 33, 34), "absolute"),
        (gesture(62, 63, 64, 65, 66), "absolute"),  # slowly through the middle
        (gesture(0, 127), "absolute"),
        (gesture(1, 1, 2, 1), "twos"),
        (gesture(127, 127, 126), "twos"),
        (gesture(65, 65, 65), "offset"),
        (gesture(1, 1, 65, 65), "sign"),
        ([Moved(Control("note", 1, 3), 90)], "absolute"),
        ([*gesture(10), *gesture(3, number=39), *gesture(10)], "fine"),
    ],
)
def test_a_gesture_tells_how_a_control_counts(events, mode):
    assert mode_of(events) == (events[0].control, mode)


# ---- what a control does


def test_a_knob_goes_over_the_soft_range_once_it_has_picked_up():
    stage = Stage(Binding(KNOB, ANGLE))  # at 30 deg of -180..180: 74 of 127
    assert stage.turn(10, 50, 70) == []  # not there yet
    assert stage.turn(80, 127) == pytest.approx([80 / 127 * 360 - 180, 180.0])
    stage.put(ANGLE, -90.0)  # somebody else
    assert stage.turn(126, 100) == []
    assert stage.turn(20) == pytest.approx([20 / 127 * 360 - 180])  # passed it on the way down


def test_a_knob_that_stands_where_its_parameter_is_acts_at_once():
    stage = Stage(Binding(KNOB, ANGLE))
    assert len(stage.turn(74)) == 1


def test_faster_than_the_frames_a_knob_keeps_its_hold():
    stage = Stage(Binding(KNOB, ANGLE))
    stage.turn(74)
    for value in range(75, 100):  # the scene does not follow
        stage.surface.play(Moved(KNOB, value))
        stage.time += 0.001
    assert len(stage.fake.commands) == 26


def test_a_motor_needs_no_pickup_and_is_told_where_it_stands():
    stage = Stage(Binding(KNOB, "bend.@1.mix", pickup=False))
    assert stage.lights() == [(0xB0, 7, 127)]  # mix is 1
    assert stage.turn(64) == pytest.approx([64 / 127])
    stage.time += 1.0
    assert stage.lights() == [(0xB0, 7, 64)]
    assert stage.lights() == []
    stage.put("bend.swirl.mix", 0.0)
    assert stage.lights() == [(0xB0, 7, 0)]


def test_a_control_that_is_touched_is_not_sent_back():
    stage = Stage(Binding(KNOB, "bend.@1.mix", pickup=False))
    stage.turn(64)
    stage.time -= 0.9  # just after the touch
    assert stage.lights() == []


def test_a_part_of_the_range_may_be_turned_round():
    stage = Stage(Binding(KNOB, "bend.swirl.mix", low=1.0, high=0.5, pickup=False))
    assert stage.turn(0, 127) == pytest.approx([1.0, 0.5])


def test_encoders_go_on_from_where_the_parameter_is():
    stage = Stage(Binding(KNOB, ANGLE, "twos"))
    assert stage.turn(1, 127, 127) == pytest.approx([30 + 360 / 128, 30.0, 30 - 360 / 128])
    stage.put(ANGLE, 179.0)
    assert stage.turn(1) == pytest.approx([179 + 360 / 128])  # round and round
    stage = Stage(Binding(KNOB, "sampling.steps", "offset"))
    assert stage.turn(66, 63) == [2, 1]


def test_fine_controls_have_fourteen_bits():
    lower = Control("cc", 1, 39)
    stage = Stage(Binding(KNOB, "bend.swirl.mix", "fine", pickup=False))
    assert stage.turn(64) == pytest.approx([64 * 128 / 16_383])
    assert stage.turn(5, at=lower) == pytest.approx([(64 * 128 + 5) / 16_383])
    assert stage.turn(5, at=Control("cc", 2, 39)) == []


def test_pads_switch_hold_and_press():
    pad = Control("note", 10, 36)
    stage = Stage(Binding(pad, "bend.swirl.mute", lights=(3, 5)))
    assert stage.lights() == [(0x99, 36, 3)]
    assert stage.turn(100, 0, at=pad) == [True]
    assert stage.lights() == [(0x99, 36, 5)]
    assert stage.turn(100, 0, at=pad) == [False]
    assert Stage(Binding(pad, "bend.swirl.mute", "hold")).turn(9, 0, at=pad) == [True, False]
    assert Stage(Binding(pad, "bend.swirl.mix", "hold", 0.0, 0.5)).turn(9, 0, at=pad) == [0.5, 0.0]
    flip = Stage(Binding(KNOB, "bend.swirl.mix", "toggle", 0.25, 1.0))
    assert flip.turn(127, 0, 127, 0) == [0.25, 1.0]


def test_choices_go_by_position_or_one_on_at_a_press():
    choices = paths.find(DUB, "sampling.sampler").choices
    stage = Stage(Binding(KNOB, "sampling.sampler"))
    assert stage.turn(0, 127) == [choices[0], choices[-1]]
    pad = Control("note", 1, 1)
    stage = Stage(Binding(pad, "sampling.sampler"))
    assert stage.turn(1, 0, 1, 0, at=pad) == list(choices[1:3])


def test_actions_and_the_display():
    black, panic, slot = (Control("note", 1, n) for n in range(3))
    stage = Stage(
        Binding(black, "blackout", "hold", lights=(0, 1)), Binding(panic, "panic"),
        Binding(slot, "preset.2"), Binding(KNOB, "output.brightness", pickup=False),
        Binding(Control("cc", 1, 8), "freeze"),
    )  # fmt: skip
    stage.turn(9, 0, at=black)
    stage.turn(9, 0, at=panic)
    stage.turn(9, 0, at=slot)
    stage.turn(127)
    stage.turn(127, 100, 0, 127, at=Control("cc", 1, 8))  # pressed twice
    assert stage.fake.shown == [
        ("blackout", True), ("blackout", False), ("brightness", 1.0), ("freeze", None),
        ("freeze", None),
    ]  # fmt: skip
    assert [type(c) for c in stage.fake.commands] == [Panic, Load]
    stage.view = View(blackout=True)
    assert (0x90, 0, 1) in stage.lights()


def test_a_program_change_recalls_a_preset():
    stage = Stage()
    stage.turn(1, at=Control("program", 5))
    (load,) = stage.fake.commands
    assert isinstance(load, Load)
    assert load.scene == STORM


def test_what_a_scene_does_not_have_is_no_fault():
    stage = Stage(Binding(KNOB, "bend.@7.mix", pickup=False))
    assert stage.turn(5) == []
    assert stage.lights() == [(0xB0, 7, 0)]


# ---- profiles


@pytest.mark.parametrize(
    ("port", "name"),
    [
        ("nanoKONTROL2:nanoKONTROL2 nanoKONTROL2 _ CTR 20:0", "nanoKONTROL2"),
        ("MIDI Mix:MIDI Mix MIDI 1 128:0", "MIDI Mix"),
        ("APC40 mkII", "APC40 mkII"),
    ],
)
def test_a_device_is_known_by_its_name_wherever_it_is_plugged_in(port, name):
    assert device_of(port) == name


@pytest.mark.parametrize(
    ("device", "title"),
    [
        ("nanoKONTROL2", "Korg nanoKONTROL2"),
        ("MIDI Mix", "Akai MIDImix"),
        ("APC40 mkII", "Akai APC40 mkII"),
        ("Launchpad MK2", "Novation Launchpad MK2"),
        ("Launchpad S", "Novation Launchpad S"),
        ("Midi Fighter Twister", "DJ TechTools Midi Fighter Twister"),
        ("Other", "Other"),
    ],
)
def test_common_devices_have_a_profile(device, title):
    assert profile_of(device, Display.specs).title == title


def test_shipped_profiles_play_every_target_they_name():
    for profile in profiles.shipped(Display.specs):
        assert profile.bindings
        assert len({b.at for b in profile.bindings}) == len(profile.bindings), profile.title
        stage = Stage(*profile.bindings)
        for binding in profile.bindings:
            stage.turn(127, 0, at=binding.at)
        paths_set = [c.path for c in stage.fake.commands if isinstance(c, Set)]
        assert any(path.startswith("bend.swirl.") for path in paths_set)
        assert "freeze" in dict(stage.fake.shown) or "Twister" in profile.title


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("controls = 3", "expected a list"),
        ('controls = [{at = "cc.1.1"}]', "target None"),
        ('controls = [{at = "cc.1.1", to = "bend.@1.main", mod = "x"}]', "did you mean 'mode'"),
        ('controls = [{at = "cc.1.1", to = "seed", mode = "rel"}]', "mode of cc.1.1"),
        ('controls = [{at = "cc.1.1", to = "seed", low = 2}]', "expected 0..1"),
        ('controls = [{at = "cc.1.1", to = "seed", lights = [1]}]', "off and on"),
        ('controls = [{at = "cc.1.1", to = "walk.radius", pickup = 1}]', "true or false"),
        ('controls = [{at = "cc.1.1", to = "output.blackuot"}]', "did you mean 'blackout'"),
        ('controls = [{at = "cc.1.1", to = "preset.70"}]', "slot 1..64"),
        ('controls = [{at = "cc.1.1", to = "../../x"}]', "target"),
        ('ports = "x"', "list of texts"),
        ("controls = [[", "not TOML"),
        ("controls = [" + '{at="cc.1.1",to="seed"},' * 513 + "]", "at most 512"),
    ],
)
def test_a_profile_with_a_mistake_says_which(tmp_path, text, words):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(PresetError, match=words) as told:
        read_profile(tmp_path / "mine.toml", Display.specs)
    assert "\n" not in str(told.value)
    assert "mine.toml" in str(told.value)


BINDINGS = st.builds(
    Binding,
    st.builds(Control, st.just("cc"), st.integers(1, 16), st.integers(0, 127)),
    st.sampled_from(["bend.@1.main", "panic", "output.brightness", "walk.radius"]),
    st.sampled_from(controls.MODES),
    st.floats(0, 1),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from([(), (0, 127)]),
)


@given(st.lists(BINDINGS, max_size=4).map(tuple))
def test_a_profile_is_read_as_it_was_written(bindings):
    profile = Profile("Mine", ("mine",), bindings)
    assert read_profile(profiles.save_profile("Mine", profile), Display.specs) == profile


@pytest.mark.parametrize("device", ["../../etc/passwd", "a/b\\c", "", "…", "x" * 500, "con\0"])
def test_no_name_of_a_port_is_a_path(home, device):
    file = profiles.save_profile(device, Profile(device))
    assert file.parent == home
    assert file.stem.replace("-", "").isalnum()


# ---- plugging in and out, and learning


class Show:
    """MIDI input turned by hand."""

    def __init__(self, *names: str, scene=DUB) -> None:
        self.ports, self.fake, self.said = FakePorts(*names), FakeDesk(scene), list[str]()
        view = partial(getattr, View())
        self.fake.desk = replace(self.fake.desk, output=Display.specs, view=view)
        self.time = 0.0
        self.midi = MidiInput(
            lambda: self.ports, self.fake.desk, self.said.append, now=lambda: self.time,
        )  # fmt: skip
        self.turn()

    def turn(self, seconds: float = 1.1) -> None:
        self.time += seconds
        self.midi.turn(0.0)

    def play(self, name: str, *messages: tuple[int, ...]) -> None:
        self.ports.play(name, *messages)
        self.turn(0.01)


def test_a_device_is_played_taken_out_and_back():
    show = Show("nanoKONTROL2:x 20:0")
    show.play("nanoKONTROL2:x 20:0", (0xB0, 0, 127))
    assert [c.path for c in show.fake.commands] == ["bend.swirl.mix"]
    assert show.midi.playing("bend.swirl.mix") == ["nanoKONTROL2 cc.1.0"]
    assert show.midi.playing("bend.swirl.i") == []
    show.ports.names.clear()
    show.turn()
    assert (show.midi.devices, show.midi.playing("bend.swirl.mix")) == ((), [])
    assert "is gone" in show.said[-1]
    show.ports.names.append("nanoKONTROL2:x 24:0")  # another number
    show.turn()
    assert show.midi.devices == ("nanoKONTROL2",)
    show.play("nanoKONTROL2:x 24:0", (0xB0, 0, 126))
    assert len(show.fake.commands) == 2


def test_without_a_midi_system_one_line_is_said():
    said: list[str] = []

    def no_system() -> FakePorts:
        raise Refused("MIDI: the system has none")

    midi = MidiInput(no_system, FakeDesk().desk, said.append)
    for _ in range(3):
        midi._look()
    assert said == ["MIDI: the system has none"]


def test_without_a_device_one_line_is_said():
    show = Show()
    show.turn()
    assert show.said == ["MIDI: no device; one that is plugged in is played at once"]


def test_a_control_is_learnt_kept_and_forgotten(home):
    show = Show("Box")
    show.midi.learn(ANGLE)
    show.turn()
    assert show.midi.waiting == ANGLE
    show.play("Box", (0xB0, 9, 60), (0xB0, 9, 61), (0xB0, 9, 62))
    show.turn()
    assert show.midi.waiting == ""
    assert f"{ANGLE} is played by Box, cc.1.9" in show.said[-2]
    show.play("Box", (0xB0, 9, 74))
    assert [c.path for c in show.fake.commands] == [ANGLE]
    assert "cc.1.9" in (home / "box.toml").read_text()
    again = Show("Box")  # another show
    again.play("Box", (0xB0, 9, 74))
    assert len(again.fake.commands) == 1
    again.midi.forget(ANGLE)
    again.turn()
    again.play("Box", (0xB0, 9, 75))
    assert len(again.fake.commands) == 1


def test_learning_on_a_known_device_keeps_the_rest_of_its_profile(home):
    show = Show("MIDI Mix")
    show.midi.learn("seed")
    show.turn()
    show.play("MIDI Mix", (0xB0, 19, 1), (0xB0, 19, 2))
    show.turn()
    learnt = profile_of("MIDI Mix", Display.specs)
    assert [b.to for b in learnt.bound(Control("cc", 1, 19))] == ["seed"]
    assert [b.to for b in learnt.bound(Control("cc", 1, 23))] == ["bend.@2.mix"]


def test_what_no_control_can_play_is_not_learnt():
    show = Show("Box")
    for target, words in {
        "prompt.text": "a text", "bend.@5.mix": "not so many", "blckout": "did you mean 'blackout'",
        "bend.swrl.mix": "did you mean",
    }.items():  # fmt: skip
        with pytest.raises(Refused, match=words):
            show.midi.learn(target)


def test_a_pad_is_learnt_at_its_press_and_not_by_one_that_is_let_go():
    show = Show("Pads")
    show.midi.learn("tap")
    show.turn()
    show.play("Pads", (0x80, 1, 0), (0x99, 36, 100))
    assert profile_of("Pads", Display.specs).bindings == (Binding(Control("note", 10, 36), "tap"),)


def test_a_profile_with_a_mistake_does_not_stop_the_show(home):
    home.mkdir()
    (home / "box.toml").write_text("controls = 1")
    show = Show("Box")
    assert any("expected a list" in line for line in show.said)
    assert show.midi.devices == ("Box",)


def test_a_light_that_fails_is_given_up_and_the_knobs_go_on():
    show = Show("Launchpad MK2")
    assert (0x90, 19, 0) in show.ports.outs["Launchpad MK2"].sent
    show.ports.outs["Launchpad MK2"].is_gone = True
    show.midi._devices["Launchpad MK2"].surface.relight()
    show.turn()
    assert "not lit any more" in show.said[-1]
    show.play("Launchpad MK2", (0x90, 71, 100))
    assert [c.path for c in show.fake.commands] == ["bend.swirl.mute"]


def test_a_message_that_cannot_be_played_is_reported_once():
    show = Show("Box")
    device = show.midi._devices["Box"]
    device.surface.profile = Profile("Box", (), (Binding(KNOB, "prompt.text"),))
    for value in range(9):
        show.play("Box", (0xB0, 7, value))
    assert [line for line in show.said if "plays numbers only" in line] == [
        "MIDI: Box, cc.1.7: prompt.text: no number, and cc.1.7 plays numbers only"
    ]


def test_real_ports_play_learn_light_and_come_back():
    """mido's socket ports, with real messages over TCP."""
    import mido  # noqa: PLC0415 - for tests only

    ports, fake, said = SocketPorts(), FakeDesk(), list[str]()
    desk = replace(fake.desk, output=Display.specs, view=partial(getattr, View()))
    midi = MidiInput(lambda: ports, desk, said.append)
    knob = ports.plug_in()

    def until(done) -> None:
        for _ in range(200):
            midi._look_at = 0.0
            midi.turn(0.02)
            if done():
                return
        raise AssertionError(said)

    until(lambda: midi.devices)
    midi.learn("bend.swirl.mix")
    until(lambda: midi.waiting)
    for value in (120, 121, 122, 123, 124, 125):
        knob.send(mido.Message("control_change", channel=2, control=20, value=value))
    until(lambda: not midi.waiting)
    knob.send(mido.Message("control_change", channel=2, control=20, value=127))
    until(lambda: fake.commands)
    assert fake.commands[0] == Set("bend.swirl.mix", 1.0)
    (device,) = midi._devices.values()
    device.surface.profile = Profile("x", (), (Binding(KNOB, "bend.swirl.mix", pickup=False),))
    shown: list[mido.Message] = []
    until(lambda: shown.extend(knob.iter_pending()) or shown)
    assert shown[0] == mido.Message("control_change", control=7, value=127)
    ports.unplug(knob)
    until(lambda: not midi.devices)
    back = ports.plug_in()
    until(lambda: midi.devices)
    ports.unplug(back)
    until(lambda: not midi.devices)
    ports.close()


def test_the_system_s_ports_open_or_say_what_is_missing():
    if Path("/dev/snd/seq").exists():
        assert isinstance(RtMidiPorts().inputs(), list)
    else:
        with pytest.raises(Refused, match=r"^MIDI: (the system has none|needs rtmidi2)"):
            RtMidiPorts()


def test_the_display_is_set_by_name():
    stage = Stage(Binding(KNOB, "output.fade", pickup=False))
    stage.turn(127)
    assert stage.fake.shown == [("fade", 5.0)]
    assert SetDisplay("fade", 5.0).what == "fade"


def test_devices_and_their_controls_are_listed(capsys, monkeypatch):
    monkeypatch.setattr(midi_listing, "RtMidiPorts", lambda: FakePorts("MIDI Mix:x 20:0"))
    assert main(["midi", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0] == {"device": "MIDI Mix", "here": "plugged in", "controls": 59}
    assert {"device": "Korg nanoKONTROL2", "here": "known", "controls": 46} in rows
    assert main(["midi", "nanoKONTROL2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"control": "cc.1.46", "does": "panic", "mode": "absolute"} in rows


def test_learning_is_asked_for_over_osc_and_by_the_key():
    asked: list[Learn] = []
    desk = replace(FakeDesk().desk, learn=asked.append)
    tree = tree_of(DUB, {})
    for arguments in (["/livebend/bend/swirl/angle"], ["bend.swirl.angle"]):
        desk.send(read("/livebend/midi/learn", arguments, tree, desk.bank).action)
    desk.send(read("/livebend/midi/forget", ["seed"], tree, desk.bank).action)
    assert asked == [Learn("bend.swirl.angle", by="midi")] * 2 + [Learn("seed", True, "midi")]
    assert not press(desk, "learn")  # nothing was touched
    desk.send(Set("walk.radius", 0.5))
    assert press(desk, "learn")
    assert asked[-1] == Learn("walk.radius")


def test_without_midi_learning_is_refused_with_a_line():
    fake = FakeDesk()
    fake.desk.send(Set("walk.radius", 0.5))
    assert not press(fake.desk, "learn")
    assert fake.refused == ["learn: no MIDI device is listened to (--midi)"]
