"""A show whose process gets no more memory: a real limit of its address space."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fakes.processes import Processes, ShowProcess

TAKES = """
from pathlib import Path

import torch

from livebend.operators.registry import operator


@operator("test")
def take(x):
    if Path("take").exists():
        torch.empty(x.numel() * 1000)  # 188 MiB at 128 pixels, 106 at 96
    return x
"""
LEFT = 150 << 20  # bytes more than the process has


@pytest.mark.slow
def test_a_show_without_memory_is_played_smaller(model_folder, tmp_path):
    if shutil.which("prlimit") is None:
        pytest.skip("no prlimit")
    (tmp_path / "mine.py").write_text(TAKES)
    processes = Processes()
    try:
        show = ShowProcess(
            processes, tmp_path, model_folder("turbo"),
            "--size", "128", "--operators", "mine.py", operator="take", site="image",
        )  # fmt: skip
        show.until(lambda: show.seconds() > 1.0)
        size = next(
            int(line.split()[1]) << 10
            for line in Path(f"/proc/{show.process}/status").read_text().splitlines()
            if line.startswith("VmSize:")
        )
        limit = ["prlimit", "--pid", str(show.process), f"--as={size + LEFT}"]
        subprocess.run(limit, check=True, timeout=30.0)
        (tmp_path / "take").touch()
        before = show.seconds()
        show.until(lambda: "0.75 of the size" in (tmp_path / "err.txt").read_text())
        show.until(lambda: show.seconds() > before + 2.0)
        show.signal(signal.SIGTERM)
        assert show.status() == 0, (tmp_path / "err.txt").read_text()
    finally:
        processes.close()
    report = json.loads((tmp_path / "stats.json").read_text())
    said = [one["text"] for one in report["notices"] if one["level"] != "info"]
    assert [text for text in said if "prompt" not in text] == [
        "memory is short: what stages made is forgotten, and less is remembered",
        "memory is short: playing at 0.75 of the size",
    ]
    assert show.seconds("film.mp4") > before + 2.0
