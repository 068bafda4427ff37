"""A sweep paints one picture for every pair of values, and labels them."""

import pygame
import pytest

from livebend.errors import LivebendError, OutOfRange
from livebend.sweep import Axis, Sweep, axis, sweep


def test_an_axis_is_a_list_or_a_spread():
    assert axis("seed=1,2,3") == Axis("seed", (1.0, 2.0, 3.0))
    assert axis("a.b=x,y").values == ("x", "y")
    assert axis("walk.radius=0..1/3").values == (0.0, 0.5, 1.0)
    for bad in ("seed", "=1", "seed=", "seed=0..1", "seed=0..1/1", "seed=a..b/3"):
        with pytest.raises(OutOfRange, match="expected path="):
            axis(bad)


def test_a_sheet_holds_every_pair(tmp_path, model_folder):
    wishes = Sweep(
        "paper/f1", tmp_path / "sheet.png", "bend.turn.angle=0,90,360", "seed=1,2",
        model=str(model_folder("turbo")), size=(64, 64),
    )  # fmt: skip
    assert sweep(wishes, quiet=True) == 6
    sheet = pygame.surfarray.array3d(pygame.image.load(tmp_path / "sheet.png"))
    cells = [sheet[96 + x * 68 : 160 + x * 68, 56 + y * 68 : 120 + y * 68]
             for y in range(3) for x in range(2)]  # fmt: skip
    assert (cells[0] == cells[4]).all()  # a whole turn is nothing
    assert len({cell.tobytes() for cell in cells}) == 4


def test_what_cannot_be_swept_is_refused(tmp_path, model_folder):
    model = str(model_folder("turbo"))
    for preset, rows, columns, output in (
        ("storm", "seed=1", "", "a.png"),
        ("storm", "seed=1", "walk.radios=1", "a.png"),
        ("storm", "seed=1", "walk.radius=9", "a.png"),
        ("storm", "seed=1", "seed=2", "a.jpg"),
    ):
        with pytest.raises(LivebendError):
            sweep(Sweep(preset, tmp_path / output, rows, columns, model, (64, 64)), quiet=True)
    assert list(tmp_path.iterdir()) == []
