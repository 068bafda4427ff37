"""A picture of the wall on the GPU, drawn upright and then sent through a mesh."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from pygame._sdl2.video import Texture

from livebend.outputs import sdl
from livebend.outputs.sdl_window import LINEAR, OPAQUE, SdlWindow
from livebend.outputs.wall.corner_pin import Mesh


class WallFrame:
    """The wall as the picture sees it, upright and flat, in a window's renderer; (W, H) pixels."""

    def __init__(self, pane: SdlWindow, size: tuple[int, int]) -> None:
        self._pane, self.size = pane, size
        self._texture = Texture(pane.renderer, size, target=True, scale_quality=LINEAR)
        self._texture.blend_mode = OPAQUE
        with self.drawing():
            self._address = sdl.target_of(pane.window)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Have everything drawn on the frame meanwhile, and not on what is drawn on else: the
        window, or another frame."""
        renderer = self._pane.renderer
        before, renderer.target = renderer.target, self._texture
        try:
            yield
        finally:
            renderer.target = before

    def draw(self, triangles: "Triangles") -> None:
        """Draw it on the window, through a mesh."""
        sdl.draw_triangles(self._pane.window, self._address, triangles.arrays)


class Triangles:
    """A mesh of the window, as SDL takes it.

    places: in pixels of the window.
    light: 0..1 of that of the frame.
    """

    def __init__(self, places: Mesh, light: float = 1.0) -> None:
        rows, columns = places.shape[0] - 1, places.shape[1] - 1
        x, y = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
        xy = np.ascontiguousarray(places.reshape(-1, 2), np.float32)
        uv = np.ascontiguousarray(np.stack([x, y], axis=-1).reshape(-1, 2), np.float32)
        level = round(255 * light)
        colours = np.full((len(xy), 4), (level, level, level, 255), np.uint8)
        colours[::2, 3] = 254  # or SDL's software renderer takes what is turned for upright
        self.arrays = xy, colours, uv, _corners(rows, columns)


def _corners(rows: int, columns: int) -> NDArray[np.int32]:
    """Which points of a grid are the corners of its triangles."""
    first = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)
    right, below = first + 1, first + columns + 1
    made = np.stack([first, right, below, right, below + 1, below], axis=-1)
    return np.ascontiguousarray(made.reshape(-1), np.int32)


def triangle_draw(texture: Texture, corners: NDArray[np.float64], level: int) -> None:
    """Draw a part of a texture: a triangle's corners [3, 4], x y in pixels, u v."""
    (a, b, c), light = corners.tolist(), (level, level, level, 255)
    texture.draw_triangle(a[:2], b[:2], c[:2], a[2:], b[2:], c[2:], light, light, light)
