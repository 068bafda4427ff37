"""Whatever ends a show, what was played is kept: real processes, real signals, real files."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import pytest

from livebend.cli.live_options import LiveOptions
from livebend.control.cues import CueRecorder, Cues
from livebend.core.errors import LivebendError
from livebend.outputs.kept_file import KeptFile
from tests import ROOT
from tests.fakes import eyes, guards
from tests.fakes.live import live, played
from tests.fakes.osc import datagram, free_port
from tests.fakes.processes import Processes, ShowProcess

HANGS = """
import threading
from pathlib import Path

from livebend.operators.registry import operator


@operator("test")
def hang(x):
    if Path("hang").exists():
        Path("hung").touch()
        threading.Event().wait(1000)
    return x
"""


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shows(processes, model_folder, tmp_path_factory) -> dict[str, ShowProcess]:
    """A show for each end; all play at the same time, and have taken a command."""
    names = ("SIGTERM", "SIGHUP", "SIGINT", "SIGKILL")
    made = {
        name: ShowProcess(processes, tmp_path_factory.mktemp(name), model_folder("turbo"))
        for name in names
    }
    for show in made.values():
        show.until(lambda show=show: show.seconds() > 1.0)
        show.send("/livebend/seed", 7)
        show.until(lambda show=show: show.seeds() == [7])
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_a_show_well(shows, name):
    show = shows[name]
    before = show.seconds()
    show.signal(signal.Signals[name])
    within = 5.0 if os.getloadavg()[0] < os.cpu_count() else 20.0  # a busy machine has more to do
    assert show.status(within) == 0, (show.folder / "err.txt").read_text()
    report = json.loads((show.folder / "stats.json").read_text())
    assert report["frames_generated"] > 8
    assert show.seconds("film.mp4") >= before
    assert show.seeds() == [7]
    assert not (show.folder / "film.mp4.part").exists()
    assert "recorded film.mp4" in (show.folder / "out.txt").read_text()


@pytest.mark.slow
def test_a_killed_show_lacks_less_than_a_second(shows):
    show = shows["SIGKILL"]
    before, began = show.seconds(), time.monotonic()
    while show.seconds() < before + 1.0:
        assert show.status(0.05) is None
    show.send("/livebend/seed", 8)
    show.until(lambda: show.seeds() == [7, 8])
    show.signal(signal.SIGKILL)
    took = time.monotonic() - began
    assert show.status() == -signal.SIGKILL
    assert show.seconds() >= before + took - 1.5  # with what took to look
    assert show.seeds() == [7, 8]


@pytest.mark.slow
def test_a_show_whose_network_hangs_ends_well_and_a_second_interrupt_ends_it_at_once(
    processes, model_folder, tmp_path_factory
):
    folders = [tmp_path_factory.mktemp("hang") for _ in range(2)]
    hanging = []
    for folder in folders:
        (folder / "mine.py").write_text(HANGS)
        more = ("--operators", "mine.py")
        hanging.append(
            ShowProcess(processes, folder, model_folder("turbo"), *more, operator="hang")
        )
    for show in hanging:
        show.until(lambda show=show: show.seconds() > 1.0)
        (show.folder / "hang").touch()
        show.until((show.folder / "hung").exists)
    well, at_once = hanging
    well.signal(signal.SIGTERM)
    at_once.signal(signal.SIGINT)
    at_once.signal(signal.SIGINT)
    assert well.status() == 0
    assert well.seconds("film.mp4") > 1.0
    assert (well.folder / "stats.json").exists()
    ended = at_once.status(2.0)  # 0 where the system took both for one
    assert ended in (-signal.SIGINT, 0)
    assert at_once.seconds("film.mp4.part" if ended else "film.mp4") > 1.0


@pytest.mark.slow
def test_a_terminal_that_takes_nothing_holds_no_show_up(model_folder, tmp_path):
    """A pipe that nobody reads is full while the show has much to say, and when it ends."""
    reads, writes = os.pipe()
    port = free_port()
    show = subprocess.Popen(
        [sys.executable, "-m", "livebend.cli.main", "live", "--headless", "--fps", "8",
         "--model", str(model_folder("turbo")), "--backend", "torch", "--size", "64",
         "--osc", f"127.0.0.1:{port}", "--record", "film.mp4", "--stats", "stats.json"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=writes, stderr=writes,
    )  # fmt: skip
    try:
        part, end = tmp_path / "film.mp4.part", time.monotonic() + 120.0
        while film_so_far(part) < 1.0:
            assert show.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        os.set_blocking(writes, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writes, b"x" * 4096)
        with suppress(BlockingIOError):
            while True:
                os.write(writes, b"x")
        os.set_blocking(writes, True)  # the show's end as well
        before = film_so_far(part)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(200):
                sock.sendto(datagram(f"/livebend/no{number}", 1), ("127.0.0.1", port))
        while film_so_far(part) < before + 2.0:
            assert show.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        show.send_signal(signal.SIGTERM)
        assert show.wait(20.0) == 0
    finally:
        show.kill()
        show.wait(20.0)
        os.close(reads)
        os.close(writes)
    assert film_seconds(tmp_path / "film.mp4") > before + 1.0
    assert (tmp_path / "stats.json").exists()


def film_so_far(file: Path) -> float:
    return guards.film_seconds(file) if file.exists() else 0.0


@pytest.fixture
def x_server():
    with eyes.x_server() as made:
        yield made


@pytest.mark.slow
def test_an_x_server_that_dies_loses_nothing(processes, model_folder, tmp_path, x_server):
    server, name = x_server
    show = ShowProcess(processes, tmp_path, model_folder("turbo"), display=name)
    show.until(lambda: show.seconds() > 1.0)
    before = show.seconds()
    server.kill()
    assert show.status() == 1
    assert "livebend: the display is gone" in (tmp_path / "err.txt").read_text()
    assert show.seconds("film.mp4") >= before
    assert (tmp_path / "stats.json").exists()


# ---- one output's fault is no other's


def options_of(folder: Path, model: Path, **more) -> LiveOptions:
    given = {
        "model": str(model), "size": (64, 64), "fps": 20.0, "headless": True, "seconds": 1.0,
        "osc": "127.0.0.1:0", "backend": "torch", "record": folder / "film.mp4",
        "record_cues": folder / "cues.txt",
    }  # fmt: skip
    return LiveOptions(**given | more)


def film_seconds(file: Path) -> float:
    with av.open(str(file)) as film:
        return float(film.streams.video[0].duration * film.streams.video[0].time_base)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_once(file: KeptFile, data: bytes) -> int:
    if file.fault is None:
        file.fault = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise file.fault
    return len(data)


def test_cues_that_cannot_be_written_leave_the_film(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(CueRecorder, "_append", full)
    show = live(options_of(tmp_path, model_folder("turbo")))
    with pytest.raises(LivebendError, match=r"cues\.txt: cannot be written: No space left") as why:
        show.play()
    assert "\n" not in str(why.value)
    assert film_seconds(tmp_path / "film.mp4") == pytest.approx(1.0, abs=0.11)
    assert show.statistics.report()["frames_generated"] == 20


def test_a_film_that_cannot_be_written_leaves_the_cues_and_the_show(
    model_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(KeptFile, "write", full_once)
    show = live(options_of(tmp_path, model_folder("turbo")))
    with pytest.raises(LivebendError, match=r"film\.mp4: cannot be written: No space left"):
        show.play()
    assert show.statistics.report()["frames_generated"] == 20
    assert Cues(tmp_path / "cues.txt", show.commands.bank.load, show.scene).cues
    assert [file.name for file in tmp_path.iterdir()] == ["cues.txt"]
    assert not show.display.view.record


def test_a_show_that_fails_keeps_its_film(model_folder, tmp_path, monkeypatch):
    def during(show, frame):
        if frame.index == 10:
            raise LivebendError("a fault of the show")

    with pytest.raises(LivebendError, match="a fault of the show"):
        played(options_of(tmp_path, model_folder("turbo")), during)
    assert 0.39 < film_seconds(tmp_path / "film.mp4") < 1.0  # and frames until that is seen


def test_a_film_is_begun_and_ended_by_osc_in_a_show(model_folder, tmp_path):
    """`output/record` off at 0.25 s, on at 0.5 s: two films."""

    def during(show, frame):
        if frame.index in (5, 10):
            show.osc._reader.receive(datagram("/livebend/output/record", frame.index // 10))
        if frame.index == 8:
            while not show.recording.films:
                time.sleep(0.01)

    played(options_of(tmp_path, model_folder("turbo")), during)
    lengths = [film_seconds(tmp_path / name) for name in ("film.mp4", "film-2.mp4")]
    assert lengths == pytest.approx([0.25, 0.5], abs=0.11)
