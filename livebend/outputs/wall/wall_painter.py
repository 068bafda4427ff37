"""What draws the picture of the wall on a window, as its layout has it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pygame
from numpy.typing import NDArray
from pygame._sdl2.video import Texture

from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.corner_pin import mesh, to_wall
from livebend.outputs.wall.shape import Layout, Piece
from livebend.outputs.wall.wall_frame import Triangles, WallFrame, triangle_draw

Moved = tuple[float, float, float, float]  # left, top, width, height of a picture, in its own place
IN_PLACE: Moved = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Part:
    """What a window shows of the wall, in pixels of the wall."""

    x: float
    y: float
    width: float
    height: float


class WallPainter:
    """Draws on one window. The main thread owns it.

    The usual wall, upright and unpinned, is drawn on the window itself; any other on a frame, which
    is then sent through a mesh.
    """

    def __init__(self, pane: SdlWindow) -> None:
        self.pane = pane
        self._pieces: tuple[Layout, Sequence[Piece]] | None = None
        self._frame: WallFrame | None = None
        self._mesh: tuple[object, Triangles] | None = None

    def forget(self) -> None:
        """Drop what the GPU has lost."""
        self._frame = None

    @contextmanager
    def drawing(self, layout: Layout, part: Part) -> Iterator[None]:
        """Have everything drawn on the upright wall meanwhile; then show a part of it."""
        whole = part == Part(0, 0, *layout.wall) and layout.wall == self.pane.size
        matrix = to_wall(layout)
        if whole and np.array_equal(matrix, np.eye(3)):
            self._frame = None
            yield
            return
        if self._frame is None or self._frame.size != layout.frame:
            self._frame = WallFrame(self.pane, layout.frame)
        with self._frame.drawing():
            self.pane.clear()
            yield
        self._frame.draw(self._triangles(layout, part, matrix))

    def picture(self, texture: Texture, layout: Layout, level: float, moved: Moved) -> None:
        """Draw the picture at a level 0..1 of its light, moved within its own place."""
        light = round(255 * level)
        texture.color = (light, light, light)
        for piece in self._pieces_of(layout):
            if (place := upright(piece)) is not None:
                self._tile(texture, piece, place, moved)
                continue
            corners = piece.copy()
            corners[:, 2:] = (piece[:, 2:] - moved[:2]) / moved[2:]
            for i in range(1, len(corners) - 1):
                triangle_draw(texture, corners[[0, i, i + 1]], light)

    def _tile(self, texture: Texture, piece: Piece, place: pygame.Rect, moved: Moved) -> None:
        """Draw the whole picture where a piece is, mirrored as that is."""
        over, under = bool(piece[0, 2] > piece[1, 2]), bool(piece[0, 3] > piece[3, 3])
        if moved == IN_PLACE:
            texture.draw(dstrect=place, flip_x=over, flip_y=under)
            return
        left, top, wide, high = moved
        x = 1 - left - wide if over else left
        y = 1 - top - high if under else top
        size = round(wide * place.width), round(high * place.height)
        at = pygame.Rect((round(x * place.width), round(y * place.height)), size)
        self.pane.draw_within(texture, place, at, flips=(over, under))

    def _pieces_of(self, layout: Layout) -> Sequence[Piece]:
        if self._pieces is None or self._pieces[0] != layout:
            self._pieces = layout, layout.pieces()
        return self._pieces[1]

    def _triangles(self, layout: Layout, part: Part, matrix: NDArray[np.float64]) -> Triangles:
        wanted = layout.wall, layout.frame, part, self.pane.size, matrix.tobytes()
        if self._mesh is None or self._mesh[0] != wanted:
            scale = np.array(self.pane.size) / (part.width, part.height)
            places = (mesh(layout.frame, matrix) - (part.x, part.y)) * scale
            self._mesh = wanted, Triangles(places)
        return self._mesh[1]


def upright(piece: Piece) -> pygame.Rect | None:
    """Return where a piece is that shows the whole picture in an upright rectangle, in whole
    pixels; None for any other."""
    if len(piece) != 4 or set(piece[:, 2:].ravel()) != {0.0, 1.0}:
        return None
    (left, top), (right, bottom) = piece[0, :2], piece[2, :2]
    if not np.allclose(piece[:, :2], [(left, top), (right, top), (right, bottom), (left, bottom)]):
        return None
    x, y = round(left), round(top)
    return pygame.Rect((x, y), (max(round(right) - x, 1), max(round(bottom) - y, 1)))
