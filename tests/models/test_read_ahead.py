"""Engines read ahead are those that a backend would have read, or none."""

import json
import subprocess
import sys

import pytest
import torch

from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.openvino import OpenVinoBackend
from livebend.models.backends.protocol import Inputs, StaleEngine, Target
from livebend.models.backends.read_ahead import ReadAhead
from livebend.models.stages import Stage

ASKED = {"model": "tiny", "size": None, "device": "auto"}
X = torch.linspace(-1.0, 1.0, 256).reshape(1, 4, 8, 8)


def stage(factor):
    return Stage(f"times.{factor}", ("x",), ("y",), lambda x: (x * factor,))


@pytest.fixture
def start(tmp_path):
    """Start with some options, run stages, and return what they made, and what was read ahead."""

    def run(*factors, options=None, threads=1, keep=True):
        ahead = ReadAhead(tmp_path, options or ASKED).start()
        read, take = [], ahead.take

        def taken(file, device, config):
            engine = take(file, device, config)
            if engine is not None:
                read.append(file.name.partition("-")[0])
            return engine

        ahead.take = taken
        store = EngineCache(tmp_path, "some-model", ahead)
        backend, made = OpenVinoBackend(Target("cpu", threads)), []
        try:
            for factor in factors:
                loading = backend.load(stage(factor), Inputs((X,)), store, build=True)
                made.append(loading()(X)[0])
            if keep:
                ahead.keep()
        finally:
            ahead.stop()
        return made, read

    return run


def test_a_start_reads_ahead_what_the_last_one_used(start):
    first, read = start(2, 3)
    assert read == []
    again, read = start(3, 2)
    assert read == ["times.3", "times.2"]
    assert torch.equal(again[0], first[1])
    assert torch.equal(again[1], first[0])
    assert torch.equal(first[0], X * 2)
    assert start(2, 3, 2)[1] == ["times.2", "times.3"]  # handed out once


def test_nothing_is_read_ahead_for_other_options_or_threads(start):
    start(2)
    assert start(2, options={**ASKED, "size": (64, 64)})[1] == []
    assert start(2, threads=2, keep=False)[1] == []
    assert start(2)[1] == ["times.2"]


def test_what_the_last_start_did_not_use_is_forgotten(start):
    start(2, 3)
    start(3)
    assert start(2, 3)[1] == ["times.3"]


def test_a_broken_file_is_left_to_the_backend(start, tmp_path):
    start(2)
    (file,) = tmp_path.rglob("*.blob")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(StaleEngine):
        start(2)
    assert not file.exists()
    made, read = start(2)
    assert torch.equal(made[0], X * 2)
    assert read == []


UNREADABLE = ("", "{", "{}", "[1]", '[["a", "b"]]', '[["a", "b", "c"]]', "[[1, 2, 3]]")


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_list_that_cannot_be_read_is_none(start, tmp_path, text):
    start(2)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(text)
    assert start(2)[1] == []
    assert len(json.loads(file.read_text())) == 1
    assert start(2)[1] == ["times.2"]


ENDS_EARLY = """
import sys
from pathlib import Path
from livebend.models.backends.read_ahead import ReadAhead
ahead = ReadAhead(Path(sys.argv[1]), {"model": "tiny", "size": None, "device": "auto"}).start()
ahead.stop()
print("torch" in sys.modules)
"""


def test_a_process_that_ends_early_ends_well_and_reading_ahead_needs_no_torch(start, tmp_path):
    start(2, 3)
    done = subprocess.run(
        [sys.executable, "-c", ENDS_EARLY, str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=60.0,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")
