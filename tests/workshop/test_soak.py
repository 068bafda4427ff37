"""The soak: a real show under real datagrams, and how its growth is judged."""

import json
import subprocess
import sys

import _soak
import pytest

from tests import SCRIPTS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_short_soak(model_folder):
    """The real show under real datagrams, for seconds: the figures are there and none is black."""
    command = [
        sys.executable, str(SCRIPTS / "_soak.py"), "--minutes", "0.05", "--every", "0.25", "--size",
        "64", "--model", str(model_folder("turbo")), "--rate", "30", "--limit", "100000",
        "--record-every", "1.0", "--fps", "10",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["black_frames"] == 0
    assert len(found["film_s"]) == len(found["recorded_s"]) == 2
    assert all(seconds > 0.0 for seconds in found["film_s"])
    assert found["messages"] > 0
    assert "MB" in done.stderr


def test_a_slope_is_that_of_the_whole_and_not_of_a_jump():
    flat = [(float(t), 500.0 + (50.0 if t == 100 else 0.0)) for t in range(0, 600, 10)]
    assert _soak.slope(flat) == 0.0
    rising = [(float(t), 500.0 + t / 30.0) for t in range(0, 600, 10)]
    assert _soak.slope(rising) == pytest.approx(2.0)
    assert _soak.settled(rising)[0][0] >= 140.0


@pytest.mark.parametrize(
    ("films", "recorded", "is_torn"),
    [([], [], False), ([9.4, 10.1], [10.0, 10.0], False), ([9.4], [10.0, 10.0], True),
     ([9.4, 6.0], [10.0, 10.0], True)],
)  # fmt: skip
def test_films_are_held_against_the_time_they_were_recorded(films, recorded, is_torn):
    assert _soak.torn({"film_s": films, "recorded_s": recorded}) == is_torn
    assert not _soak.torn({})
