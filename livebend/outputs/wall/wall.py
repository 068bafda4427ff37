"""The wall: the newest picture, what lies over it, and black over all, on one window or several."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pygame

from livebend.flow import Frame
from livebend.outputs.black import Black
from livebend.outputs.bridge import Bridge
from livebend.outputs.display import View
from livebend.outputs.full_screen import FullScreen
from livebend.outputs.loading_picture import loading_picture
from livebend.outputs.monitors import Monitor
from livebend.outputs.png_frames import surface_of
from livebend.outputs.sdl_window import ADD, BLEND, LINEAR, NEAREST, OPAQUE, SdlWindow
from livebend.outputs.wall.card import Label, drawn_card
from livebend.outputs.wall.corner_pin import moved
from livebend.outputs.wall.overlay import Title, drawn_title
from livebend.outputs.wall.pixels import coloured, enlarged, glow
from livebend.outputs.wall.shape import Layout, Matrix
from livebend.outputs.wall.span import Place, alone, places
from livebend.outputs.wall.wall_painter import IN_PLACE, Layer, WallPainter

STRAYS = 3  # times that a window on a further display is put back that was taken elsewhere


@dataclass(slots=True)
class _Screen:
    """A window of the wall, and the display that it is on; None where there is none."""

    painter: WallPainter
    monitor: Monitor | None
    full: FullScreen | None = None  # of a further display's window
    strays: int = STRAYS

    @property
    def pane(self) -> SdlWindow:
        return self.painter.pane


class Wall:
    """What the audience sees, on the picture's window and on further displays. The main thread owns
    it.

    late: is called at every drawing with the seconds for which the last picture has been moved,
        because the next does not come; see `Bridge`.
    logo: what `output.logo` shows.
    frame: the picture that is shown; None before the first.
    """

    def __init__(
        self,
        pane: SdlWindow,
        moment: float,
        late: Callable[[float], None] | None,
        logo: pygame.Surface | None = None,
    ) -> None:
        self._screens = [_Screen(WallPainter(pane), None)]
        self._black, self._bridge, self._late = Black(moment), Bridge(), late
        self._title, self._logo = Title(), logo
        self._taken = 0  # pictures
        self._drawn: dict[str, tuple[Hashable, pygame.Surface]] = {}
        self.frame: Frame | None = None

    def take(self, frame: Frame) -> None:
        """Take the newest picture."""
        self.frame = frame
        self._taken += 1

    def arrive(self, moment: float) -> None:
        """Note that a picture has come, whether it is taken or not."""
        self._bridge.arrive(moment)

    def follow(self, view: View, preset: str, moment: float) -> bool:
        """Go on to a moment, in s; return whether what is seen has changed by itself.

        preset: the title of the scene that plays.
        """
        if self._late is not None:
            self._late(self._bridge.silent(moment))
        moves = self._bridge.move(moment, view.freeze)
        fades = self._title.follow(view, preset, moment)
        return self._black.follow(view, moment) or moves or fades

    def spread(self, own: Monitor | None, others: Sequence[Monitor]) -> None:
        """Be seen on the display of the picture's window and, in full screen, on others."""
        self._screens[0].monitor = own
        if [one.monitor for one in self._screens[1:]] == [*others]:
            return
        self.close()
        for other in others:
            pane = SdlWindow(other.name, other.size, (other.x, other.y), vsync=False)
            full = FullScreen(pane.window)
            full.enter(other)
            self._screens.append(_Screen(WallPainter(pane), other, full))

    def settle(self) -> None:
        """Put back a window on a further display that the window manager took elsewhere."""
        for screen in self._screens[1:]:
            on, full = screen.monitor, screen.full
            if on is None or full is None or not screen.strays or full.fills(on):
                continue
            screen.strays -= 1
            full.leave()
            screen.pane.window.position = on.x, on.y
            full.enter(on)

    def close(self) -> None:
        """Close the windows on further displays."""
        for screen in self._screens[1:]:
            screen.pane.close()
        del self._screens[1:]

    def paint(self, view: View, moment: float) -> None:
        """Draw what is seen, as the view sets it, and show it on further displays."""
        found = self.places(view)
        for screen, place in zip(self._screens, found, strict=True):
            screen.pane.clear()
            if self._black.opacity < 1.0:
                self._paint(screen, place, view, moment)
        for screen in self._screens[1:]:
            screen.pane.present()

    def forget(self) -> None:
        """Draw everything again, from the newest frame: the GPU lost its textures."""
        for screen in self._screens:
            screen.painter.forget()
        self.frame = None

    def places(self, view: View) -> list[Place]:
        """Return where each window is on the wall, the picture's own first."""
        monitors = [one.monitor for one in self._screens if one.monitor is not None]
        if view.span and 1 < len(monitors) == len(self._screens):
            return places(monitors, view)
        return [alone(one.pane.size) for one in self._screens]

    # ---- one window

    def _paint(self, screen: _Screen, place: Place, view: View, moment: float) -> None:
        painter, layout = screen.painter, Layout((1, 1), place.wall, view.shape)
        card = self._card(screen, place, layout, view) if view.test_card else None
        with painter.drawing(layout, place):
            if card is not None:
                area, opacity = pygame.Rect((0, 0), layout.frame), 1.0 - self._black.opacity
                painter.over(card, area, opacity)
            elif self.frame is None:
                self._paint_loading(painter, layout, view, moment)
            else:
                self._paint_picture(painter, layout, view)
            self._paint_over(painter, layout, view)
        if view.grain and card is None:
            painter.grain(view.grain, self._taken)
        painter.fade_edges(place.overlap, view.overlap_gamma)

    def _paint_loading(
        self, painter: WallPainter, layout: Layout, view: View, moment: float
    ) -> None:
        pixels = loading_picture(moment)
        shape = replace(layout.shape, fit="fill", zoom=1.0, x=0.0, y=0.0)
        layer = Layer("loading", moment, lambda: surface_of(pixels))
        whole = Layout(pixels.shape[1::-1], layout.wall, shape)
        painter.picture(layer, whole, self._black.level(view), IN_PLACE)

    def _paint_picture(self, painter: WallPainter, layout: Layout, view: View) -> None:
        assert self.frame is not None
        pixels = self.frame.pixels
        layout = replace(layout, picture=(pixels.shape[1], pixels.shape[0]))
        level, at = self._black.level(view), self._bridge.moved
        by_gpu = view.filter in ("linear", "nearest")
        size = (0.0, 0.0) if by_gpu else layout.tile
        colours = self._taken, view.gamma, view.black_level
        picture = self._layer(
            "squares" if view.filter == "nearest" else "picture",
            (*colours, view.filter, size),
            lambda: surface_of(enlarged(coloured(pixels, view), size, view.filter)),
            quality=NEAREST if view.filter == "nearest" else LINEAR,
        )
        painter.picture(picture, layout, level, at)
        for part in (min(view.bloom, 1.0), view.bloom - 1.0):
            if part > 0:
                light = self._layer(
                    "glow", colours, lambda: surface_of(glow(coloured(pixels, view))), ADD
                )
                painter.picture(light, layout, level * part, at)

    def _paint_over(self, painter: WallPainter, layout: Layout, view: View) -> None:
        (wide, high), seen = layout.frame, 1.0 - self._black.opacity
        if self._logo is not None and view.logo:
            logo, scale = self._logo, view.logo_size * high / self._logo.get_height()
            area = pygame.Rect(0, 0, round(logo.get_width() * scale), round(view.logo_size * high))
            area.center = round(wide * (0.5 + view.logo_x)), round(high * (0.5 + view.logo_y))
            painter.over(Layer("logo", 0, lambda: logo, BLEND), area, seen * view.logo_opacity)
        if self._title.opacity > 0:
            text, size = self._title.text, view.title_size * high
            key = text, round(size), wide
            layer = self._layer("title", key, lambda: drawn_title(text, size, wide), BLEND)
            area = layer.make().get_rect()
            area.center = round(wide * (0.5 + view.title_x)), round(high * (0.5 + view.title_y))
            painter.over(layer, area, seen * self._title.opacity)

    def _card(self, screen: _Screen, place: Place, layout: Layout, view: View) -> Layer:
        """The test card: of all displays where they span a picture, else of one."""
        spans = view.span and len(self._screens) > 1
        found = (
            [*zip(self._screens, self.places(view), strict=True)] if spans else [(screen, place)]
        )
        labels = tuple(_label(one, where, layout) for one, where in found)
        name = "card" if spans else f"card of {labels[0].name}"
        return self._layer(name, (layout.frame, labels), lambda: drawn_card(layout.frame, labels))

    def _layer(
        self,
        name: str,
        key: Hashable,
        make: Callable[[], pygame.Surface],
        mode: int = OPAQUE,
        quality: int = LINEAR,
    ) -> Layer:
        """A layer that is drawn once for all windows."""

        def drawn() -> pygame.Surface:
            if name not in self._drawn or self._drawn[name][0] != key:
                self._drawn[name] = key, make()
            return self._drawn[name][1]

        return Layer(name, key, drawn, mode, quality)


def _label(screen: _Screen, place: Place, layout: Layout) -> Label:
    """A window's place on the test card."""
    part = place.part
    corners = np.array([(part.x, part.y), (part.x + part.width, part.y + part.height)], np.float64)
    back: Matrix = np.linalg.inv(layout.to_wall()).astype(np.float64)
    ends = moved(corners, back)
    (left, top), (right, bottom) = ends.min(axis=0), ends.max(axis=0)
    area = float(left), float(top), float(right - left), float(bottom - top)
    name = "window" if screen.monitor is None else screen.monitor.name
    return Label(area, name, screen.pane.size, place.overlap)
