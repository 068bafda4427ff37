"""Several displays as one wall, and where projectors overlap: pure geometry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.outputs.monitors import Monitor
from livebend.outputs.wall.settings import Span
from livebend.outputs.wall.span import LARGEST, Overlap, Part, places, ramp

LEFT, RIGHT = Monitor("left", 0, 0, 1920, 1080), Monitor("right", 1920, 0, 1920, 1080)


def test_displays_each_show_all_of_the_picture_unless_they_span_it():
    found = places([LEFT, RIGHT], Span())
    assert [one.wall for one in found] == [(1920, 1080)] * 2
    assert [one.part for one in found] == [Part(0, 0, 1920, 1080)] * 2


def test_a_gap_is_left_out_of_the_picture():
    found = places([RIGHT, LEFT], Span(span=True, gap=0.1))
    assert [one.wall for one in found] == [(4032, 1080)] * 2
    assert [one.part.x for one in found] == [2112, 0]
    assert [one.overlap for one in found] == [Overlap()] * 2


def test_projectors_that_overlap_share_a_strip():
    left, right = places([LEFT, RIGHT], Span(span=True, overlap=0.1))
    assert left.wall == right.wall == (3648, 1080)
    assert right.part.x == 1728
    assert left.overlap == Overlap(right=0.1)
    assert right.overlap == Overlap(left=0.1)


def test_four_projectors_overlap_in_both_directions():
    grid = [Monitor(f"{x}{y}", 100 * x, 80 * y, 100, 80) for y in (0, 1) for x in (0, 1)]
    found = places(grid, Span(span=True, overlap=0.2))
    assert found[0].wall == (180, 144)
    assert [one.overlap for one in found] == [
        Overlap(right=0.2, bottom=0.2), Overlap(left=0.2, bottom=0.2),
        Overlap(right=0.2, top=0.2), Overlap(left=0.2, top=0.2),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(320, 4096), st.integers(240, 2160)), min_size=2, max_size=6),
       st.floats(0, 0.5), st.floats(0, 0.5))  # fmt: skip
def test_a_row_of_any_displays_fills_its_wall_in_order(sizes, gap, overlap):
    begins = np.cumsum([0, *(wide for wide, _ in sizes)])
    row = [Monitor(str(i), int(begins[i]), 0, *size) for i, size in enumerate(sizes)]
    found = places(row, Span(span=True, gap=gap, overlap=overlap))
    wide, high = found[0].wall
    assert max(wide, high) <= LARGEST
    assert min(one.part.x for one in found) == 0
    assert max(one.part.x + one.part.width for one in found) == pytest.approx(wide, abs=1)
    assert [one.part.x for one in found] == sorted(one.part.x for one in found)
    scale = found[0].part.width / sizes[0][0]
    assert [(one.part.width, one.part.height) for one in found] == [
        pytest.approx((scale * w, scale * h)) for w, h in sizes
    ]


@given(st.floats(1, 4))
def test_the_light_of_two_strips_adds_up_to_one(gamma):
    own = (1 - ramp(gamma) / 255) ** gamma
    assert np.abs(own + own[::-1] - 1).max() < 0.02
    assert (np.diff(own) >= 0).all()
