"""A size is moved to the nearest that a network paints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.core import limits
from livebend.core.sizes import painted_size, shaped_size


@pytest.mark.parametrize(
    ("asked", "painted"),
    [
        ((256, 256), (256, 256)),
        ((512, 320), (512, 320)),
        ((100, 100), (104, 104)),
        ((500, 281), (496, 280)),
        ((1920, 1080), (1920, 1080)),
        ((1366, 768), (1368, 768)),
        ((32, 16), (128, 64)),
        ((1, 1), (64, 64)),
        ((4096, 10), (4096, 64)),
    ],
)
def test_the_nearest_in_steps_of_8(asked, painted):
    said = []
    assert painted_size(asked, 8, said.append) == painted
    assert len(said) == (asked != painted)


@given(st.integers(64, limits.SIDE), st.integers(64, limits.SIDE), st.sampled_from([4, 8, 16]))
def test_sides_move_by_less_than_a_step(wide, high, factor):
    sides = painted_size((wide, high), factor)
    assert all(side % factor == 0 and side >= 8 * factor for side in sides)
    if min(wide, high) >= 8 * factor:
        assert max(abs(sides[0] - wide), abs(sides[1] - high)) < factor


@pytest.mark.parametrize(
    ("shape", "size", "painted"),
    [
        ((1920, 1080), (455, 256), (456, 256)),
        ((2560, 1080), (607, 256), (608, 256)),
        ((1024, 768), (341, 256), (344, 256)),
        ((1080, 1920), (256, 455), (256, 456)),
        ((700, 700), (256, 256), (256, 256)),
        ((11520, 1080), (1024, 256), (1024, 256)),  # six displays: no longer than four to one
    ],
)
def test_a_display_has_a_picture_of_its_shape(shape, size, painted):
    assert shaped_size(256, shape) == size
    assert painted_size(size, 8) == painted
