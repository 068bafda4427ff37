"""The founding page's nineteen rows, played on the embedded model."""

import numpy as np
import pygame
import pytest

from livebend.audio.open_input import open_sound, pull_sound
from livebend.cli.sweep import SweepOptions, sweep
from livebend.core.clock import OfflineClock, SystemTime
from livebend.core.mailbox import OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene import presets

SIZE = (64, 64)
PAPER = [info.name for info in presets.list_presets() if info.name.startswith("paper/")]
FIGURES = [name for name in PAPER if presets.sweep_of(name)]
VIDEOS = [name for name in PAPER if name not in FIGURES]


@pytest.fixture(scope="module")
def network():
    return Network(load_model("tiny"), *SIZE)


def played(network, name, seconds=0.25):
    """Render the first frames of a show that ends; return its frames and what each was said of."""
    clock, status = OfflineClock(20.0, seconds), OnDemand(Status())
    features = pull_sound(open_sound("demo"), frame_rate=20.0)
    prompts = Prompts(network.model.encode, network.model.understand)
    render = Renderer(
        network, prompts, Statistics(SystemTime()), status, duration=seconds, strict=True
    )
    scene = network.check(presets.load(name))
    for tick in clock:
        yield render(scene, features.at(tick.time), tick).pixels, status.get()


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
def test_a_figure_is_drawn(name, tmp_path):
    assert sweep(SweepOptions(preset=name, output=tmp_path / "f.png", size=SIZE), print) >= 12
    assert (tmp_path / "f.png").is_file()


def test_a_whole_turn_of_figure_one_is_no_turn_and_a_column_changes_continuously(tmp_path):
    """Rows every π/32: no step of a column may stand far out of the others. What is measured on
    the model's own size is printed by scripts/sheets."""
    rows = "bend.turn.angle=0..360/65"
    sweep(SweepOptions(preset="paper/f1", output=tmp_path / "f.png", rows=rows, size=SIZE), print)
    sheet = pygame.surfarray.array3d(pygame.image.load(tmp_path / "f.png")).astype(float)
    side = SIZE[0] + 4
    cells = np.array(
        [
            [sheet[96 + x * side :, 56 + y * side :][: SIZE[0], : SIZE[1]] for x in range(6)]
            for y in range(65)
        ]
    )
    assert np.array_equal(cells[0], cells[64])
    steps = np.abs(np.diff(cells, axis=0)).mean((2, 3, 4))
    whole = np.abs(cells[0] - cells[32]).mean((1, 2, 3))
    print(
        "largest step as a multiple of the median:", (steps.max(0) / np.median(steps, 0)).round(1)
    )
    assert steps.max() < 0.15 * whole.max()
