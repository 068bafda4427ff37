"""A window with its renderer and textures."""

import pygame
from pygame._sdl2.video import Renderer, Texture

from livebend.outputs import sdl

NEAREST, LINEAR = 0, 1  # SDL's scale qualities
OPAQUE, BLEND, ADD, MULTIPLY = 0, 1, 2, 8  # SDL's blend modes


def placed(picture: tuple[int, int], area: tuple[int, int], cover: bool) -> pygame.Rect:
    """Return where a picture (width, height) goes in an area, centred and with its aspect kept:
    whole, or with `cover` so that it fills the area and is cut."""
    (width, height), (wide, high) = picture, area
    scale = (max if cover else min)(wide / width, high / height)
    size = (round(width * scale), round(height * scale))
    return pygame.Rect(((wide - size[0]) // 2, (high - size[1]) // 2), size)


class SdlWindow:
    """A window with its renderer and its textures by name. The main thread owns it."""

    def __init__(
        self,
        title: str,
        size: tuple[int, int],
        position: tuple[int, int] | int,
        *,
        vsync: bool,
        hidden: bool = False,
    ) -> None:
        """`position` is that of the upper left corner, or pygame.WINDOWPOS_CENTERED."""
        with sdl.making():
            self.window = pygame.Window(
                title, size, position, resizable=True, allow_high_dpi=True, hidden=hidden
            )
            self.renderer = Renderer(self.window, vsync=vsync)
        self.present = sdl.presenter(self.window)
        self.textures: dict[str, Texture] = {}
        self._made: dict[str, tuple[tuple[int, int], int]] = {}  # sizes and qualities

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, which on some displays are finer than the window's units;
        while a texture is drawn on, those of that."""
        self.renderer.set_viewport(None)
        view = self.renderer.get_viewport()
        return view.width, view.height

    def clear(self) -> None:
        """Fill with black."""
        self.renderer.draw_color = (0, 0, 0, 255)
        self.renderer.clear()

    def upload(
        self, name: str, surface: pygame.Surface, *, mode: int = OPAQUE, quality: int = LINEAR
    ) -> Texture:
        """Upload a surface to the GPU under a name, with SDL's blend mode and scale quality; return
        its texture."""
        texture = self.textures.get(name)
        made = surface.get_size(), quality
        if texture is None or self._made[name] != made:
            texture = Texture(
                self.renderer, surface.get_size(), streaming=True, scale_quality=quality
            )
            self.textures[name], self._made[name] = texture, made
        texture.blend_mode = mode
        texture.update(surface)
        return texture

    def draw_within(
        self, texture: Texture, area: pygame.Rect, place: pygame.Rect, flips: tuple[bool, bool]
    ) -> None:
        """Draw a texture at a place in an area, cut at its edges; with left and right, and up and
        down exchanged as `flips` has it."""
        self.renderer.set_viewport(area)
        texture.draw(dstrect=place, flip_x=flips[0], flip_y=flips[1])
        self.renderer.set_viewport(None)

    def close(self) -> None:
        """Close the window."""
        self.textures.clear()
        self.window.destroy()
