"""Where the picture is on the wall, as flat pieces: pure geometry, without a window.

The picture is laid out upright, in a frame of the wall's size (with its sides exchanged where it is
turned by a quarter); the frame is then flipped, turned and pinned into the wall.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livebend.outputs.wall.settings import Shape

Piece = NDArray[np.float64]  # [n, 4]: corners of a convex polygon, x y in pixels of the frame, u v
Matrix = NDArray[np.float64]  # [3, 3], of homogeneous coordinates

MOST = 40  # tiles to either side: what lies further out is black
WHOLE = np.array([[-0.5, -0.5, 0, 0], [0.5, -0.5, 1, 0], [0.5, 0.5, 1, 1], [-0.5, 0.5, 0, 1]])
SIGNS = {"none": (1, 1), "horizontal": (-1, 1), "vertical": (1, -1), "both": (-1, -1)}


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture (W, H) on a wall (W, H), both in pixels, as a shape sets it."""

    picture: tuple[int, int]
    wall: tuple[int, int]
    shape: Shape

    @property
    def quarters(self) -> int:
        """By how many quarter turns it is turned clockwise, 0..3."""
        return round(self.shape.rotate / 90) % 4

    @property
    def frame(self) -> tuple[int, int]:
        """(W, H) of the wall as the picture sees it, upright."""
        return self.wall[::-1] if self.quarters % 2 else self.wall

    @property
    def tile(self) -> tuple[float, float]:
        """(W, H) of the picture in the frame, in pixels."""
        (wide, high), (w, h) = self.frame, self.picture
        zoom = self.shape.zoom
        if self.shape.fit == "stretch":
            return wide * zoom, high * zoom
        scale = (max if self.shape.fit == "fill" else min)(wide / w, high / h) * zoom
        return w * scale, h * scale

    def pieces(self) -> list[Piece]:
        """Return the pieces of the picture in the frame, some of them partly beside it."""
        match self.shape.fit:
            case "mirror":
                found = [*self._tiles(*self._room())]
            case "kaleidoscope":
                found = [*self._wedges()]
            case _:
                found = [self._tile(0, 0)]
        left, top, *_ = self._room()
        return [piece - (left, top, 0, 0) for piece in found]

    def to_wall(self) -> Matrix:
        """Return what turns places in the frame into places on the wall."""
        (wide, high), (w, h) = self.frame, self.wall
        right, down = SIGNS[self.shape.flip]
        cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[self.quarters]
        turned, there, back = np.eye(3), np.eye(3), np.eye(3)
        turned[:2, :2] = (cos * right, -sin * down), (sin * right, cos * down)
        there[:2, 2], back[:2, 2] = (w / 2, h / 2), (-wide / 2, -high / 2)
        made: Matrix = there @ turned @ back
        return made

    def _tile(self, column: int, row: int) -> Piece:
        """The picture so many places right of and below the middle, mirrored at each edge; from the
        middle of the picture."""
        wide, high = self.tile
        made = WHOLE.copy()
        made[:, 0] = (made[:, 0] + column) * wide
        made[:, 1] = (made[:, 1] + row) * high
        if column % 2:
            made[:, 2] = 1 - made[:, 2]
        if row % 2:
            made[:, 3] = 1 - made[:, 3]
        return made

    def _room(self) -> tuple[float, float, float, float]:
        """The frame's left, top, right and bottom edge from the middle of the picture."""
        (wide, high), shape = self.frame, self.shape
        left, top = -wide * (0.5 + shape.x), -high * (0.5 + shape.y)
        return left, top, left + wide, top + high

    def _tiles(self, left: float, top: float, right: float, bottom: float) -> Iterator[Piece]:
        wide, high = self.tile
        columns, rows = _places(left, right, wide), _places(top, bottom, high)
        return (self._tile(column, row) for row in rows for column in columns)

    def _wedges(self) -> Iterator[Piece]:
        """What two mirrors in the middle of the picture show: a wedge of it, and its reflections
        all around. The wedge reaches over the picture's edge into mirrored ones."""
        mirrors, (left, top, right, bottom) = self.shape.mirrors, self._room()
        angle = math.pi / mirrors
        reach = math.hypot(max(-left, right), max(-top, bottom)) / math.cos(angle / 2)
        reach = max(reach, 1.0)
        far = reach * math.cos(angle), reach * math.sin(angle)
        wedge = np.array([(0.0, 0.0), (reach, 0.0), far])
        seen = [
            cut
            for tile in self._tiles(0.0, 0.0, reach, far[1])
            if (cut := clipped(tile, wedge)) is not None
        ]
        for turn in range(mirrors):
            c, s = math.cos(2 * turn * angle), math.sin(2 * turn * angle)
            for sign in (1, -1):
                matrix = np.array([[c, -s * sign], [s, c * sign]])
                yield from (np.hstack([piece[:, :2] @ matrix.T, piece[:, 2:]]) for piece in seen)


def _places(low: float, high: float, side: float) -> range:
    """Which tiles of a side, one of them around 0, lie between two places."""
    first, last = math.floor(low / side + 0.5), math.ceil(high / side - 0.5)
    return range(max(first, -MOST), min(last, MOST) + 1)


def clipped(piece: Piece, outline: NDArray[np.float64]) -> Piece | None:
    """Return the part of a piece inside a convex outline [n, 2], which is clockwise on a screen;
    None where there is none. Sutherland and Hodgman's algorithm."""
    points = [*piece]
    for begin, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        points = _halved(points, begin, end)
        if len(points) < 3:
            return None
    return np.array(points)


def _halved(
    points: Sequence[NDArray[np.float64]], begin: NDArray[np.float64], end: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """The part of a polygon to the right of a line as one walks along it on a screen."""
    way = end - begin
    sides = [way[0] * (p[1] - begin[1]) - way[1] * (p[0] - begin[0]) for p in points]
    kept = []
    for i, (point, side) in enumerate(zip(points, sides, strict=True)):
        before, other = points[i - 1], sides[i - 1]
        if (side >= 0) != (other >= 0):
            kept.append(before + (point - before) * (other / (other - side)))
        if side >= 0:
            kept.append(point)
    return kept
