"""A show that is stopped for a minute and goes on: a real process and a real signal."""

import json
import os
import signal
import time
from itertools import pairwise

import av
import pytest

from tests.fakes.processes import Processes

STOPPED = 60.0  # s


def length(film: av.container.InputContainer, kind: str) -> float:
    """How long a film's stream is, in s."""
    (stream,) = getattr(film.streams, kind)
    return float(stream.duration * stream.time_base)


@pytest.mark.slow
def test_a_stopped_show_goes_on_from_where_it_was(model_folder, tmp_path):
    (tmp_path / "plain.toml").write_text('[prompt]\ntext = "a red orb"\n')
    lines = [f"{k / 2} walk.radius {k % 2 or 0.5}\n" for k in range(1, 200)]
    (tmp_path / "cues.txt").write_text("".join(lines))
    arguments = [
        "live", "--headless", "--model", str(model_folder("turbo")), "--backend", "torch",
        "--size", "64", "--preset", "plain.toml", "--fps", "8", "--osc", "127.0.0.1:0",
        "--cues", "cues.txt", "--record", "film.mp4", "--record-cues", "played.txt",
        "--stats", "stats.json",
    ]  # fmt: skip
    processes = Processes()
    try:
        show, played = processes.start(tmp_path, arguments), tmp_path / "played.txt"

        def cues() -> list[float]:
            text = played.read_text() if played.exists() else ""
            return [float(line.split()[0]) for line in text.splitlines() if "walk.radius" in line]

        def until(count: int) -> None:
            while len(cues()) < count:
                assert processes.status(show, 0.05) is None, (tmp_path / "err.txt").read_text()

        until(4)
        os.kill(show, signal.SIGSTOP)
        before = len(cues())
        time.sleep(STOPPED)
        os.kill(show, signal.SIGCONT)
        until(before + 4)
        os.kill(show, signal.SIGTERM)
        assert processes.status(show, 20.0) == 0
    finally:
        processes.close()
    assert min(after - then for then, after in pairwise(cues())) > 0.1  # none at once
    assert cues()[-1] < 20.0
    report = json.loads((tmp_path / "stats.json").read_text())
    notices = [notice["text"] for notice in report["notices"]]
    assert [text for text in notices if "stood still for" in text]
    with av.open(str(tmp_path / "film.mp4")) as film:
        pictures, sound = length(film, "video"), length(film, "audio")
    assert pictures == pytest.approx(cues()[-1], abs=1.5)
    assert sound == pytest.approx(pictures, abs=0.4)
