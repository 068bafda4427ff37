"""A rig of real processes: a leader that is killed, followers, a stranger, and every frame."""

import subprocess
import sys

import pytest

from tests import SCRIPTS


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="compares clocks of processes")
def test_a_rig_plays_one_show_whatever_becomes_of_its_leader():
    command = [sys.executable, str(SCRIPTS / "_rig.py"), "--minutes", "3", "--size", "64"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
