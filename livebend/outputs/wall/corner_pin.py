"""Four corners of the wall moved: a projective mapping, and a mesh that is fine enough for it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from livebend.outputs.wall.shape import Layout, Matrix

WITHIN = 0.3  # pixels by which the mesh may be beside its place
FIRST, FINEST = 4, 96  # parts along an edge
LARGEST = 512  # pixels of a part's side: SDL in software draws no triangles that are much larger
LEAST = 0.02  # of the wall's area between two edges: flatter is no picture any more

Corners = Sequence[tuple[float, float]]
Mesh = NDArray[np.float64]  # [n + 1, n + 1, 2]: places x y on the wall of a regular grid
UNIT = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])


def homography(size: tuple[float, float], corners: Corners) -> Matrix | None:
    """Return what moves a wall (W, H) so that its corners are where they are pinned; None where
    they make no picture: a corner between the others, or edges that cross.

    corners: how far each is moved (right, down), in parts of W and H, clockwise from the upper
        left one.
    Source: Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989, section 2.2.3.
    """
    wide, high = size
    pinned = UNIT + np.asarray(corners, np.float64)
    if not _is_convex(pinned):
        return None
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = pinned
    a, b = (x1 - x2, y1 - y2), (x3 - x2, y3 - y2)
    s = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    area = a[0] * b[1] - b[0] * a[1]
    g, h = (s[0] * b[1] - b[0] * s[1]) / area, (a[0] * s[1] - s[0] * a[1]) / area
    square = np.array(
        [
            [x1 - x0 + g * x1, x3 - x0 + h * x3, x0],
            [y1 - y0 + g * y1, y3 - y0 + h * y3, y0],
            [g, h, 1.0],
        ]
    )
    made: Matrix = np.diag([wide, high, 1.0]) @ square @ np.diag([1 / wide, 1 / high, 1.0])
    return made


def _is_convex(corners: NDArray[np.float64]) -> bool:
    """Whether every corner turns clockwise on a screen, and none is all but straight."""
    ways = np.roll(corners, -1, axis=0) - corners
    after = np.roll(ways, -1, axis=0)
    return bool((ways[:, 0] * after[:, 1] - ways[:, 1] * after[:, 0] > LEAST).all())


def moved(points: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Return places [..., 2] moved by a projective matrix."""
    flat = points @ matrix[:2, :2].T + matrix[:2, 2]
    made: NDArray[np.float64] = flat / (points @ matrix[2, :2] + matrix[2, 2])[..., None]
    return made


def to_wall(layout: Layout) -> Matrix:
    """Return what moves places in the frame to the wall: flipped, turned and pinned. Corners that
    make no picture leave it where it is."""
    pin = homography(layout.wall, layout.shape.corners)
    return layout.to_wall() if pin is None else pin @ layout.to_wall()


def mesh(size: tuple[int, int], matrix: Matrix) -> Mesh:
    """Return where a grid over a frame (W, H) goes by a matrix: so fine that what lies flat between
    its points is within WITHIN pixels of its place, which falls with the square of the parts."""
    off = _beside(size, matrix, FIRST)
    least = math.ceil(max(size) / LARGEST)
    parts = max(least, math.ceil(FIRST * math.sqrt(off / WITHIN)))
    while parts < FINEST and _beside(size, matrix, parts) > WITHIN:
        parts += 4
    return moved(_grid(size, min(parts, FINEST)), matrix)


def _grid(size: tuple[int, int], parts: int) -> NDArray[np.float64]:
    x, y = np.meshgrid(*(np.linspace(0, side, parts + 1) for side in size))
    return np.stack([x, y], axis=-1)


def _beside(size: tuple[int, int], matrix: Matrix, parts: int) -> float:
    """How far the middles of a grid's flat edges and diagonals are from where they belong, at most,
    in pixels."""
    fine = moved(_grid(size, 2 * parts), matrix)
    ends = fine[::2, ::2]
    middles = (
        ((ends[:, :-1] + ends[:, 1:]) / 2, fine[::2, 1::2]),
        ((ends[:-1] + ends[1:]) / 2, fine[1::2, ::2]),
        ((ends[:-1, 1:] + ends[1:, :-1]) / 2, fine[1::2, 1::2]),
    )
    return max(float(np.linalg.norm(flat - true, axis=-1).max()) for flat, true in middles)
