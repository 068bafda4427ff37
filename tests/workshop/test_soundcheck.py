"""The sound check says in a line what it cannot measure."""

import os
import subprocess
import sys

import pytest

from tests import ROOT, SCRIPTS


@pytest.mark.parametrize("arguments", [["--music", "gone.flac"], ["--music", "."]])
def test_music_that_is_not_there_is_one_line(arguments, tmp_path):
    script = SCRIPTS / "_soundcheck.py"
    done = subprocess.run(
        [sys.executable, script, *arguments],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("soundcheck: ")
    assert arguments[1] in done.stderr
    assert done.stderr.count("\n") == 1
