"""The operator's view: the state of the show, in cards on a grid."""

import pygame

from livebend.core.status import Status
from livebend.outputs.display import View
from livebend.outputs.drawing import CARD, GROUND, Canvas
from livebend.outputs.operator_cards import CARDS, ROW, Card, CardArea, help_card

COLUMN, GAP = 310.0, 10.0  # units


class OperatorView:
    """The operator's view of one window. The main thread owns it.

    The heights of the cards are measured only when they may have changed, since that costs as much
    as drawing them.
    """

    def __init__(self) -> None:
        self._canvas: Canvas | None = None
        self._shape: tuple[object, ...] = ()
        self._heights: dict[Card, float] = {}
        self._places: list[tuple[Card, int, float]] = []  # card, column, top

    def draw(
        self,
        size: tuple[int, int],
        status: Status,
        view: View,
        recording: str = "",
        remote: tuple[str, str] = ("", ""),
        *,
        over_picture: bool,
    ) -> pygame.Surface:
        """Return the view drawn at `size` pixels; `over_picture` lets a picture show between and
        behind the cards. `recording` and `remote` are those of `Display`. The surface is drawn on
        again by the next call."""
        canvas = self._canvas_of(size)
        canvas.clear(GROUND, 0 if over_picture else 255)
        count = max(1, int((canvas.width - GAP) // (COLUMN + GAP)))
        width = min((canvas.width - GAP * (count + 1)) / count, COLUMN * 1.5)
        self._arrange(canvas, count, width, status, view, recording, remote)
        alpha = 216 if over_picture else 255
        for card, column, y in self._places:
            x = GAP + column * (width + GAP)
            canvas.box(x, y, width, self._heights[card], CARD, alpha=alpha, radius=8)
            card(CardArea(canvas, x, y, width, status, view, recording, remote))
        return canvas.surface

    def _canvas_of(self, size: tuple[int, int]) -> Canvas:
        if self._canvas is None or self._canvas.surface.get_size() != size:
            self._canvas = Canvas(size, min(max(min(size[0] / 660, size[1] / 720), 0.9), 3.0))
        return self._canvas

    def _arrange(
        self,
        canvas: Canvas,
        count: int,
        width: float,
        status: Status,
        view: View,
        recording: str,
        remote: tuple[str, str],
    ) -> None:
        """Measure the cards to show by drawing them outside the canvas, and place them."""
        names = tuple(b.name for b in status.bends), tuple(r.name for r in status.routes)
        texts = (status.title, status.prompt, status.notices, tuple(status.stage_ms), status.engine)
        shape = (canvas, width, view, bool(recording), remote, *names, *texts)
        if shape != self._shape:
            cards = (help_card,) * view.help + CARDS * view.meters
            away = CardArea(canvas, -3 * canvas.width, 0, width, status, view, recording, remote)
            self._heights = {card: card(away) for card in cards}
            self._places = self._columns(count, canvas.height)
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
