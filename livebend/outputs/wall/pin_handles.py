"""Corners in the hand, of the wall or of each display: drawn over a window, and dragged with the
mouse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pygame

from livebend.outputs.display import Display, View
from livebend.outputs.drawing import AMBER, GROUND, INK, Colour
from livebend.outputs.sdl_window import SdlWindow
from livebend.outputs.wall.corner_pin import UNIT, Corners, homography
from livebend.outputs.wall.projectors import HEAD
from livebend.outputs.wall.settings import CORNERS
from livebend.outputs.wall.span import Place
from livebend.outputs.wall.wall import Seen

NEAR = 0.06  # of the window's height, from where a corner is taken
HANDLE, LINE = 13, 3  # pixels on a display 1080 high
SMALL = 0.34  # of the operator's window is the little wall in it
APART = 0.12  # of a little display's sides, by which it is smaller: neighbours share no corner
PRESSES = (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.MOUSEMOTION)

Area = tuple[float, float, float, float]  # left, top, width, height in pixels of a window


@dataclass(frozen=True, slots=True)
class Pin:
    """Four corners that are dragged on a window.

    head: what the names of their settings begin with.
    area: where, in pixels of the window, is what they are of while they are not moved.
    """

    head: str
    corners: Corners
    area: Area


class PinHandles:
    """Sets corners by hand. The main thread owns it."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._held: tuple[str, int] | None = None  # of which pin, which corner

    @property
    def is_held(self) -> bool:
        """Whether the mouse moves a corner now."""
        return self._held is not None

    def take(self, event: pygame.Event, pane: SdlWindow, pins: Sequence[Pin]) -> bool:
        """Do what an event of the mouse says on a window with pins; return whether it was for a
        corner."""
        if event.type == pygame.MOUSEBUTTONUP and event.button == pygame.BUTTON_LEFT:
            held, self._held = self._held, None
            return held is not None
        if event.type not in PRESSES or event.window != pane.window:
            return False
        at = np.array(event.pos) * pane.size / pane.window.size
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT:
            self._held = _nearest(at, pins, NEAR * pane.size[1])
        elif event.type == pygame.MOUSEMOTION and self._held is not None:
            for pin in pins:
                if pin.head == self._held[0]:
                    self._move(pin, self._held[1], (at - pin.area[:2]) / pin.area[2:])
        return self._held is not None

    def _move(self, pin: Pin, corner: int, at: np.ndarray) -> None:
        """Put a corner somewhere, unless that would be no picture any more."""
        wanted = [*pin.corners]
        x, y = np.clip(at - UNIT[corner], -1, 1)
        wanted[corner] = float(x), float(y)
        if homography((1, 1), wanted) is not None:
            self._display.set(f"{pin.head}{CORNERS[corner]}_x", float(x))
            self._display.set(f"{pin.head}{CORNERS[corner]}_y", float(y))

    def draw(self, pane: SdlWindow, pins: Sequence[Pin]) -> None:
        """Draw the outline of what is pinned, with its corners."""
        unit = pane.size[1] / 1080
        for pin in pins:
            places = _places(pin)
            for begin, end in zip(places, np.roll(places, -1, axis=0), strict=True):
                _line(pane, begin, end, max(LINE * unit, 1), AMBER)
            for index, place in enumerate(places):
                held = self._held == (pin.head, index)
                half = max(HANDLE * unit, 4) * (1.5 if held else 1)
                box = pygame.Rect(0, 0, round(2 * half), round(2 * half))
                box.center = round(place[0]), round(place[1])
                _fill(pane, box, INK if held else AMBER)

    def draw_small(self, pane: SdlWindow, pins: Sequence[Pin]) -> None:
        """Draw them small, over the operator's view."""
        if not pins:
            return
        areas = np.array([pin.area for pin in pins])
        left, top = areas[:, :2].min(axis=0)
        wide, high = (areas[:, :2] + areas[:, 2:]).max(axis=0) - (left, top)
        edge = min(wide, high) * 0.3
        box = left - edge, top - edge, wide + 2 * edge, high + 2 * edge
        _fill(pane, pygame.Rect(*map(round, box)), GROUND)
        self.draw(pane, pins)


def pins_on(seen: Seen, view: View) -> list[Pin]:
    """Return the pins on a window that shows a part of the wall: that of the wall, or its own."""
    size = seen.pane.size
    if not view.pin_each:
        return [Pin("", view.corners, area_on(size, seen.place))]
    return [_own(seen, (0.0, 0.0, *size))] if seen.number else []


def small_pins(window: tuple[int, int], shown: Sequence[Seen], view: View) -> list[Pin]:
    """Return the pins in the middle of the operator's window: the wall's, or each display's where
    it is on the wall, or beside the others where each shows all of it."""
    if not view.pin_each:
        return [Pin("", view.corners, _middle(window, np.array([[0, 0, *shown[0].place.wall]]))[0])]
    parts = [one.place.part for one in shown]
    boxes = np.array([(part.x, part.y, part.width, part.height) for part in parts], np.float64)
    if not (view.span and len(shown) > 1):
        boxes[:, 0] = np.cumsum(boxes[:, 2]) - boxes[:, 2]
    boxes[:, :2] += boxes[:, 2:] * APART / 2
    boxes[:, 2:] *= 1 - APART
    areas = _middle(window, boxes)
    return [_own(one, area) for one, area in zip(shown, areas, strict=True) if one.number]


def area_on(window: tuple[int, int], place: Place) -> Area:
    """Return where the whole wall is on a window that shows its place of it."""
    part, (wide, high) = place.part, place.wall
    across, down = window[0] / part.width, window[1] / part.height
    return -part.x * across, -part.y * down, wide * across, high * down


def _own(seen: Seen, area: Area) -> Pin:
    return Pin(f"{HEAD}.{seen.number}.", seen.projector.corners, area)


def _middle(window: tuple[int, int], boxes: np.ndarray) -> list[Area]:
    """Boxes [n, 4], made small in the middle of a window."""
    size = (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    scale = SMALL * min(np.array(window) / size)
    begin = (np.array(window) - size * scale) / 2
    made = [(*(box[:2] * scale + begin).tolist(), *(box[2:] * scale).tolist()) for box in boxes]
    return [(left, top, wide, high) for left, top, wide, high in made]


def _places(pin: Pin) -> np.ndarray:
    """Where the corners are [4, 2], in pixels of the window."""
    made: np.ndarray = (UNIT + pin.corners) * pin.area[2:] + pin.area[:2]
    return made


def _nearest(at: np.ndarray, pins: Sequence[Pin], reach: float) -> tuple[str, int] | None:
    """Which corner of which pin is at a place in pixels of the window."""
    found = [
        (float(far), pin.head, corner)
        for pin in pins
        for corner, far in enumerate(np.linalg.norm(_places(pin) - at, axis=1))
    ]
    far, head, corner = min(found, default=(reach, "", 0))
    return (head, corner) if far < reach else None


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
