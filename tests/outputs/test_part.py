"""Parts of a picture for projectors side by side: together they are the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.cli.main import parser
from livebend.core.errors import Refused
from livebend.outputs.display import View
from livebend.outputs.part import part_of


@given(st.integers(1, 16), st.integers(16, 70))
def test_parts_side_by_side_are_the_picture(parts, width):
    pixels = np.random.default_rng(width).integers(0, 256, (4, width, 3), np.uint8)
    shown = [part_of(pixels, View(part=n, parts=parts)) for n in range(1, parts + 1)]
    assert np.array_equal(np.concatenate(shown, axis=1), pixels)
    assert max(one.shape[1] for one in shown) - min(one.shape[1] for one in shown) <= 1
    assert part_of(pixels, View(parts=parts)) is pixels


def test_a_part_of_the_command_line():
    assert parser().parse_args(["live", "--part", "2/3"]).part == (2, 3)
    for text in ("0/3", "4/3", "1/17", "1", "x/y", ""):
        with pytest.raises(Refused, match="expected 1/3"):
            parser().parse_args(["live", "--part", text])
