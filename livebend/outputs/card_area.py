"""A card of the operator's view: where it is drawn, and what in it can be touched by the mouse."""

from collections.abc import Callable
from dataclasses import dataclass, field

from livebend.core.panel import Panel
from livebend.core.status import Status
from livebend.outputs.display import View
from livebend.outputs.drawing import FAINT, Canvas
from livebend.outputs.operator_mouse import Hand, Says, Target

PAD, ROW = 14.0, 21.0  # units
HEAD = 34.0  # from the top of a card to its first row
SMALL, BODY, LARGE = 18.5, 21.0, 33.0  # heights of letters


def own_path(path: str) -> str:
    """Return a path as all there is to say of it."""
    return path


@dataclass(frozen=True, slots=True)
class Shown:
    """What is drawn.

    recording, remote: those of `Display`.
    panel: what can be played.
    says: returns what there is to say of a parameter, by its path.
    """

    status: Status
    view: View
    recording: str = ""
    remote: tuple[str, str] = ("", "")
    panel: Panel = field(default_factory=Panel)
    says: Says = own_path


@dataclass(frozen=True, slots=True)
class CardArea:
    """Where a card is drawn, in units, and from what. `inner` is its width without padding."""

    canvas: Canvas
    x: float
    y: float
    width: float
    shown: Shown
    hand: Hand

    @property
    def status(self) -> Status:
        return self.shown.status

    @property
    def view(self) -> View:
        return self.shown.view

    @property
    def panel(self) -> Panel:
        return self.shown.panel

    @property
    def left(self) -> float:
        return self.x + PAD

    @property
    def right(self) -> float:
        return self.x + self.width - PAD

    @property
    def inner(self) -> float:
        return self.width - 2 * PAD

    def touch(self, x: float, y: float, width: float, height: float, target: Target) -> bool:
        """Have the mouse act on a target within a place; return whether it is over it now."""
        return self.hand.touch(x, y, width, height, target)

    def heading(self, text: str) -> float:
        """Write the card's heading; return the height of its first row."""
        self.canvas.text(self.left, self.y + 17, text, SMALL, FAINT)
        return self.y + HEAD + 9

    def nothing(self, y: float) -> float:
        """Write that there is none; return the card's height."""
        self.canvas.text(self.left, y, "none", SMALL, FAINT)
        return y + ROW - self.y


Card = Callable[[CardArea], float]
