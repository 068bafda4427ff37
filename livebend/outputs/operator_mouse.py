"""The mouse in the operator's view: what it is over, what it holds, and what that asks for.

A fader is moved by as far as the mouse is, not to where it is: a click by mistake changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from livebend.core import clock
from livebend.core.panel import Fader, Gesture, Pad
from livebend.core.status import Notice
from livebend.outputs.key_table import Action

LEFT, RIGHT = 1, 3  # buttons
DOUBLE = 0.4  # s between the presses of a double click, at most
STILL = 3.0  # units that a hand trembles at a click
UNDER_WAY = 0.3  # s until a value that was set is shown, at most


@dataclass(frozen=True, slots=True)
class Grip:
    """A fader; `width` is that of its track, in units."""

    fader: Fader
    width: float


@dataclass(frozen=True, slots=True)
class Button:
    """What does the same as a key; `about` says what."""

    action: Action
    about: str


@dataclass(frozen=True, slots=True)
class Part:
    """The name of a bend or a route, at a path such as bend.swirl: all of its faders, or few."""

    path: str


@dataclass(frozen=True, slots=True)
class Mute:
    """The lamp of a bend or a route at a path: on and off."""

    path: str


Target = Grip | Button | Part | Mute | Pad | Notice
Asked = Action | Gesture
Says = Callable[[str], str]


class Grid(NamedTuple):
    """Targets in rows of `columns`, each `width` by `height` units."""

    targets: Sequence[Pad]
    columns: int
    width: float
    height: float

    def at(self, x: float, y: float) -> int:
        """Return which target is at a place, from the upper left corner of the first."""
        return int(y // self.height) * self.columns + int(x // self.width)


class _Place(NamedTuple):
    """Where a target is, in units."""

    x: float
    y: float
    width: float
    height: float
    target: Target | Grid

    def has(self, at: tuple[float, float]) -> bool:
        return 0 <= at[0] - self.x < self.width and 0 <= at[1] - self.y < self.height


@dataclass(slots=True)
class _Held:
    """A fader in the hand: where both were when it was taken, in units and 0..1, and how wide the
    track is; `position` is where it is now."""

    path: str
    from_x: float
    start: float
    width: float
    position: float
    moved: bool = False


@dataclass(slots=True)
class _Press:
    """A press of the left button: of what, and when, in s."""

    path: str = ""
    moment: float = -1e9


@dataclass(slots=True, eq=False)
class Hand:
    """The hand on the mouse. The main thread owns it.

    Drawing says with `touch` what is where; what an event means is what was drawn there last.
    Positions are in units of the drawing.
    """

    at: tuple[float, float] | None = None
    _places: list[_Place] = field(default_factory=list)
    _drawn: list[_Place] = field(default_factory=list)
    _held: _Held | None = None
    _pressed: _Press = field(default_factory=_Press)
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)  # position, until s
    _open: set[str] = field(default_factory=set)  # paths of parts with all their faders
    _gone: set[Notice] = field(default_factory=set)

    # ---- drawing ---------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a drawing."""
        self._drawn = []

    def end(self) -> None:
        """End a drawing: from now on, what was drawn is what can be touched."""
        self._places = self._drawn

    def touch(self, x: float, y: float, width: float, height: float, target: Target) -> bool:
        """Say where a target is drawn; return whether the mouse is over it and holds no other."""
        place = _Place(x, y, width, height, target)
        self._drawn.append(place)
        if self._held is not None:
            return isinstance(target, Grip) and target.fader.path == self._held.path
        return self.at is not None and place.has(self.at)

    def touch_grid(self, x: float, y: float, grid: Grid) -> int | None:
        """Say where a grid is drawn; return which of its targets the mouse is over."""
        rows = -(-len(grid.targets) // grid.columns)
        place = _Place(x, y, grid.columns * grid.width, rows * grid.height, grid)
        self._drawn.append(place)
        if self._held is not None or self.at is None or not place.has(self.at):
            return None
        found = grid.at(self.at[0] - x, self.at[1] - y)
        return found if found < len(grid.targets) else None

    def moved(self, fader: Fader) -> float | None:
        """Return where a fader is in the hand, 0..1, whatever comes in, and a moment after that;
        None where it stands at its value."""
        held = self._held
        if held is not None and held.path == fader.path and held.moved:
            return held.position
        if fader.path not in self._left:
            return None
        position, until = self._left[fader.path]
        if clock.now() < until and fader.reach.from_unit(position) != fader.value:
            return position
        del self._left[fader.path]
        return None

    def is_open(self, path: str) -> bool:
        """Whether a part shows all of its faders."""
        return path in self._open

    def is_gone(self, notice: Notice) -> bool:
        """Whether a notice was clicked away."""
        return notice in self._gone

    @property
    def is_busy(self) -> bool:
        """Whether it holds a fader."""
        return self._held is not None

    @property
    def layout(self) -> tuple[object, ...]:
        """What decides how much room cards take."""
        return frozenset(self._open), len(self._gone)

    def said(self, says: Says) -> str:
        """Return what there is to say of what the mouse is over; "" where it is over nothing.

        says: what there is to say of a parameter, by its path.
        """
        target, text = self._over(), ""
        match target:
            case Grip(fader):
                text = says(fader.path)
            case Button(about=about):
                text = about
            case Part(path):
                text = f"{path}  ·  click: {'few' if path in self._open else 'all'} of its faders"
            case Mute(path):
                text = f"{path}.mute  ·  click: on and off"
            case Pad(number, title):
                recall = "click recalls, Ctrl click crosses, " if title else ""
                text = f"slot {number}  {title or 'empty'}  ·  {recall}Shift click stores the scene"
            case Notice():
                text = f"{target.text}  ·  click: away"
        return text

    # ---- events ----------------------------------------------------------------------------

    def move(self, at: tuple[float, float]) -> list[Asked]:
        """Take where the mouse is; return what that asks for."""
        self.at, held = at, self._held
        if held is None:
            return []
        way = at[0] - held.from_x
        held.moved |= abs(way) > STILL
        position = min(max(held.start + way / held.width, 0.0), 1.0)
        if not held.moved or position == held.position:
            return []
        held.position = position
        return [Gesture("set", held.path, position)]

    def leave(self) -> None:
        """The mouse is over something else now."""
        if self._held is None:
            self.at = None

    def press(
        self, button: int, at: tuple[float, float], *, shift: bool = False, ctrl: bool = False
    ) -> list[Asked]:
        """Press a button, while those keys are held; return what that asks for."""
        self.at = at
        target = self._over()
        if button == LEFT and isinstance(target, Pad):
            action = "store" if shift else "cross" if ctrl else "preset"
            return [Action(action, target.number)] if shift or target.title else []
        if button == LEFT:
            return self._click(target)
        if button == RIGHT and isinstance(target, Grip):
            return [Gesture("forget" if shift else "learn", target.fader.path)]
        return []

    def _click(self, target: Target | None) -> list[Asked]:
        """Press the left button on what is no pad."""
        asked: list[Asked] = []
        match target:
            case Grip(fader, width):
                asked = self._take(fader, width)
            case Button(action):
                asked = [action]
            case Mute(path):
                asked = [Gesture("mute", path)]
            case Part(path):
                self._open ^= {path}
            case Notice():
                self._gone.add(target)
        return asked

    def release(self) -> None:
        """Let go of what is held."""
        held, self._held = self._held, None
        if held is not None and held.moved:
            self._left[held.path] = (held.position, clock.now() + UNDER_WAY)

    def wheel(self, steps: float) -> list[Asked]:
        """Turn the wheel by steps, up above 0; return what that asks for."""
        target = self._over()
        if self._held is None and isinstance(target, Grip) and steps:
            return [Gesture("turn", target.fader.path, steps)]
        return []

    def forget(self, notices: tuple[Notice, ...]) -> None:
        """Keep in mind only those notices that were clicked away that there still are."""
        if self._gone:
            self._gone &= {*notices}

    def _take(self, fader: Fader, width: float) -> list[Asked]:
        pressed, self._pressed = self._pressed, _Press(fader.path, clock.now())
        if pressed.path == fader.path and clock.now() - pressed.moment < DOUBLE:
            self._pressed = _Press()
            return [Gesture("reset", fader.path)]
        assert self.at is not None
        moved = self.moved(fader)
        start = fader.position if moved is None else moved
        self._held = _Held(fader.path, self.at[0], start, width, start)
        return []

    def _over(self) -> Target | None:
        """What the mouse is over: what was drawn last lies above."""
        if self.at is None:
            return None
        place = next((p for p in reversed(self._places) if p.has(self.at)), None)
        if place is None:
            return None
        target = place.target
        if not isinstance(target, Grid):
            return target
        found = target.at(self.at[0] - place.x, self.at[1] - place.y)
        return target.targets[found] if found < len(target.targets) else None
