"""Displays that go and come back: beside a real X server with two of them, and beside none."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from livebend.core.errors import OutOfRange, UnknownName
from livebend.outputs.display import Display, further_indices, index_of, wanted_index
from livebend.outputs.monitors import Monitor, joined
from livebend.outputs.operator_window import KeptPlaces
from tests import ROOT
from tests.fakes.eyes import Eyes, x_server
from tests.fakes.osc import datagram, free_port
from tests.fakes.processes import Processes
from tests.fakes.screens import LAPTOP, PROJECTOR, Screens

COLOUR = (20, 110, 60)
PRESET = """
[prompt]
text = "a red orb"
[bend.b]
operator = "paint"
site = "image"
normalise = "none"
"""
PAINT = f"""
import torch

from livebend.operators.registry import operator


@operator("test")
def paint(x):
    '''Paint one colour.'''
    colour = torch.tensor({COLOUR}, dtype=x.dtype) / 127.5 - 1.0
    return torch.ones_like(x) * colour.view(1, 3, 1, 1) if x.shape[1] == 3 else x
"""


# ---- which display


def test_displays_that_show_the_same_are_one_and_no_name_is_there_twice():
    found = [
        Monitor("eDP-1", 0, 0, 1920, 1080),
        Monitor("HDMI-1", 0, 0, 1920, 1080),
        Monitor("Projector", 1920, 0, 1280, 720),
        Monitor("Projector", 3200, 0, 1280, 720),
        Monitor("", 4480, 0, 1280, 720),
    ]
    names = [one.name for one in joined(found)]
    assert names == ["eDP-1+HDMI-1", "Projector", "Projector 2", "display"]
    assert [index_of(name, names) for name in ("HDMI-1", "Projector 2", "VGA")] == [0, 2, None]


@pytest.mark.parametrize(
    ("given", "index"), [("HDMI-1", 1), ("0", 0), ("1", 1), ("-1", -1), ("eDP-1", 0)]
)
def test_a_display_is_named_or_numbered(given, index):
    assert wanted_index(given, ["eDP-1", "HDMI-1"]) == index


def test_a_display_that_is_not_there_is_refused_with_those_that_are():
    names = ["eDP-1", "HDMI-1"]
    with pytest.raises(UnknownName, match="unknown display 'HDMI1'; did you mean 'HDMI-1'"):
        wanted_index("HDMI1", names)
    with pytest.raises(OutOfRange, match=r"--display 2: expected 0\.\.1, eDP-1, HDMI-1"):
        wanted_index("2", names)


def test_further_displays_are_named_numbered_or_all():
    names = ["eDP-1", "HDMI-1", "HDMI-2"]
    assert further_indices("", names, 1) == []
    assert further_indices("all", names, 1) == [0, 2]
    assert further_indices("HDMI-2, 0", names, 1) == [0, 2]
    assert further_indices("HDMI-1,-1", names, 1) == [2]
    with pytest.raises(UnknownName, match="unknown display 'DP-1'"):
        further_indices("DP-1", names, 0)
    with pytest.raises(OutOfRange, match=r"output.also 3: expected 0\.\.2"):
        further_indices("0,3", names, 0)


def shown(display: Display, *names: str) -> str:
    display.found(names)
    return display.names[display.shown_on] if names else ""


def test_the_picture_comes_home_whatever_else_comes():
    display = Display()
    assert shown(display, "laptop") == "laptop"
    assert shown(display, "laptop", "projector") == "projector"
    assert shown(display, "laptop") == "laptop"
    assert shown(display) == ""
    assert shown(display, "laptop", "projector", "screen") == "projector"
    assert shown(display, "laptop", "screen") == "screen"
    assert shown(display, "screen", "projector", "laptop") == "projector"


def test_a_display_that_was_asked_for_stays_the_home():
    display = Display()
    display.found(["laptop", "projector"])
    display.set("display", 0)
    assert shown(display, "projector") == "projector"
    assert shown(display, "projector", "laptop") == "laptop"
    assert shown(display, "laptop", "projector", "screen") == "laptop"


# ---- the operator's window

LARGE, SMALL = Monitor("large", 0, 0, 1920, 1080), Monitor("small", 1920, 0, 1024, 768)


@pytest.mark.parametrize("monitor", [LARGE, SMALL])
def test_the_operators_window_is_seen_whole(tmp_path, monitor):
    x, y, wide, high = KeptPlaces(tmp_path / "none.json").place(monitor)
    assert x >= 0.02 * monitor.width
    assert y >= 0.07 * monitor.height
    assert x + wide <= 0.98 * monitor.width
    assert y + high <= 0.93 * monitor.height


def test_the_operators_window_remembers_its_place_on_each_display(tmp_path):
    file = tmp_path / "state" / "windows.json"
    KeptPlaces(file).keep(LARGE, (700, 300, 900, 600))
    KeptPlaces(file).keep(SMALL, (10, 40, 500, 400))
    kept = KeptPlaces(file)
    assert kept.place(LARGE) == (700, 300, 900, 600)
    assert kept.place(SMALL) == (10, 40, 500, 400)
    assert os.listdir(file.parent) == ["windows.json"]
    smaller = Monitor("large", 0, 0, 1024, 768)
    assert kept.place(smaller) == (124, 168, 900, 600)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"operator": 3}', '{"operator": {"large": [1, 2, 3]}}', "[" * 50_000,
     '{"operator": {"large": [1, 2, 3, "4"], "small": null}}', "x" * 100_000, "\0\xff",
     '{"operator": {"large": [1, 2, 3, 1e999]}}', '{"operator": {"large": [true, 2, 3, 4]}}'],
)  # fmt: skip
def test_a_file_of_places_that_is_of_no_use_is_none(tmp_path, text):
    (tmp_path / "windows.json").write_text(text)
    usual = KeptPlaces(tmp_path / "none.json").place(LARGE)
    assert KeptPlaces(tmp_path / "windows.json").place(LARGE) == usual


# ---- real displays


@pytest.fixture(scope="module")
def screens(tmp_path_factory) -> Iterator[Screens]:
    made = Screens(tmp_path_factory.mktemp("x"))
    yield made
    made.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.close()


def painted(screens: Screens, output: str) -> float:
    """How much of a display has the colour of the picture."""
    off = np.abs(screens.part(output).astype(int) - COLOUR).max(axis=2)
    return float((off < 12).mean())


def lit(screens: Screens, output: str) -> float:
    """How much of a display is not black."""
    return float((screens.part(output).max(axis=2) > 4).mean())


@pytest.mark.slow
def test_a_picture_goes_to_safety_and_comes_home(
    screens, processes, model_folder, tmp_path, monkeypatch
):
    """The projector is switched off and on, then the laptop's display, then both."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    screens.turn_on(LAPTOP, PROJECTOR)
    (tmp_path / "mine.py").write_text(PAINT)
    (tmp_path / "plain.toml").write_text(PRESET)
    arguments = [
        "live", "--model", str(model_folder("turbo")), "--backend", "torch", "--size", "112x64",
        "--preset", "plain.toml", "--operators", "mine.py", "--fps", "12", "--osc", "127.0.0.1:0",
        "--stats", "stats.json", "--fullscreen", "--display", PROJECTOR,
    ]  # fmt: skip
    show = processes.start(tmp_path, arguments, screens.name)

    def both():
        assert processes.status(show, 0.01) is None, (tmp_path / "err.txt").read_text()
        return painted(screens, PROJECTOR) > 0.95 and 0.3 < lit(screens, LAPTOP) < 1.0

    def alone(output):
        screens.until(lambda: painted(screens, output) > 0.7)  # the rest is bars above and below
        assert processes.status(show, 0.7) is None  # longer than between two looks at displays

    screens.until(both, 60)
    assert painted(screens, LAPTOP) == 0.0
    screens.turn_off(PROJECTOR)
    alone(LAPTOP)
    assert {tuple(line) for line in screens.part(LAPTOP)[:, ::64].reshape(-1, 3).tolist()} == {
        COLOUR,
        (0, 0, 0),
    }  # nothing lies over it
    screens.turn_on(LAPTOP, PROJECTOR)
    screens.until(both)
    screens.turn_off(LAPTOP)
    alone(PROJECTOR)
    screens.turn_on(LAPTOP, PROJECTOR)
    screens.until(both)
    screens.turn_off(LAPTOP, PROJECTOR)
    assert processes.status(show, 1.5) is None
    screens.turn_on(LAPTOP)
    alone(LAPTOP)
    screens.turn_on(LAPTOP, PROJECTOR)
    screens.until(both)
    os.kill(show, signal.SIGTERM)
    assert processes.status(show, 20.0) == 0, (tmp_path / "err.txt").read_text()
    notices = [n["text"] for n in json.loads((tmp_path / "stats.json").read_text())["notices"]]
    for said in (
        f"display {PROJECTOR} is gone: the picture is on {LAPTOP}",
        f"display {PROJECTOR} is back: the picture is on {PROJECTOR}",
        f"display {LAPTOP} is gone: the picture is on {PROJECTOR}",
        f"display {LAPTOP} is gone: no display is left, and the show goes on without one",
    ):
        assert said in notices


@pytest.mark.slow
def test_without_a_window_manager_a_picture_fills_both_displays(
    processes, model_folder, tmp_path, monkeypatch
):
    """Two displays of a bare X server: in full screen, as a window, and in full screen again."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "mine.py").write_text(PAINT)
    (tmp_path / "plain.toml").write_text(PRESET)
    port = free_port()
    arguments = [
        "live", "--model", str(model_folder("turbo")), "--backend", "torch", "--preset",
        "plain.toml", "--operators", "mine.py", "--fps", "12", "--osc", f"127.0.0.1:{port}",
        "--fullscreen", "--display", "right", "--set", "output.also=left",
        "--set", "output.fit=fill",
    ]  # fmt: skip
    with x_server() as (_, name), Eyes(name) as eyes:
        for side, place, output in (("left", "0+0", "screen"), ("right", "512+0", "none")):
            _set_monitor(name, side, f"512/135x768/203+{place}", output)
        show = processes.start(tmp_path, arguments, name)

        def coloured(x: int) -> float:
            off = np.abs(eyes.picture(x, 0, 512, 768).astype(int) - COLOUR).max(axis=2)
            return float((off < 12).mean())

        def until(condition) -> None:
            for _ in range(600):
                if condition():
                    return
                assert processes.status(show, 0.1) is None, (tmp_path / "err.txt").read_text()
            raise AssertionError((coloured(0), coloured(512)))

        def set_full(on: int) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(datagram("/livebend/output/fullscreen", on), ("127.0.0.1", port))

        until(lambda: coloured(0) == coloured(512) == 1.0)
        set_full(0)
        until(lambda: coloured(0) == 1.0 and 0.2 < coloured(512) < 0.8)
        set_full(1)
        until(lambda: coloured(0) == coloured(512) == 1.0)


def _set_monitor(display: str, name: str, place: str, output: str) -> None:
    """Divide the one output of an X server into several displays."""
    if shutil.which("xrandr") is None:
        pytest.skip("no xrandr")
    command = ["xrandr", "--setmonitor", name, place, output]
    subprocess.run(command, env=os.environ | {"DISPLAY": display}, check=True)


@pytest.mark.slow
def test_doctor_names_the_displays_and_live_an_unknown_one(screens, tmp_path):
    screens.turn_on(LAPTOP, PROJECTOR)
    env = {k: v for k, v in os.environ.items() if k != "SDL_VIDEODRIVER"} | {
        "DISPLAY": screens.name
    }
    code = "from livebend.cli.doctor import devices; print(devices.display().found)"
    assert _said([sys.executable, "-c", code], env, tmp_path).stdout == (
        "0 DUMMY0 1024x768, 1 DUMMY1 1280x720 (x11); the picture is on DUMMY1\n"
    )
    command = [sys.executable, "-m", "livebend.cli.main", "--display", "DUMY1"]
    done = _said(command, env, tmp_path)
    assert done.returncode == 1
    assert done.stderr == "livebend: unknown display 'DUMY1'; did you mean 'DUMMY1'?\n"


def _said(command: list[str], env: dict[str, str], folder: Path) -> subprocess.CompletedProcess:
    env = env | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.slow
def test_two_projectors_show_one_picture_and_one_that_goes_leaves_it_to_the_other(
    screens, processes, model_folder, tmp_path, monkeypatch
):
    """The picture spans both displays, has their shape, and fades where they overlap."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    screens.turn_on(LAPTOP, PROJECTOR)
    (tmp_path / "mine.py").write_text(PAINT)
    (tmp_path / "plain.toml").write_text(PRESET)
    arguments = [
        "live", "--model", str(model_folder("turbo")), "--backend", "torch", "--preset",
        "plain.toml", "--operators", "mine.py", "--fps", "12", "--osc", "127.0.0.1:0",
        "--fullscreen", "--display", PROJECTOR, "--set", "output.also=all",
        "--set", "output.span=true", "--set", "output.overlap=0.1", "--set", "output.fit=fill",
    ]  # fmt: skip
    show = processes.start(tmp_path, arguments, screens.name)

    def both():
        assert processes.status(show, 0.01) is None, (tmp_path / "err.txt").read_text()
        return painted(screens, PROJECTOR) > 0.85 and painted(screens, LAPTOP) > 0.85

    screens.until(both, 120)
    assert screens.part(LAPTOP)[:, -2].max() < 60
    assert screens.part(PROJECTOR)[:700, 1].max() < 60
    screens.turn_off(LAPTOP)
    screens.until(lambda: painted(screens, PROJECTOR) > 0.98)
    assert processes.status(show, 0.7) is None
    screens.turn_on(LAPTOP, PROJECTOR)
    screens.until(both, 60)
