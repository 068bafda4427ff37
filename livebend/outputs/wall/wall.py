"""The wall: the newest picture, what lies over it, and black over all, on one window or several."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pygame

from livebend.flow import Frame
from livebend.outputs.black import Black
from livebend.outputs.bridge import Bridge
from livebend.outputs.display import View
from livebend.outputs.drawing import surface_of
from livebend.outputs.full_screen import FullScreen
from livebend.outputs.loading_picture import loading_picture
from livebend.outputs.monitors import Monitor
from livebend.outputs.sdl_window import ADD, BLEND, LINEAR, NEAREST, OPAQUE, SdlWindow
from livebend.outputs.wall.card import Label, drawn_card
from livebend.outputs.wall.corner_pin import moved
from livebend.outputs.wall.overlay import Title, drawn_title
from livebend.outputs.wall.pixels import coloured, enlarged, glow
from livebend.outputs.wall.projectors import Projector
from livebend.outputs.wall.settings import Look
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

    @property
    def name(self) -> str:
        return "" if self.monitor is None else self.monitor.name


@dataclass(frozen=True, slots=True)
class Seen:
    """What a window shows of the wall: its place, the name of its display, and that display's
    number among the projectors, 0 = none, with what is set of it."""

    painter: WallPainter
    place: Place
    name: str
    number: int
    projector: Projector

    @property
    def pane(self) -> SdlWindow:
        """The window."""
        return self.painter.pane

    def look(self, view: View) -> tuple[Look, str]:
        """Return the look of the picture here, and what tells it from others; "" where it is that
        of the wall."""
        own = self.projector
        if own.gamma == 1.0 and own.black_level == 0.0:
            return view, ""
        black = min(max(view.black_level + own.black_level, -0.5), 0.5)
        return replace(view, gamma=view.gamma * own.gamma, black_level=black), f" {self.number}"


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
        self._close_further()
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
        """Close the windows on further displays, and let go of what the picture's own has."""
        self._close_further()
        self._screens[0].painter.forget()

    def _close_further(self) -> None:
        for screen in self._screens[1:]:
            screen.painter.forget()  # before its window: SDL frees all that is on that
            screen.pane.close()
        del self._screens[1:]

    def paint(self, view: View, moment: float, over: Callable[[Seen], None] | None = None) -> None:
        """Draw what is seen, as the view sets it, and show it on further displays.

        over: draws on a window, above all else that is not black.
        """
        for seen in self.seen(view):
            seen.pane.clear()
            if self._black.opacity < 1.0:
                with seen.painter.projected(seen.projector):
                    self._paint(seen, view, moment)
            if over is not None and not view.blackout:
                over(seen)
        for screen in self._screens[1:]:
            screen.pane.present()

    def forget(self) -> None:
        """Draw everything again, from the newest frame: the GPU lost its textures."""
        for screen in self._screens:
            screen.painter.forget()
        self.frame = None

    def seen(self, view: View) -> list[Seen]:
        """Return what each window shows of the wall, the picture's own first."""
        monitors = [one.monitor for one in self._screens if one.monitor is not None]
        if view.span and 1 < len(monitors) == len(self._screens):
            found = places(monitors, view)
        else:
            found = [alone(one.pane.size) for one in self._screens]
        return [
            Seen(one.painter, place, one.name, *view.projector_of(one.name))
            for one, place in zip(self._screens, found, strict=True)
        ]

    # ---- one window

    def _paint(self, seen: Seen, view: View, moment: float) -> None:
        painter, layout = seen.painter, Layout((1, 1), seen.place.wall, view.shape)
        card = self._card(seen, layout, view) if view.test_card else None
        with painter.drawing(layout, seen.place):
            if card is not None:
                area, opacity = pygame.Rect((0, 0), layout.frame), 1.0 - self._black.opacity
                painter.over(card, area, opacity)
            elif self.frame is None:
                self._paint_loading(painter, layout, view, moment)
            else:
                self._paint_picture(seen, layout, view)
            self._paint_over(painter, layout, view)
        if view.grain and card is None:
            painter.grain(view.grain, self._taken)
        painter.fade_edges(seen.place.overlap, view.overlap_gamma)

    def _paint_loading(
        self, painter: WallPainter, layout: Layout, view: View, moment: float
    ) -> None:
        pixels = loading_picture(moment)
        shape = replace(layout.shape, fit="fill", zoom=1.0, x=0.0, y=0.0)
        layer = Layer("loading", moment, lambda: surface_of(pixels))
        whole = Layout(pixels.shape[1::-1], layout.wall, shape)
        painter.picture(layer, whole, self._black.level(view), IN_PLACE)

    def _paint_picture(self, seen: Seen, layout: Layout, view: View) -> None:
        assert self.frame is not None
        pixels, painter, look, whose = self.frame.pixels, seen.painter, *seen.look(view)
        layout = replace(layout, picture=(pixels.shape[1], pixels.shape[0]))
        level, at = self._black.level(view), self._bridge.moved
        by_gpu = view.filter in ("linear", "nearest")
        size = (0.0, 0.0) if by_gpu else layout.tile
        colours = self._taken, look.gamma, look.black_level
        picture = self._layer(
            f"squares{whose}" if view.filter == "nearest" else f"picture{whose}",
            (*colours, view.filter, size),
            lambda: surface_of(enlarged(coloured(pixels, look), size, view.filter)),
            quality=NEAREST if view.filter == "nearest" else LINEAR,
        )
        painter.picture(picture, layout, level, at)
        for part in (min(view.bloom, 1.0), view.bloom - 1.0):
            if part > 0:
                light = self._layer(
                    f"glow{whose}", colours, lambda: surface_of(glow(coloured(pixels, look))), ADD
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

    def _card(self, seen: Seen, layout: Layout, view: View) -> Layer:
        """The test card: of all displays where they span a picture, else of one."""
        spans = view.span and len(self._screens) > 1
        labels = tuple(_label(one, layout) for one in (self.seen(view) if spans else [seen]))
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


def _label(seen: Seen, layout: Layout) -> Label:
    """A window's place on the test card."""
    part = seen.place.part
    corners = np.array([(part.x, part.y), (part.x + part.width, part.y + part.height)], np.float64)
    back: Matrix = np.linalg.inv(layout.to_wall()).astype(np.float64)
    ends = moved(corners, back)
    (left, top), (right, bottom) = ends.min(axis=0), ends.max(axis=0)
    area = float(left), float(top), float(right - left), float(bottom - top)
    name = f"{seen.number}: {seen.name}" if seen.number else seen.name or "window"
    return Label(area, name, seen.pane.size, seen.place.overlap)
