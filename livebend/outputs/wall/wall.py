"""The wall: the newest picture, black over it, and where all of it is seen."""

from collections.abc import Callable
from dataclasses import replace

from livebend.flow import Frame
from livebend.outputs.black import Black
from livebend.outputs.bridge import Bridge
from livebend.outputs.display import View
from livebend.outputs.loading_picture import loading_picture
from livebend.outputs.png_frames import surface_of
from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.shape import Layout
from livebend.outputs.wall.wall_painter import Part, WallPainter


class Wall:
    """What the audience sees, drawn on the picture's window. The main thread owns it.

    late: is called at every drawing with the seconds for which the last picture has been moved,
        because the next does not come; see `Bridge`.
    frame: the picture that is shown; None before the first.
    """

    def __init__(
        self, pane: SdlWindow, moment: float, late: Callable[[float], None] | None
    ) -> None:
        self._pane, self._painter = pane, WallPainter(pane)
        self._black, self._bridge, self._late = Black(moment), Bridge(), late
        self.frame: Frame | None = None

    def take(self, frame: Frame) -> None:
        """Take the newest picture to the GPU."""
        self._pane.upload("picture", surface_of(frame.pixels))
        self.frame = frame

    def arrive(self, moment: float) -> None:
        """Note that a picture has come, whether it is taken or not."""
        self._bridge.arrive(moment)

    def follow(self, view: View, moment: float) -> bool:
        """Go on to a moment, in s; return whether what is seen has changed by itself."""
        if self._late is not None:
            self._late(self._bridge.silent(moment))
        moves = self._bridge.move(moment, view.freeze)
        return self._black.follow(view, moment) or moves

    def paint(self, view: View, moment: float) -> None:
        """Draw what is seen, as the view sets it."""
        self._pane.clear()
        if self._black.opacity == 1.0:
            return
        layout, moved = self._layout(view, moment), self._bridge.moved
        with self._painter.drawing(layout, Part(0, 0, *layout.wall)):
            name = "loading" if self.frame is None else "picture"
            level = self._black.level(view)
            self._painter.picture(self._pane.textures[name], layout, level, moved)

    def forget(self) -> None:
        """Draw everything again, from the newest frame: the GPU lost its textures."""
        self._pane.textures.clear()
        self._painter.forget()
        self.frame = None

    def _layout(self, view: View, moment: float) -> Layout:
        wall, shape = self._pane.size, view.shape
        if self.frame is None:
            surface = surface_of(loading_picture(moment))
            self._pane.upload("loading", surface)
            return Layout(surface.get_size(), wall, replace(shape, fit="fill", zoom=1, x=0, y=0))
        height, width, _ = self.frame.pixels.shape
        return Layout((width, height), wall, shape)
