"""The operator's view: everything the performer needs to see, in cards on a grid.

A card is one function that draws itself at a place and returns its height; CARDS is their order,
the most needed first, because a small window shows only as many as fit.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livebend.flow import Features
from livebend.outputs.display import View
from livebend.outputs.drawing import (
    ACCENTS,
    AMBER,
    BLUE,
    CARD,
    DIM,
    FAINT,
    GROUND,
    INK,
    PINK,
    RED,
    TEAL,
    VIOLET,
    Canvas,
    Colour,
    mixed,
)
from livebend.outputs.keys import KEYS
from livebend.specs import Value
from livebend.status import BendStatus, RouteStatus, Status

COLUMN, GAP, PAD, ROW = 330.0, 10.0, 14.0, 21.0  # units
HEAD = 34.0  # from the top of a card to its first row
SMALL, BODY, LARGE = 17.0, 19.0, 30.0  # heights of letters
LEVEL_COLOURS: Mapping[str, Colour] = {"info": TEAL, "warning": AMBER, "error": RED}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card stands and what it draws from. `inner` excludes the padding; units."""

    canvas: Canvas
    x: float
    y: float
    width: float
    status: Status
    view: View
    alpha: int

    @property
    def left(self) -> float:
        return self.x + PAD

    @property
    def right(self) -> float:
        return self.x + self.width - PAD

    @property
    def inner(self) -> float:
        return self.width - 2 * PAD


Card = Callable[[Place], float]


def draw(canvas: Canvas, status: Status, view: View, *, over_picture: bool) -> None:
    """Draw the view; `over_picture` leaves the picture visible between and behind the cards."""
    canvas.clear(GROUND, 0 if over_picture else 255)
    alpha = 216 if over_picture else 255
    count = max(1, int((canvas.width - GAP) // (COLUMN + GAP)))
    width = min((canvas.width - GAP * (count + 1)) / count, COLUMN * 1.5)
    column, y = 0, GAP
    cards: tuple[Card, ...] = (help_card, *CARDS) if view.help else CARDS
    for card in cards if view.meters or not over_picture else (help_card,):
        height = _measure(card, canvas, width, status, view)
        if y + height > canvas.height - GAP / 2 and y > GAP:
            column, y = column + 1, GAP
        if column == count:
            return
        place = Place(canvas, GAP + column * (width + GAP), y, width, status, view, alpha)
        if height:
            canvas.box(place.x, y, width, height, CARD, alpha, radius=8)
            card(place)
            y += height + GAP


def _measure(card: Card, canvas: Canvas, width: float, status: Status, view: View) -> float:
    """Return the height of a card, by drawing it outside the canvas."""
    return card(Place(canvas, -2 * width - 2 * canvas.width, 0, width, status, view, 255))


def header(at: Place) -> float:
    """Title, prompt, rates, and what the display is doing."""
    status, canvas, y = at.status, at.canvas, at.y + 24
    title = canvas.fitted(status.title or "livebend", LARGE, at.inner - 100)
    canvas.text(at.left, y, title, LARGE, INK)
    canvas.text(at.right, y, f"{status.fps:.1f}", LARGE, TEAL, "right")
    y += 24
    for line in canvas.wrapped(status.prompt or "no prompt", BODY, at.inner - 50, 2):
        canvas.text(at.left, y, line, BODY, mixed(INK, VIOLET, 0.55) if status.prompt else FAINT)
        if y < at.y + 60:
            canvas.text(at.right, y - 2, "fps", SMALL, DIM, "right")
        y += ROW
    y = _chips(at, y)
    latency, frame = status.latency_ms, status.frame_ms
    y = _numbers(at, y + 4, "frame", (frame.p50, frame.p95, frame.p99))
    return _numbers(at, y, "sound to picture", (latency.p50, latency.p95, latency.p99)) - at.y + 2


def _numbers(at: Place, y: float, label: str, values: tuple[float, float, float]) -> float:
    at.canvas.text(at.left, y, label, SMALL, DIM)
    for place, (name, value) in enumerate(zip(("p50", "p95", "p99"), values, strict=True)):
        x = at.right - 18 - (2 - place) * 60
        at.canvas.text(x, y, f"{value:.0f}", SMALL, INK if place == 0 else DIM, "right")
        if place == 2:
            at.canvas.text(at.right, y, "ms", SMALL, FAINT, "right")
        del name
    return y + ROW


def _chips(at: Place, y: float) -> float:
    """What keeps the picture from being shown as it is made."""
    view = at.view
    dimmed = f"brightness {view.brightness:.0%}" if view.brightness < 1 else ""
    chips = [(view.blackout, "BLACKOUT", RED), (view.freeze, "FREEZE", BLUE), (dimmed, dimmed, AMBER)]
    shown = [(text, colour) for on, text, colour in chips if on]
    x = at.left
    for text, colour in shown:
        wide = at.canvas.text(-999, 0, text, SMALL, GROUND) + 16
        at.canvas.box(x, y - 9, wide, 19, colour, radius=9)
        at.canvas.text(x + 8, y + 1, text, SMALL, GROUND)
        x += wide + 6
    return y + ROW if shown else y
