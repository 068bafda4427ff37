"""The test card: a grid, circles, colours, and for each display its name, size and strips."""

from collections.abc import Sequence
from dataclasses import dataclass

import pygame

from livebend.outputs.drawing import AMBER, FAINT, GROUND, INK, TEAL, Canvas, Colour
from livebend.outputs.wall.span import Overlap

SQUARES = 12  # along the lower side of the wall
MOST = 4096  # pixels along a side
BARS: tuple[Colour, ...] = (
    (255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0),
    (0, 0, 255), (0, 0, 0),
)  # fmt: skip
GREYS = 16


@dataclass(frozen=True, slots=True)
class Label:
    """A display on the card: where it is, left top width height in pixels of the wall as the
    picture sees it; its name; its (W, H) in its own pixels; the strips it shares."""

    area: tuple[float, float, float, float]
    name: str
    size: tuple[int, int]
    overlap: Overlap


def drawn_card(frame: tuple[int, int], labels: Sequence[Label]) -> pygame.Surface:
    """Return the card for a wall (W, H)."""
    by = min(1.0, MOST / max(frame))
    wide, high = max(round(frame[0] * by), 1), max(round(frame[1] * by), 1)
    canvas = Canvas((wide, high), 1.0)
    canvas.clear(GROUND, 255)
    _grid(canvas.surface)
    for label in labels:
        left, top, w, h = (side * by for side in label.area)
        area = pygame.Rect(round(left), round(top), round(w), round(h))
        _display(canvas, area, label)
        _strips(canvas.surface, area, label.overlap)
    return canvas.surface


def _grid(surface: pygame.Surface) -> None:
    """Squares, the edge, the diagonals and the largest circle, so that a wrong shape is seen."""
    wide, high = surface.get_size()
    side, (x, y) = min(wide, high) / SQUARES, (wide / 2, high / 2)
    line = max(round(min(wide, high) / 720), 1)
    for number in range(-int(x / side), int(x / side) + 1):
        at = round(x + number * side)
        pygame.draw.line(surface, FAINT, (at, 0), (at, high), line)
    for number in range(-int(y / side), int(y / side) + 1):
        at = round(y + number * side)
        pygame.draw.line(surface, FAINT, (0, at), (wide, at), line)
    pygame.draw.aaline(surface, FAINT, (0, 0), (wide - 1, high - 1))
    pygame.draw.aaline(surface, FAINT, (0, high - 1), (wide - 1, 0))
    pygame.draw.rect(surface, INK, (0, 0, wide, high), 2 * line)
    pygame.draw.circle(surface, INK, (round(x), round(y)), round(min(x, y)) - line, 2 * line)


def _strips(surface: pygame.Surface, area: pygame.Rect, overlap: Overlap) -> None:
    """What is shown by a neighbour as well."""
    wide, high = area.size
    left, right = round(wide * overlap.left), round(wide * overlap.right)
    top, bottom = round(high * overlap.top), round(high * overlap.bottom)
    line = max(round(min(area.size) / 240), 1)
    for strip in (
        pygame.Rect(area.left, area.top, left, high),
        pygame.Rect(area.right - right, area.top, right, high),
        pygame.Rect(area.left, area.top, wide, top),
        pygame.Rect(area.left, area.bottom - bottom, wide, bottom),
    ):
        if strip.width and strip.height:
            pygame.draw.rect(surface, AMBER, strip.inflate(-6 * line, -6 * line), line)


def _display(canvas: Canvas, area: pygame.Rect, label: Label) -> None:
    """A display's own circle, name, size, colours and greys."""
    least, (x, y) = min(area.size), area.center
    line = max(round(least / 360), 1)
    pygame.draw.rect(canvas.surface, TEAL, area, 2 * line)
    pygame.draw.circle(canvas.surface, TEAL, (x, y), round(least * 0.3), line)
    pygame.draw.line(canvas.surface, TEAL, (x - least * 0.04, y), (x + least * 0.04, y), line)
    pygame.draw.line(canvas.surface, TEAL, (x, y - least * 0.04), (x, y + least * 0.04), line)
    width = least * 0.56
    name = canvas.fitted(label.name, least * 0.09, width)
    canvas.text(x, y - least * 0.13, name, least * 0.09, INK, align="centre")
    size = f"{label.size[0]} × {label.size[1]}"
    canvas.text(x, y - least * 0.06, size, least * 0.05, INK, align="centre")
    _row(canvas.surface, x - width * 0.4, y + least * 0.05, width * 0.8, least * 0.08, BARS)
    levels = [round(255 * step / (GREYS - 1)) for step in range(GREYS)]
    greys = [(level, level, level) for level in levels]
    _row(canvas.surface, x - width * 0.4, y + least * 0.13, width * 0.8, least * 0.05, greys)


def _row(
    surface: pygame.Surface,
    left: float,
    top: float,
    wide: float,
    high: float,
    colours: Sequence[Colour],
) -> None:
    for index, colour in enumerate(colours):
        begin, end = (round(left + wide * i / len(colours)) for i in (index, index + 1))
        surface.fill(colour, pygame.Rect(begin, round(top), end - begin, round(high)))
