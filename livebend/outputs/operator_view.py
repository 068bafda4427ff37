"""The operator's view: the state of the show, in cards on a grid, played by the mouse."""

import pygame

from livebend.outputs.card_area import ROW, SMALL, Card, CardArea, Shown
from livebend.outputs.drawing import CARD, DIM, GROUND, Canvas
from livebend.outputs.operator_cards import CARDS, help_card
from livebend.outputs.operator_mouse import Hand

COLUMN, GAP = 300.0, 10.0  # units
STRIP = 24.0  # units at the bottom, for what the mouse is over


class OperatorView:
    """The operator's view of one window. The main thread owns it.

    The heights of the cards are measured only when they may have changed, since that costs as much
    as drawing them.
    """

    def __init__(self) -> None:
        self.hand = Hand()
        self._canvas: Canvas | None = None
        self._shape: tuple[object, ...] = ()
        self._heights: dict[Card, float] = {}
        self._places: list[tuple[Card, int, float]] = []  # card, column, top

    def draw(self, size: tuple[int, int], shown: Shown, *, over_picture: bool) -> pygame.Surface:
        """Return the view drawn at `size` pixels; `over_picture` lets a picture show between and
        behind the cards. The surface is drawn on again by the next call."""
        canvas, hand = self._canvas_of(size), self.hand
        hand.forget(shown.status.notices)
        canvas.clear(GROUND, 0 if over_picture else 255)
        count = max(1, int((canvas.width - GAP) // (COLUMN + GAP)))
        width = min((canvas.width - GAP * (count + 1)) / count, COLUMN * 1.5)
        self._arrange(canvas, count, width, shown)
        alpha = 216 if over_picture else 255
        hand.begin()
        for card, column, y in self._places:
            x = GAP + column * (width + GAP)
            canvas.box(x, y, width, self._heights[card], CARD, alpha=alpha, radius=8)
            card(CardArea(canvas, x, y, width, shown, hand))
        hand.end()
        self._say(canvas, hand.said(shown.says), alpha)
        return canvas.surface

    def units(self, at: tuple[float, float]) -> tuple[float, float]:
        """Return a place in pixels in the units of the drawing."""
        unit = self._canvas.unit if self._canvas is not None else 1.0
        return at[0] / unit, at[1] / unit

    def _say(self, canvas: Canvas, text: str, alpha: int) -> None:
        """Say at the bottom what the mouse is over."""
        if text:
            top = canvas.height - STRIP
            canvas.box(0, top, canvas.width, STRIP, CARD, alpha=alpha)
            line = canvas.fitted(text, SMALL, canvas.width - 2 * GAP)
            canvas.text(GAP, top + STRIP / 2, line, SMALL, DIM)

    def _canvas_of(self, size: tuple[int, int]) -> Canvas:
        if self._canvas is None or self._canvas.surface.get_size() != size:
            self._canvas = Canvas(size, min(max(min(size[0] / 660, size[1] / 720), 0.9), 3.0))
        return self._canvas

    def _arrange(self, canvas: Canvas, count: int, width: float, shown: Shown) -> None:
        """Measure the cards to show by drawing them outside the canvas, and place them."""
        status, view = shown.status, shown.view
        names = tuple(b.name for b in status.bends), tuple(r.name for r in status.routes)
        notes = tuple(bool(b.note) for b in status.bends)
        texts = (status.title, status.prompt, status.notices, tuple(status.stage_ms), status.engine)
        lines = bool(shown.recording), bool(status.rig)
        played = (shown.panel.shape, self.hand.layout, notes)
        shape = (canvas, width, view, *lines, shown.remote, *names, *texts, *played)
        if shape != self._shape:
            cards = (help_card,) * view.help + CARDS * view.meters
            away = CardArea(canvas, -3 * canvas.width, 0, width, shown, self.hand)
            self._heights = {card: high for card in cards if (high := card(away))}
            self._places = self._columns(count, canvas.height - STRIP * bool(shown.panel.show))
            self._shape = shape

    def _columns(self, count: int, height: float) -> list[tuple[Card, int, float]]:
        """Return (card, column, top) of the cards that fit, in columns as even as can be."""
        limit = max(self._heights.values(), default=0.0) + 2 * GAP
        while limit < height and len(self._filled(count, limit)) < len(self._heights):
            limit += ROW
        return self._filled(count, min(limit, height))

    def _filled(self, count: int, height: float) -> list[tuple[Card, int, float]]:
        """Return (card, column, top), each column filled to `height` before the next begins."""
        filled: list[tuple[Card, int, float]] = []
        column, y = 0, GAP
        for card, needed in self._heights.items():
            if y > GAP and y + needed > height - GAP / 2:
                column, y = column + 1, GAP
            if column == count:
                break
            filled.append((card, column, y))
            y += needed + GAP
        return filled
