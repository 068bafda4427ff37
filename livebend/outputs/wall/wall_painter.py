"""What draws the wall on one window: the picture as its layout has it, and what lies over it."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pygame
from numpy.typing import NDArray
from pygame._sdl2.video import Texture

from livebend.outputs.sdl_window import BLEND, LINEAR, MULTIPLY, OPAQUE, SdlWindow
from livebend.outputs.wall.corner_pin import homography, mesh, to_wall
from livebend.outputs.wall.pixels import GRAIN, grain
from livebend.outputs.wall.projectors import Projector
from livebend.outputs.wall.shape import Layout, Piece
from livebend.outputs.wall.span import Overlap, Part, Place, ramp
from livebend.outputs.wall.wall_frame import Triangles, WallFrame, triangle_draw

Moved = tuple[float, float, float, float]  # left, top, width, height of a picture, in its own place
IN_PLACE: Moved = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Layer:
    """Pixels on their way to a window.

    key: equal keys mean equal pixels.
    make: draws them.
    mode, quality: SDL's blend mode and scale quality.
    """

    name: str
    key: Hashable
    make: Callable[[], pygame.Surface]
    mode: int = OPAQUE
    quality: int = LINEAR


class WallPainter:
    """Draws on one window. The main thread owns it.

    The usual wall, upright and unpinned, is drawn on the window itself; any other on a frame, which
    is then sent through a mesh.
    """

    def __init__(self, pane: SdlWindow) -> None:
        self.pane = pane
        self._uploaded: dict[str, Hashable] = {}
        self._pieces: tuple[Layout, Sequence[Piece]] | None = None
        self._frame: WallFrame | None = None
        self._mesh: tuple[object, Triangles] | None = None
        self._own: WallFrame | None = None  # what the window shows before its own corners
        self._own_mesh: tuple[object, Triangles] | None = None

    def forget(self) -> None:
        """Drop what the GPU has lost."""
        self._frame = self._own = None
        self._uploaded.clear()
        self.pane.textures.clear()

    def texture(self, layer: Layer) -> Texture:
        """Return a layer on the GPU; what is there already is not drawn again."""
        key = layer.key, layer.mode, layer.quality
        if self._uploaded.get(layer.name) != key or layer.name not in self.pane.textures:
            self.pane.upload(layer.name, layer.make(), mode=layer.mode, quality=layer.quality)
            self._uploaded[layer.name] = key
        return self.pane.textures[layer.name]

    @contextmanager
    def projected(self, projector: Projector) -> Iterator[None]:
        """Have everything drawn as the window would show it meanwhile; then show it with the light
        and the corners that a projector has for itself."""
        size = self.pane.size
        found = homography(size, projector.corners)
        pin = np.eye(3) if found is None else found
        if np.array_equal(pin, np.eye(3)) and projector.brightness == 1.0:
            self._own = None
            yield
            return
        if self._own is None or self._own.size != size:
            self._own = WallFrame(self.pane, size)
        with self._own.drawing():
            self.pane.clear()
            yield
        wanted = size, pin.tobytes(), projector.brightness
        if self._own_mesh is None or self._own_mesh[0] != wanted:
            self._own_mesh = wanted, Triangles(mesh(size, pin), projector.brightness)
        self._own.draw(self._own_mesh[1])

    @contextmanager
    def drawing(self, layout: Layout, place: Place) -> Iterator[None]:
        """Have everything drawn on the upright wall meanwhile; then show a part of it."""
        matrix = to_wall(layout)
        whole = place.part == Part(0, 0, *self.pane.size) and layout.wall == self.pane.size
        if whole and np.array_equal(matrix, np.eye(3)):
            self._frame = None
            yield
            return
        if self._frame is None or self._frame.size != layout.frame:
            self._frame = WallFrame(self.pane, layout.frame)
        with self._frame.drawing():
            self.pane.clear()
            yield
        self._frame.draw(self._triangles(layout, place.part, matrix))

    def picture(self, layer: Layer, layout: Layout, level: float, moved: Moved) -> None:
        """Draw the picture at a level 0..1 of its light, moved within its own place."""
        texture, light = self.texture(layer), round(255 * min(level, 1.0))
        texture.color = (light, light, light)
        for piece in self._pieces_of(layout):
            if (place := upright(piece)) is not None:
                self._tile(texture, piece, place, moved)
                continue
            corners = piece.copy()
            corners[:, 2:] = (piece[:, 2:] - moved[:2]) / moved[2:]
            for i in range(1, len(corners) - 1):
                triangle_draw(texture, corners[[0, i, i + 1]], light)

    def over(self, layer: Layer, area: pygame.Rect, opacity: float) -> None:
        """Draw something over the picture."""
        texture = self.texture(layer)
        texture.alpha = round(255 * opacity)
        texture.draw(dstrect=area)

    def grain(self, amount: float, seed: int) -> None:
        """Draw film grain over everything; another for every seed."""
        pixels = grain()
        layer = Layer("grain", 0, lambda: _surface(pixels), MULTIPLY)
        texture, level = self.texture(layer), round(255 * amount)
        texture.color, texture.alpha = (level, level, level), level
        (wide, high), by = self.pane.size, max(1, round(self.pane.size[1] / 1080))
        side = GRAIN * by
        right, down = np.random.default_rng(seed).integers(0, side, 2)
        for top in range(-int(down), high, side):
            for left in range(-int(right), wide, side):
                texture.draw(dstrect=pygame.Rect(left, top, side, side))

    def fade_edges(self, overlap: Overlap, gamma: float) -> None:
        """Darken the strips that a neighbour shows as well."""
        (wide, high), levels = self.pane.size, ramp(gamma)
        across = round(wide * overlap.left), round(wide * overlap.right)
        down = round(high * overlap.top), round(high * overlap.bottom)
        rows = Layer("ramp across", gamma, lambda: _black(levels[None]), BLEND)
        columns = Layer("ramp down", gamma, lambda: _black(levels[:, None]), BLEND)
        if across[0]:
            self.texture(rows).draw(dstrect=pygame.Rect(0, 0, across[0], high))
        if across[1]:
            area = pygame.Rect(wide - across[1], 0, across[1], high)
            self.texture(rows).draw(dstrect=area, flip_x=True)
        if down[0]:
            self.texture(columns).draw(dstrect=pygame.Rect(0, 0, wide, down[0]))
        if down[1]:
            area = pygame.Rect(0, high - down[1], wide, down[1])
            self.texture(columns).draw(dstrect=area, flip_y=True)

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


def _surface(pixels: NDArray[np.uint8]) -> pygame.Surface:
    return pygame.image.frombytes(pixels.tobytes(), pixels.shape[1::-1], "RGBA")


def _black(opacity: NDArray[np.uint8]) -> pygame.Surface:
    """Black of an opacity [H, W]."""
    pixels = np.zeros((*opacity.shape, 4), np.uint8)
    pixels[..., 3] = opacity
    return _surface(pixels)
