"""`livebend check`: every finding with a fake in place of the machine, and a whole page."""

import json
import os
import socket
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest

from livebend.cli import check
from livebend.cli.doctor.findings import Finding, as_text
from livebend.cli.doctor.questions import NoAnswer
from livebend.cli.main import main, parser
from livebend.cli.power import Power, of_linux, of_macos
from livebend.cli.rehearsal import SoundMeter, told
from livebend.control.osc_endpoint import listen
from livebend.control.rig.leader import Leader
from livebend.control.rig.messages import Opening, bytes_of
from tests import ROOT
from tests.fakes.osc import free_port

MIDI = {"names": ["nanoKONTROL2"], "refused": ""}
Disk = namedtuple("Disk", "total used free")


def given(*more: str) -> dict[str, object]:
    """The options of a command line."""
    found = vars(parser().parse_args(["check", "--headless", "--osc", f"{free_port()}", *more]))
    return {name: value for name, value in found.items() if name != "command"}


def levels(*channels: float, clipped: int = 0) -> dict[str, object]:
    """What a meter says of channels with these peaks in dB."""
    return {"peak": [*channels], "rms": [peak - 12 for peak in channels], "clipped": clipped}


def report(p95: float = 20.0, frames: int = 240, **more: object) -> dict[str, object]:
    """The figures of a show."""
    figures = {"frames_generated": frames, "fps": 30.0, "engine": "torch", "notices": []}
    return {**figures, "frame_ms": {"p50": 9.0, "p95": p95, "p99": 99.0}, **more}


def answer(**more: object) -> dict[str, object]:
    """What a rehearsal of 8 s tells."""
    whole = {"report": report(), "sound": levels(-6.0), "began": 3.0, "bytes": 8_000_000}
    return {**whole, **more}


# ---- sound


@pytest.mark.parametrize(
    ("heard", "ok", "words"),
    [
        (levels(-6.0, -7.0), True, "peak -6, -7 dB"),
        (levels(-6.0), True, "peak -6 dB, rms -18 dB"),
        (levels(-80.0, -120.0), False, "silence"),
        (levels(), False, "silence"),
        (levels(0.0, -1.0, clipped=500), False, "it clips"),
        (levels(0.0, -1.0, clipped=3), True, "peak 0, -1 dB"),
        (levels(-120.0, -9.0), None, "channel 2 alone sounds"),
        (levels(-50.0, -52.0), None, "faint"),
    ],
)
def test_sound_is_judged(heard, ok, words):
    found = check.sound("Scarlett", heard)
    assert found.ok is ok
    assert words in found.found
    assert bool(found.advice) is (ok is not True)


def test_an_input_that_is_lost_is_red():
    found = check.sound("usb", levels(-120.0), ["usb is lost (no sound arrives): silence"])
    assert (found.ok, found.found) == (False, "usb is lost (no sound arrives): silence")


def test_channels_are_measured_each_also_when_one_goes():
    meter = SoundMeter()
    meter.add(np.zeros((1, 100), np.float32))
    both = np.stack((np.full(100, 0.5), np.full(100, np.nan))).astype(np.float32)
    meter.add(both)
    meter.add(np.ones((1, 50), np.float32))
    found = meter.report()
    assert found["peak"] == [0.0, -120.0]
    assert found["rms"][0] == pytest.approx(10 * np.log10((25 + 50) / 250), abs=0.1)
    assert found["clipped"] == 50


# ---- frames, disk, port, power, notices


@pytest.mark.parametrize(("target", "ok"), [(None, True), (50.0, False), (80.0, True)])
def test_frames_are_held_against_what_was_asked_for(target, ok):
    found = check.frames(report(p95=60.0), target)
    assert found.ok is ok
    assert "95 of 100 took up to 60 ms" in found.found


def test_no_frame_is_red():
    assert check.frames(report(frames=0), None).ok is False


@pytest.mark.parametrize(
    ("hours", "more", "ok"),
    [("2", ("--record", "x.mp4"), True), ("3", ("--record", "x.mp4"), False), ("3", (), None)],
)
def test_a_disk_has_room_for_so_many_hours(monkeypatch, tmp_path, hours, more, ok):
    monkeypatch.setattr(check.shutil, "disk_usage", lambda _: Disk(0, 0, 9e9))  # 2.5 h at 1 MB/s
    found = check.disk(tmp_path, 8_000_000, 8.0, given("--hours", hours, *more))
    assert found.ok is ok
    assert "room for 2.5 h" in found.found


def test_a_port_that_is_taken_is_red():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        found = check.port(address)
    assert found.ok is False
    assert address in found.found
    assert check.port(address).ok
    assert check.port("nonsense").ok is False
    assert check.port("no.such.host.invalid:8000").ok is False


@pytest.mark.parametrize(
    ("wanted", "ok"), [("off", True), ("auto", True), ("kontrol", True), ("Launchpad", False)]
)
def test_a_midi_device_that_is_named_and_not_there_is_red(wanted, ok):
    found = check.midi(wanted, lambda *_: MIDI)
    assert found.ok is ok
    assert ("nanoKONTROL2" in found.found) is (wanted != "off")


@pytest.mark.parametrize(
    ("found", "ok", "words"),
    [
        (Power(), True, "no battery is in use"),
        (Power(57, on_battery=True), False, "on battery, battery at 57 %"),
        (Power(99, saves=True), None, "saves power"),
    ],
)
def test_a_battery_in_use_is_red(found, ok, words):
    shown = check.supply(found)
    assert shown.ok is ok
    assert words in shown.found


def test_what_linux_says_of_its_batteries(tmp_path):
    assert of_linux(tmp_path / "none", tmp_path / "none") == Power()
    for name, texts in {
        "BAT0": {"type": "Battery", "status": "Discharging", "capacity": "57"},
        "mouse": {"type": "Battery", "status": "Discharging", "capacity": "3", "scope": "Device"},
        "AC": {"type": "Mains", "online": "0"},
    }.items():
        (tmp_path / "s" / name).mkdir(parents=True)
        for key, text in texts.items():
            (tmp_path / "s" / name / key).write_text(f"{text}\n")
    (tmp_path / "profile").write_text("low-power\n")
    assert of_linux(tmp_path / "s", tmp_path / "profile") == Power(57, True, True)


def test_what_macos_says_of_its_battery():
    said = {
        ("pmset", "-g", "batt"): "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)"
        "\t83%; discharging; 4:10 remaining present: true\n",
        ("pmset", "-g"): "System-wide power settings:\n lowpowermode         1\n sleep 1\n",
    }
    assert of_macos(lambda *command: said[command]) == Power(83, True, True)
    assert of_macos(lambda *command: "") == Power()


def test_warnings_are_shown_and_errors_are_red():
    notices = [
        {"level": "info", "text": "listening"},
        {"level": "warning", "text": "clamped"},
        {"level": "error", "text": "broken"},
        {"level": "info", "text": "usb is lost"},
        {"level": "info", "text": "usb loses 30% of its sound"},
    ]
    found = check.told(notices, "usb", ["usb is lost"])
    assert [(one.found, one.ok) for one in found] == [
        ("clamped", None), ("broken", False), ("usb loses 30% of its sound", None),
    ]  # fmt: skip


# ---- the whole


def test_a_page_has_everything(tmp_path):
    asked = []

    def ask(question, timeout):
        asked.append(timeout)
        return MIDI if "RtMidi" in question else answer()

    whole = given("--record", str(tmp_path / "show.mp4"), "--set", "walk.radius=0.5")
    findings = check.examine(whole, ask)
    names = ["model", "frames", "sound", "disk", "display", "OSC", "MIDI", "power"]
    assert [one.what for one in findings] == names
    assert asked == [check.REHEARSAL, check.LOOK]
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_that_hangs_or_dies_is_a_red_line(tmp_path):
    def ask(question, timeout):
        raise NoAnswer("no answer within 45 s")

    findings = check.examine(given("--record", str(tmp_path / "none" / "show.mp4")), ask)
    assert [(one.what, one.ok) for one in findings][:2] == [("--record", False), ("show", False)]
    assert "does not exist" in findings[0].found


# ---- the leader

KEY = "a key of a test, long enough"
OURS = Opening("livebend 1, torch", (64, 64), {"model": "1"})


@pytest.mark.parametrize(
    ("leaders", "rehearsed", "ok", "words"),
    [
        (OURS, OURS, True, "is there and knows the key; the same model and engine"),
        (replace(OURS, size=(64, 96)), OURS, None, "size: 64x96, here 64x64"),
        (replace(OURS, made="openvino"), OURS, None, "made by: openvino, here livebend 1, torch"),
        (replace(OURS, material={"model": "2"}), OURS, None, "another model"),
        (OURS, None, None, "whether it plays on the same is not known"),
    ],
)
def test_a_leader_is_met_and_compared(tmp_path, leaders, rehearsed, ok, words):
    (tmp_path / "show.key").write_text(KEY)
    listening = listen("127.0.0.1", 0, print, what="rig", option="--lead", kind=socket.SOCK_STREAM)
    told = []
    leader = Leader(listening, KEY.encode(), leaders, str, notify=told.append).start()
    try:
        follows = given(
            "--follow", f"127.0.0.1:{leader.address[1]}", "--key", f"{tmp_path}/show.key"
        )
        opening = bytes_of(rehearsed).decode() if rehearsed else None
        (found,) = check.leader(follows, answer(opening=opening))
        assert (found.ok, bool(found.advice)) == (ok, ok is None and rehearsed is not None)
        assert found.found.endswith(words)
        (tmp_path / "show.key").write_text("another key, that is long too")
        (found,) = check.leader(follows, answer())
        assert not found.ok
        assert found.found.endswith("has another key, or no room")
    finally:
        leader.stop()


def test_a_leader_that_is_not_there_or_has_no_key_is_red(tmp_path):
    assert check.leader(given(), answer()) == []
    (tmp_path / "show.key").write_text(KEY)
    port = free_port()
    for key, words in (("show.key", "no leader at 127.0.0.1"), ("none.key", "No such file")):
        more = ("--follow", f"127.0.0.1:{port}", "--key", str(tmp_path / key))
        (found,) = check.leader(given(*more), answer())
        assert found.ok is False
        assert words in found.found


def test_what_is_kept_of_the_room_is_named_or_red(monkeypatch, tmp_path):
    monkeypatch.setattr(check, "room_file", lambda: tmp_path / "room.toml")
    options = given() | {"headless": False}
    assert check.room(options) == []
    (tmp_path / "room.toml").write_text("gap = 0.1\nrotate = 90\n")
    assert check.room(options) == [Finding("room", "2 settings are kept of it")]
    (tmp_path / "room.toml").write_text("gap = 7\n")
    (found,) = check.room(options)
    assert (found.ok, "expected 0..1" in found.found) == (False, True)


def test_what_is_asked_of_the_display(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    two = {"driver": "x11", "displays": [["eDP-1", 1920, 1080], ["HDMI-1", 1280, 720]]}
    wanted = {**given(), "headless": False}
    found = [check.display({**wanted, "display": on}, lambda *_: two) for on in ("HDMI-1", "DP-1")]
    assert [one.ok for one in found] == [True, False]
    assert found[0].found.endswith("; the picture is on HDMI-1")
    assert "did you mean" in found[1].found
    none = check.display(wanted, lambda *_: {"driver": "x11", "displays": []})
    assert none.ok is False


def test_colour_is_for_a_terminal():
    findings = [Finding("a", "b"), Finding("c", "d", False), Finding("e", "f", None)]
    assert "\033" not in as_text(findings)
    coloured = as_text(findings, coloured=True).splitlines()
    assert [line[:5] for line in coloured] == ["\033[32m", "\033[31m", "\033[33m"]


def test_the_status_is_1_where_something_is_red(monkeypatch, capsys):
    for status, red in ((0, None), (1, False)):
        monkeypatch.setattr(check, "examine", lambda _, red=red: [Finding("a", "b", red)])
        assert main(["check", "--headless"]) == status
    assert main(["check", "--hours", "0"]) == 1
    assert "--hours 0" in capsys.readouterr().err


def test_a_check_takes_every_option_of_live():
    actions = next(a for a in parser()._actions if a.choices).choices
    options = {
        name: {o for a in p._actions for o in a.option_strings} for name, p in actions.items()
    }
    assert options["check"] - options["live"] == {"--hours"}
    assert options["live"] <= options["check"]


def test_a_real_rehearsal_plays_what_the_line_says(monkeypatch, model_folder, tmp_path):
    monkeypatch.setattr("livebend.cli.rehearsal.SECONDS", 0.5)
    (tmp_path / "test.toml").write_text('[prompt]\ntext = "a red orb"\n')
    whole = given(
        "--model", str(model_folder("turbo")), "--backend", "torch", "--size", "64x64",
        "--preset", str(tmp_path / "test.toml"), "--fps", "8", "--record", "x.mp4",
    )  # fmt: skip
    text = json.dumps(whole, default=str)
    said = json.loads(told(text, str(tmp_path / "film.mp4")))
    assert said["report"]["frames_generated"] >= 1
    assert said["sound"]["peak"]
    assert said["bytes"] > 100
    assert said["began"] > 0
    bad = json.dumps({**whole, "preset": "nonsense"}, default=str)
    assert "nonsense" in json.loads(told(bad, str(tmp_path / "film.mp4")))["refused"]


@pytest.mark.slow
def test_a_real_check_ends_within_a_minute_and_never_with_a_traceback(tmp_path, model_folder):
    (tmp_path / "mine.py").write_text("raise SystemError('bad')\n")
    line = ["--headless", "--osc", f"{free_port()}", "--model", str(model_folder("turbo")),
            "--backend", "torch", "--size", "64", "--record", str(tmp_path / "a.mp4")]  # fmt: skip
    found = check.examine(given(*line))
    assert [one for one in found if one.ok is False and one.what not in ("frames", "power")] == []
    command = [sys.executable, "-m", "livebend.cli.main", "check", *line]
    for more in (["--preset", "none"], ["--input", "none.wav"], ["--operators", "mine.py"]):
        done = subprocess.run(
            [*command, *more], capture_output=True, text=True, check=False, cwd=tmp_path,
            timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 1
        assert "Traceback" not in done.stdout + done.stderr
