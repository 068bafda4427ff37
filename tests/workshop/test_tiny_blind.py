"""Two versions of the embedded model, seen side by side by eyes that do not know which is which."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests import ROOT

pytest.importorskip("scipy")

BLIND = ROOT / "scripts" / "tiny" / "blind"
TINY = ROOT / "livebend" / "models" / "tiny"
SIDE, LINE, WIDTH, HEIGHT = 256, 22, 528, 290


def run(*words):
    return subprocess.run(
        [sys.executable, BLIND, *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Pairs of a model and itself."""
    folder = tmp_path_factory.mktemp("pairs")
    shown = run("show", TINY, TINY, folder, "--pairs", 9, "--seed", 3)
    assert shown.returncode == 0, shown.stderr
    return folder


def test_pairs_lie_side_by_side(pairs):
    sheets = [np.asarray(Image.open(pairs / f"pairs-{number}.png")) for number in (1, 2)]
    assert len(list(pairs.glob("*.png"))) == 2
    for sheet, (row, column) in ((sheets[0], (3, 1)), (sheets[1], (0, 0))):
        y, x = row * HEIGHT + LINE, column * WIDTH
        left = sheet[y : y + SIDE, x : x + SIDE]
        assert np.array_equal(left, sheet[y : y + SIDE, x + SIDE + 4 : x + 2 * SIDE + 4])
        assert left.std() > 10
    assert sheets[1][HEIGHT:].max() == 0  # nine pairs: one on the second sheet


def test_answers_are_counted(pairs):
    sides = json.loads((pairs / "sides.json").read_text())
    assert set(sides) == {"L", "R"}
    wrong = "".join("LR"[side == "L"] for side in sides)
    assert run("read", pairs, sides.lower()).stdout.startswith("9 of 9 ")
    assert run("read", pairs, sides[:3] + wrong[3:]).stdout.endswith("picture: 33%\n")


@pytest.mark.parametrize("answers", ["LR", "LRLRLRLRX"])
def test_answers_that_do_not_fit_are_refused(pairs, answers):
    read = run("read", pairs, answers)
    assert read.returncode == 1
    assert read.stderr.splitlines()[-1] == f"{len(answers)} answers: expected 9 letters, L or R"
