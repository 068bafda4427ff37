"""Where the picture is on the wall: pure geometry."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.outputs.wall.corner_pin import FINEST, WITHIN, homography, mesh, moved, to_wall
from livebend.outputs.wall.settings import Shape
from livebend.outputs.wall.shape import Layout

SIDES = st.integers(16, 4096)
SIZES = st.tuples(SIDES, SIDES)
MODERATE = st.tuples(st.integers(64, 2048), st.integers(64, 2048))
SMALL = st.floats(-0.2, 0.2)
CORNERS = st.lists(st.tuples(SMALL, SMALL), min_size=4, max_size=4)
NEIGHBOURS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])


def bounds(layout: Layout) -> tuple[float, ...]:
    """left, top, right, bottom of all pieces in the frame."""
    xy = np.concatenate([piece[:, :2] for piece in layout.pieces()])
    return (*xy.min(axis=0), *xy.max(axis=0))


def area(piece: np.ndarray) -> float:
    x, y = piece[:, 0], piece[:, 1]
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@given(SIZES, SIZES, st.sampled_from([0, 90, 180, 270]))
def test_all_of_a_picture_is_seen_and_touches_two_edges(picture, wall, rotate):
    layout = Layout(picture, wall, Shape(rotate=rotate))
    left, top, right, bottom = bounds(layout)
    wide, high = layout.frame
    assert min(left, top) >= -1e-6
    assert math.isclose(min(left, top), 0.0, abs_tol=1e-6)
    assert (right, bottom) == pytest.approx((wide - left, high - top))
    assert (right - left) / (bottom - top) == pytest.approx(picture[0] / picture[1])


@given(SIZES, SIZES)
def test_a_filled_wall_has_no_bars_and_a_stretched_one_nothing_beside(picture, wall):
    left, top, right, bottom = bounds(Layout(picture, wall, Shape(fit="fill")))
    assert max(left, top) <= 1e-6
    assert right >= wall[0] - 1e-6
    assert bottom >= wall[1] - 1e-6
    assert (right - left) / (bottom - top) == pytest.approx(picture[0] / picture[1])
    stretched = bounds(Layout(picture, wall, Shape(fit="stretch")))
    assert stretched == pytest.approx((0, 0, *wall))


@pytest.mark.parametrize("fit", ["mirror", "kaleidoscope"])
@given(
    MODERATE, MODERATE, st.floats(0.5, 2), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5),
    st.integers(2, 16), st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)),
)  # fmt: skip
def test_tiles_and_mirrors_cover_every_place_once(fit, picture, wall, zoom, x, y, mirrors, at):
    """Every place lies in one piece, and the colour of neighbouring pieces agrees at their edge."""
    if not 0.1 < (picture[0] * wall[1]) / (picture[1] * wall[0]) < 10:
        return  # more tiles than are drawn
    shape = Shape(fit=fit, zoom=zoom, x=x, y=y, mirrors=mirrors)
    place = np.array(wall) * at
    found = []
    for piece in Layout(picture, wall, shape).pieces():
        corners, ways = piece[:, :2], np.roll(piece[:, :2], -1, axis=0) - piece[:, :2]
        to = place - corners
        sides = (ways[:, 0] * to[:, 1] - ways[:, 1] * to[:, 0]) * np.sign(area(piece))
        if (sides >= -1e-6 * np.abs(ways).max()).all() and abs(area(piece)) > 1e-6:
            whole = np.hstack([corners, np.ones((len(corners), 1))])
            affine, *_ = np.linalg.lstsq(whole, piece[:, 2:], rcond=None)
            found.append(np.array([*place, 1.0]) @ affine)
    assert found
    assert np.abs(np.array(found) - found[0]).max() < 1e-2
    assert (np.array(found) > -1e-3).all()
    assert (np.array(found) < 1 + 1e-3).all()


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        (Shape(), [(0, 0), (200, 0), (200, 100), (0, 100)]),
        (Shape(rotate=90), [(200, 0), (200, 100), (0, 100), (0, 0)]),
        (Shape(rotate=180), [(200, 100), (0, 100), (0, 0), (200, 0)]),
        (Shape(rotate=270), [(0, 100), (0, 0), (200, 0), (200, 100)]),
        (Shape(rotate=50), [(200, 0), (200, 100), (0, 100), (0, 0)]),
        (Shape(flip="horizontal"), [(200, 0), (0, 0), (0, 100), (200, 100)]),
        (Shape(flip="vertical"), [(0, 100), (200, 100), (200, 0), (0, 0)]),
        (Shape(flip="horizontal", rotate=90), [(200, 100), (200, 0), (0, 0), (0, 100)]),
    ],
)
def test_the_upright_frame_is_flipped_and_turned_into_the_wall(shape, corners):
    layout = Layout((64, 64), (200, 100), shape)
    frame = NEIGHBOURS * layout.frame
    assert moved(frame.astype(float), layout.to_wall()) == pytest.approx(np.array(corners, float))


@given(SIZES, CORNERS)
def test_a_pinned_wall_has_its_corners_where_they_are_pinned(size, corners):
    pin = homography(size, corners)
    assert pin is not None
    found = moved(NEIGHBOURS * np.array(size, float), pin)
    assert found == pytest.approx((NEIGHBOURS + corners) * size, abs=1e-6 * max(size))
    assert np.allclose(homography(size, [(0, 0)] * 4), np.eye(3))


@given(MODERATE, CORNERS, st.floats(0, 1), st.floats(0, 1))
def test_the_mesh_is_within_a_pixel_of_the_projection(size, corners, u, v):
    """And what is straight stays straight: a projection, not a bilinear warp."""
    pin = homography(size, corners)
    places = mesh(size, pin)
    parts = len(places) - 1
    assert parts <= FINEST
    column, row = min(int(u * parts), parts - 1), min(int(v * parts), parts - 1)
    s, t = u * parts - column, v * parts - row
    a, b = places[row, column], places[row, column + 1]
    c, d = places[row + 1, column], places[row + 1, column + 1]
    flat = a + s * (b - a) + t * (c - a) if s + t < 1 else d + (1 - s) * (c - d) + (1 - t) * (b - d)
    true = moved(np.array([u * size[0], v * size[1]]), pin)
    assert np.linalg.norm(flat - true) < max(3 * WITHIN, 0.9)


@pytest.mark.parametrize(
    "corners",
    [
        [(1, 0), (-1, 0), (0, 0), (0, 0)],  # the upper edge turned round
        [(0.9, 0.9), (0, 0), (0, 0), (0, 0)],  # a corner between the others
        [(0, 1), (0, 1), (0, 0), (0, 0)],  # flat
    ],
)
def test_corners_that_make_no_picture_leave_it_where_it_is(corners):
    assert homography((320, 200), corners) is None
    (a, b), (c, d), (e, f), (g, h) = corners
    shape = Shape(
        top_left_x=a, top_left_y=b, top_right_x=c, top_right_y=d,
        bottom_right_x=e, bottom_right_y=f, bottom_left_x=g, bottom_left_y=h,
    )  # fmt: skip
    assert np.array_equal(to_wall(Layout((64, 64), (320, 200), shape)), np.eye(3))
