"""The corners of the wall in the hand: drawn over a window, and dragged with the mouse."""

import numpy as np
import pygame

from livebend.outputs.display import Display
from livebend.outputs.drawing import AMBER, GROUND, INK, Colour
from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.corner_pin import UNIT, homography
from livebend.outputs.wall.settings import CORNERS, Shape
from livebend.outputs.wall.span import Place

NEAR = 0.06  # of the window's height, from where a corner is taken
HANDLE, LINE = 13, 3  # pixels on a display 1080 high
SMALL = 0.34  # of the operator's window is the little wall in it
PRESSES = (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.MOUSEMOTION)

Area = tuple[float, float, float, float]  # left, top, width, height of the whole wall on a window


class PinHandles:
    """Sets the four corners of a display by hand. The main thread owns it."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._held: int | None = None  # which corner

    @property
    def is_held(self) -> bool:
        """Whether the mouse moves a corner now."""
        return self._held is not None

    def take(self, event: pygame.Event, pane: SdlWindow, area: Area) -> bool:
        """Do what an event of the mouse says on a window that shows the wall in an area of its
        pixels; return whether it was for a corner."""
        if event.type == pygame.MOUSEBUTTONUP and event.button == pygame.BUTTON_LEFT:
            held, self._held = self._held, None
            return held is not None
        if event.type not in PRESSES or event.window != pane.window:
            return False
        fine = np.array(pane.size) / pane.window.size
        at = (np.array(event.pos) * fine - area[:2]) / area[2:]
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT:
            self._held = self._nearest(at, NEAR * pane.size[1] / np.array(area[2:]))
        elif event.type == pygame.MOUSEMOTION and self._held is not None:
            self._move(self._held, at)
        return self._held is not None

    def _nearest(self, at: np.ndarray, reach: np.ndarray) -> int | None:
        """Which corner is at a place, in parts of the wall."""
        far = np.linalg.norm((UNIT + self._display.view.corners - at) / reach, axis=1)
        return int(far.argmin()) if far.min() < 1 else None

    def _move(self, corner: int, at: np.ndarray) -> None:
        """Put a corner somewhere, unless that would be no picture any more."""
        wanted = [*self._display.view.corners]
        x, y = np.clip(at - UNIT[corner], -1, 1)
        wanted[corner] = float(x), float(y)
        if homography((1, 1), wanted) is not None:
            self._display.set(f"{CORNERS[corner]}_x", float(x))
            self._display.set(f"{CORNERS[corner]}_y", float(y))

    def draw(self, pane: SdlWindow, shape: Shape, area: Area) -> None:
        """Draw the outline of the wall with its corners."""
        unit = pane.size[1] / 1080
        places = (UNIT + shape.corners) * area[2:] + area[:2]
        for begin, end in zip(places, np.roll(places, -1, axis=0), strict=True):
            _line(pane, begin, end, max(LINE * unit, 1), AMBER)
        for index, place in enumerate(places):
            half = max(HANDLE * unit, 4) * (1.5 if index == self._held else 1)
            box = pygame.Rect(0, 0, round(2 * half), round(2 * half))
            box.center = round(place[0]), round(place[1])
            _fill(pane, box, INK if index == self._held else AMBER)

    def draw_small(self, pane: SdlWindow, shape: Shape, wall: tuple[int, int]) -> None:
        """Draw it small, over the operator's view."""
        area = small_area(pane.size, wall)
        left, top, wide, high = map(round, area)
        edge = round(min(wide, high) * 0.3)
        _fill(pane, pygame.Rect(left - edge, top - edge, wide + 2 * edge, high + 2 * edge), GROUND)
        self.draw(pane, shape, area)


def area_on(window: tuple[int, int], place: Place) -> Area:
    """Return where the whole wall is on a window that shows its place of it."""
    part, (wide, high) = place.part, place.wall
    across, down = window[0] / part.width, window[1] / part.height
    return -part.x * across, -part.y * down, wide * across, high * down


def small_area(window: tuple[int, int], wall: tuple[int, int]) -> Area:
    """Return where the little wall is in the operator's window: in its middle."""
    scale = SMALL * min(window[0] / wall[0], window[1] / wall[1])
    wide, high = wall[0] * scale, wall[1] * scale
    return (window[0] - wide) / 2, (window[1] - high) / 2, wide, high


def _line(
    pane: SdlWindow, begin: np.ndarray, end: np.ndarray, width: float, colour: Colour
) -> None:
    way = end - begin
    across = np.array((-way[1], way[0])) / max(float(np.linalg.norm(way)), 1e-6) * width / 2
    pane.renderer.draw_color = (*colour, 255)
    corners = begin + across, end + across, end - across, begin - across
    pane.renderer.fill_quad(*(tuple(corner.tolist()) for corner in corners))


def _fill(pane: SdlWindow, box: pygame.Rect, colour: Colour) -> None:
    pane.renderer.draw_color = (*colour, 255)
    pane.renderer.fill_rect(box)
