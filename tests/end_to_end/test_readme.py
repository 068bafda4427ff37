"""Every command of the README works as it stands there (but shorter, and without a window)."""

import re
import shlex
import shutil
import subprocess
import threading

import av
import numpy as np
import pytest

from livebend.cli import operator_strips, tune
from livebend.cli.live_show import LiveOptions, LiveShow
from livebend.cli.main import main
from livebend.operators.library import all_operators
from livebend.scene import presets
from tests import ROOT
from tests.fakes.osc import free_port

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
LINES = [
    line.partition(" #")[0].strip()
    for language, block in BLOCKS
    if language == "bash"
    for line in block.splitlines()
    if line.strip()
]
OURS = [shlex.split(line)[1:] for line in LINES if line.startswith("scripts/livebend")]
SENT = [shlex.split(line) for line in LINES if line.startswith("oscsend")]
QUICK = ["--size", "64"]
LIVE = ["--headless", "--seconds", "0.5", "--osc", "127.0.0.1:0"]


@pytest.fixture
def folder(tmp_path, monkeypatch, own_operators):
    """A folder with what the commands name: a song, a preset of one's own, written-down cues."""
    monkeypatch.chdir(tmp_path)
    with av.open(str(tmp_path / "song.flac"), "w") as file:
        stream = file.add_stream("flac", rate=44100)
        tone = (8000 * np.sin(np.arange(44100) * 0.1)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = 44100
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    own = next(block for language, block in BLOCKS if language == "python" and "@operator" in block)
    (tmp_path / "mine.py").write_text(own)
    mine = next(block for language, block in BLOCKS if language == "toml")
    (tmp_path / "mine.toml").write_text(mine)
    (tmp_path / "show.txt").write_text("0.1 walk.radius 0.5\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_nothing_in_it_is_left_out():
    known = ("scripts/livebend", "scripts/test", "scripts/check", "scripts/bench",
             "scripts/soundcheck", "scripts/tiny/", "oscsend ")  # fmt: skip
    assert [line for line in LINES if not line.startswith(known)] == []
    assert len(OURS) > 10
    assert len(SENT) > 10


@pytest.fixture
def quick(monkeypatch):
    """Have tune measure one frame on one thread, and strips show three operators."""
    monkeypatch.setattr(tune, "ROUNDS", 1)
    monkeypatch.setattr(tune, "FRAMES", 1)
    monkeypatch.setattr(tune, "counts", lambda: (1,))
    some = {name: all_operators()[name] for name in ("rotate", "binary", "feedback")}
    monkeypatch.setattr(operator_strips, "all_operators", lambda: some)


@pytest.mark.parametrize("arguments", OURS, ids=" ".join)
def test_a_command(arguments, folder, quick, capsys):
    lists = ("devices", "presets", "operators", "sites", "prompts", "doctor")
    if arguments[:1] == ["render"]:
        arguments = [a for a in arguments if a != "512"]
        arguments = [a for a in arguments if a != "--size"] + [*QUICK, "--seconds", "0.3"]
    elif arguments[0:1] == ["tune"]:
        arguments = [*arguments[:2], "torch", *QUICK]  # the others are made for minutes
    elif arguments[:1] in (["sweep"], ["clusters"]) or "--image" in arguments:
        arguments = [*arguments, *QUICK]
    elif not arguments or arguments[0] not in lists:
        arguments = [*arguments, *QUICK, *LIVE]
    status = main(arguments)
    said = capsys.readouterr()
    if status and "loopback" in arguments:
        assert said.err.startswith("livebend: loopback")  # no sound system here, and it says so
    elif arguments[:1] != ["doctor"]:  # doctor's status is about the machine
        assert status == 0, said.err
    for made in ("show.mp4", "show.txt", "clip.mp4", "again.mp4"):
        assert made not in arguments or (folder / made).stat().st_size > 10


def test_the_preset_in_it_is_one(folder):
    scene = presets.load("mine.toml")
    assert (scene.bends[0].operator, scene.routes[0].high) == ("rotate", 120.0)


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools is not installed")
def test_osc_from_a_client_that_nobody_here_wrote():
    port = str(free_port())
    show = LiveShow(LiveOptions(size=(64, 64), headless=True, osc=f"127.0.0.1:{port}"))
    first, frames = threading.Event(), show.statistics.shown

    def shown(frame):
        frames(frame)
        first.set()

    show.statistics.shown = shown
    playing = threading.Thread(target=show.play, name="show", daemon=True)
    playing.start()
    assert first.wait(120)
    for line in SENT:
        subprocess.run([port if word == "8000" else word for word in line], check=True)
        if "ocean waves" in line:
            until(show, lambda scene: scene.prompt.text == "ocean waves")
    until(show, lambda scene: scene.title == presets.load("storm").title)
    show.stop.set()
    playing.join(30)
    assert show.osc.counts.messages == len(SENT)
    assert (show.osc.counts.refused, show.osc.counts.garbage) == (0, 0)
    assert show.display.view.blackout is False


def until(show, condition) -> None:
    """Wait until the render thread has published such a scene, at most 30 s."""
    version, scene = show.scenes.wait_newer(-1)
    for _ in range(3000):
        if condition(scene):
            return
        version, scene = show.scenes.wait_newer(version, 0.01)
    raise AssertionError("the scene did not come to that")
