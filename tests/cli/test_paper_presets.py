"""The founding page's nineteen rows, played on the embedded model."""

import numpy as np
import pytest

from livebend.audio.open_input import open_sound, pull_sound
from livebend.cli.sweep import SweepOptions, sweep
from livebend.core.clock import OfflineClock
from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network
from livebend.scene import presets
from tests.fakes.networks import CPU, F32
from tests.fakes.sheets import cells_of, count_of
from tests.fakes.shows import Show

SIZE = (64, 64)
PAPER = [info.name for info in presets.list_presets() if info.name.startswith("paper/")]
FIGURES = [name for name in PAPER if presets.sweep_of(name)]
VIDEOS = [name for name in PAPER if name not in FIGURES]


@pytest.fixture(scope="module")
def network():
    return Network(load_model("tiny", CPU, F32), *SIZE)


@pytest.fixture
def sheet(network, monkeypatch, tmp_path):
    """Return a function that paints a preset's sweep on the module's network; it returns the
    pictures."""
    monkeypatch.setattr(SweepOptions, "network", lambda *_, **__: network)

    def painted(name, rows=""):
        network.memory.forget()
        sweep(SweepOptions(preset=name, output=tmp_path / "f.png", rows=rows, size=SIZE), print)
        return cells_of(tmp_path / "f.png")

    return painted


def played(network, name, seconds=0.25):
    """Paint the first frames of a show that ends; return its frames and what each was said of."""
    show, clock = Show(network, duration=seconds, strict=True), OfflineClock(20.0, seconds)
    features = pull_sound(open_sound("demo"), frame_rate=20.0)
    scene = network.check(presets.load(name))
    for tick in clock:
        yield show.frame(scene, tick.time, features.at(tick.time), dt=tick.dt), show.status.get()


def test_there_are_nineteen_rows():
    assert sorted(VIDEOS) == [f"paper/v{n}" for n in range(1, 8)]
    assert sorted(FIGURES) == sorted(f"paper/f{n}" for n in range(1, 13))


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_plays(name, network):
    frames = list(played(network, name))
    assert len({pixels.tobytes() for pixels, _ in frames}) == len(frames) == 5
    assert frames[-1][1].bends[0].active


def test_video_seven_paints_its_prompts_in_turn(network):
    said = [status.prompt for _, status in played(network, "paper/v7", 1.0)]
    assert [*dict.fromkeys(said)] == list(presets.load("paper/v7").prompt.texts)
    assert {said.count(text) for text in said} <= {3, 4, 5}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn(name, sheet):
    cells = sheet(name)
    assert sum(map(len, cells)) >= 12
    assert count_of(cells) > len(cells), "the columns differ too"


def test_a_whole_turn_of_figure_one_is_no_turn_and_a_column_changes_continuously(sheet):
    """Rows every π/16: no step of a column may stand far out of the others. What is measured on
    the model's own size is printed by scripts/sheets."""
    cells = np.array(sheet("paper/f1", "bend.turn.angle=0..360/33")).astype(float)
    assert np.array_equal(cells[0], cells[32])
    steps = np.abs(np.diff(cells, axis=0)).mean((2, 3, 4))
    whole = np.abs(cells[0] - cells[16]).mean((1, 2, 3))
    assert steps.max() < 0.15 * whole.max()
