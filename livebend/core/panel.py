"""What can be played by the mouse, and what it does there.

Plain values between the operator's view, which knows no scenes, and the desk, which knows no
windows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from livebend.core.ranges import Range

SHORT = {"sigma": "σ"}  # units as they are written beside a fader


@dataclass(frozen=True, slots=True)
class Fader:
    """A number that a fader shows.

    label: how it is called beside the fader.
    value: where it is, without routes.
    reach: what the fader goes over, with the unit.
    """

    path: str
    label: str
    value: float
    reach: Range

    @property
    def position(self) -> float:
        """Where the fader stands, 0..1."""
        return self.reach.to_unit(self.value)

    def text_at(self, position: float) -> str:
        """Return its value at a position 0..1, with its unit."""
        return value_text(self.reach.from_unit(position), self.reach)

    @property
    def text(self) -> str:
        """Its value, with its unit."""
        return value_text(self.value, self.reach)


def value_text(value: float, reach: Range) -> str:
    """Return a number as it is read: as fine as it is played, with a unit that is short.

    >>> value_text(0.25, Range(0, 1)), value_text(-90, Range(-360, 360, "deg"))
    ('0.25', '-90 deg')
    >>> value_text(3, Range(0, 9, whole=True)), value_text(1.5, Range(-1, 1, "of the picture"))
    ('3', '1.50')
    """
    width = abs(reach.high - reach.low)
    fine = 0 if reach.whole or width >= 100 else 1 if width >= 10 else 2
    unit = SHORT.get(reach.unit, reach.unit)
    return f"{value:.{fine}f} {unit}".rstrip() if " " not in unit else f"{value:.{fine}f}"


@dataclass(frozen=True, slots=True)
class Pad:
    """A slot for a scene.

    title: of the scene in it; "" where there is none.
    is_on: whether that is the scene that is played.
    waits: whether it comes with the next beat.
    """

    number: int
    title: str = ""
    is_on: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """All that can be played by the mouse now.

    show: the faders of the whole show.
    bends, routes: those of each, by its name, the most important first.
    muted: paths of the bends and routes that are left out.
    learning: the path that waits for a control, or "".
    """

    show: tuple[Fader, ...] = ()
    bends: Mapping[str, tuple[Fader, ...]] = field(default_factory=dict)
    routes: Mapping[str, tuple[Fader, ...]] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    pads: tuple[Pad, ...] = ()
    learning: str = ""

    @property
    def shape(self) -> tuple[object, ...]:
        """What decides how much room it takes."""
        counts = (tuple((n, len(f)) for n, f in of.items()) for of in (self.bends, self.routes))
        return len(self.show), len(self.pads), *counts


@dataclass(frozen=True, slots=True)
class Gesture:
    """What the mouse does to a parameter.

    set: put the fader to `amount`, 0..1
    turn: move it by `amount` fine steps
    reset: as the preset has it
    mute: on and off, of the bend or route at `path`
    learn, forget: bind the control that is moved next; take its controls from it
    """

    what: Literal["set", "turn", "reset", "mute", "learn", "forget"]
    path: str
    amount: float = 0.0
