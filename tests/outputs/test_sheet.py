"""A sheet of pictures is one file, written whole."""

import numpy as np

from livebend.outputs.sheet import write_sheet
from tests.fakes.sheets import cells_of


def test_a_sheet_is_written_whole(tmp_path):
    cells = [[np.full((32, 32, 3), shade, np.uint8) for shade in (0, 128, 255)]]
    write_sheet(tmp_path / "s.png", cells, ["row"], ["a", "b", "c"], "title")
    assert [f.name for f in tmp_path.iterdir()] == ["s.png"]
    assert np.array_equal(cells_of(tmp_path / "s.png", 32), cells)
