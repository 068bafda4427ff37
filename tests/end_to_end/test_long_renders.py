"""Long renders as they go wrong: real processes, real signals, a real disk that is full.

    python -m pytest tests/end_to_end/test_long_renders.py -s

The disk is a tmpfs; where none can be mounted, that test is left out.
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from livebend.cli.film import plan, rendering
from livebend.cli.film.options import FilmOptions
from livebend.cli.film.rendering import Crew, render_films
from livebend.cli.film.segment_files import SegmentFiles
from livebend.cli.film.workers import ProcessWorker
from livebend.core.errors import Refused
from tests.outputs.test_recording import small_disk

KILLED = 10


@pytest.fixture
def film(tmp_path, monkeypatch):
    """A film of the embedded model, in twelve segments."""
    monkeypatch.setattr(plan, "SEGMENT", 0.5)
    return FilmOptions(
        sound="demo", output=tmp_path / "film.mp4", preset="storm", size=(64, 64), seconds=6.0,
        threads=1, backend="torch",
    )  # fmt: skip


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Doomed(ProcessWorker):
    """A worker that the system kills in the middle of some segments, each of them once."""

    doom: dict[int, int] = {}  # noqa: RUF012 - by segment, the frame; all of them share it
    lock = threading.Lock()

    def paint(self, job, told):
        with self.lock:
            left = self.doom.pop(job.number, None)

        def frame(count):
            nonlocal left
            told(count)
            left = None if left is None else left - count
            if left == 0:
                os.kill(self.process.pid, signal.SIGKILL)

        return super().paint(job, frame)


@pytest.mark.slow
def test_workers_that_are_killed_ten_times_paint_the_same_bytes(film, tmp_path):
    render_films([film], Crew(), print)
    whole, said, rng = digest(film.output), [], random.Random(7)
    Doomed.doom = {number: rng.randint(1, 10) for number in rng.sample(range(12), KILLED)}
    again = replace(film, output=tmp_path / "again.mp4")
    render_films([again], Crew(2, lambda: Doomed(1, print)), said.append)
    assert sum("is painted again: a worker has ended (-9)" in line for line in said) == KILLED
    assert digest(again.output) == whole


@pytest.mark.slow
def test_a_render_that_filled_the_disk_goes_on_to_the_same_bytes(film, tmp_path_factory):
    render_films([film], Crew(), print)
    whole, folder = digest(film.output), tmp_path_factory.mktemp("disk")
    with contextmanager(small_disk)(folder) as disk:
        other = replace(film, output=disk / "film.mp4")
        filler, files = disk / "filler", SegmentFiles(other.output)
        left = shutil.disk_usage(disk).free - round(1.5 * film.output.stat().st_size)
        filler.write_bytes(bytes(left))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rendering, "BITS", 0.0)  # the check before would find it
            patch.setattr(rendering, "SOUND", 0)
            with pytest.raises(Refused, match=r"No space left|cannot be written"):
                render_films([other], Crew(2, lambda: ProcessWorker(1, print)), print)
        assert 1 <= files.finished() <= 12
        assert not other.output.exists()
        filler.unlink()
        said = []
        render_films([other], Crew(2, lambda: ProcessWorker(1, print)), said.append)
        assert "segments are there; it goes on" in " ".join(said)
        assert digest(other.output) == whole
        assert [file.name for file in disk.iterdir()] == ["film.mp4"]


@pytest.mark.slow
def test_an_interrupt_leaves_what_is_done_and_no_process(film, tmp_path):
    output = tmp_path / "film.mp4"
    command = [
        sys.executable, "-m", "livebend.cli.main", "render", "demo", "-o", str(output),
        "--seconds", "40", "--size", "64", "--workers", "2", "--model", "tiny",
    ]  # fmt: skip
    show = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    files = SegmentFiles(output)
    waiting = threading.Event()
    while files.finished() < 1 and show.poll() is None:
        waiting.wait(0.1)
    show.send_signal(signal.SIGINT)
    said = show.communicate(timeout=60)[1]
    assert show.returncode == 130
    assert "the same command goes on with it" in said
    assert files.finished() >= 1
    left = subprocess.run(
        ["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    assert str(show.pid) not in [line.split()[0] for line in left.splitlines()[1:]]
