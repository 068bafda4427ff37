"""The cards of the operator's view that are played: bends, routes, the scenes, and buttons."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import pygame

from livebend.core.panel import Fader, Pad
from livebend.core.specs import ParameterValue
from livebend.core.status import BendStatus, RouteStatus
from livebend.outputs.card_area import BODY, ROW, SMALL, CardArea
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
    TRACK,
    VIOLET,
    Canvas,
    Colour,
)
from livebend.outputs.key_table import KEYS, Action
from livebend.outputs.operator_mouse import Button, Grid, Grip, Mute, Part

FADER = 20.0  # units: the height of a fader's row
LABEL, VALUE = 80.0, 72.0  # beside its track
FEW = 2  # faders of a bend that are always shown
CROWD = 6  # bends or routes from which on only those that are opened show any
BUTTON_HIGH, BUTTON_GAP = 23.0, 5.0
COLUMNS = 8  # of pads
PAD_HIGH, PAD_GAP, PAD_TEXT = 15.0, 3.0, 15.0
BUTTONS: tuple[tuple[str, str, Colour], ...] = (
    ("tap", "TAP", TEAL), ("undo", "UNDO", VIOLET), ("panic", "PANIC", PINK),
    ("freeze", "FREEZE", BLUE), ("blackout", "BLACK", RED),
)  # fmt: skip
ABOUT = {key.action: f"{key.doc}  ·  key {key.label}" for key in KEYS}


def buttons(at: CardArea, y: float) -> float:
    """What is done at once: a row of buttons; return the next free height."""
    on = (at.view.freeze, at.view.blackout)
    at.canvas.put(_buttons_drawn(at.inner, at.canvas.unit, *on), at.left, y)
    for x, wide, (name, _, colour) in _row_of_buttons(at.inner):
        button = Button(Action(name), ABOUT[name])
        if at.touch(at.left + x, y, wide, BUTTON_HIGH, button):
            at.canvas.frame(at.left + x, y, wide, BUTTON_HIGH, colour, radius=5)
    return y + BUTTON_HIGH + 8


def _row_of_buttons(width: float) -> Iterator[tuple[float, float, tuple[str, str, Colour]]]:
    """Yield where each button begins, its width, and what it is."""
    wide = (width - BUTTON_GAP * (len(BUTTONS) - 1)) / len(BUTTONS)
    return ((n * (wide + BUTTON_GAP), wide, button) for n, button in enumerate(BUTTONS))


@lru_cache(maxsize=8)
def _buttons_drawn(width: float, unit: float, freeze: bool, blackout: bool) -> pygame.Surface:
    """The row of buttons."""
    canvas = Canvas((round(width * unit) + 1, round(BUTTON_HIGH * unit) + 1), unit)
    canvas.clear(CARD, 0)
    on = {"freeze": freeze, "blackout": blackout}
    for x, wide, (name, text, colour) in _row_of_buttons(width):
        is_on = on.get(name, False)
        canvas.box(x, 0, wide, BUTTON_HIGH, colour if is_on else TRACK, radius=5)
        ink = GROUND if is_on else colour
        canvas.text(x + wide / 2, BUTTON_HIGH / 2 + 1, text, 17.0, ink, align="centre")
    return canvas.surface


def scenes(at: CardArea) -> float:
    """The slots as pads, and the faders of the whole show."""
    if not (at.panel.pads or at.panel.show):
        return 0.0
    y = _pads(at, at.heading("SCENES") - 8)
    _news(at)
    for fader in at.panel.show:
        y = _fader(at, y, fader, VIOLET)
    return y + 2 - at.y


def _news(at: CardArea) -> None:
    """Beside the heading: what is being recorded for a loop, what waits, what is on the other side
    of the crossfader."""
    status, room = at.status, at.inner - 70
    said = (
        (f"records {status.recording}" * bool(status.recording), PINK),
        (f"waits: {status.waiting}" * bool(status.waiting), AMBER),
        (f"other side: {status.other}" * bool(status.other), DIM),
    )
    text, colour = next(((text, colour) for text, colour in said if text), ("", DIM))
    line = at.canvas.fitted(text, SMALL, room)
    at.canvas.text(at.right, at.y + 17, line, SMALL, colour, align="right")


def _pads(at: CardArea, y: float) -> float:
    pads, unit = at.panel.pads, at.canvas.unit
    wide = (at.inner - PAD_GAP * (COLUMNS - 1)) / COLUMNS
    at.canvas.put(_pads_drawn(pads, at.inner, unit), at.left, y)
    grid = Grid(pads, COLUMNS, wide + PAD_GAP, PAD_HIGH + PAD_GAP)
    over = at.hand.touch_grid(at.left, y, grid)
    if over is not None:
        x = at.left + (over % COLUMNS) * grid.width
        at.canvas.frame(x, y + (over // COLUMNS) * grid.height, wide, PAD_HIGH, INK, radius=3)
    return y + -(-len(pads) // COLUMNS) * grid.height + 14


@lru_cache(maxsize=4)
def _pads_drawn(pads: tuple[Pad, ...], width: float, unit: float) -> pygame.Surface:
    """All pads, which seldom change and would cost as much as everything else."""
    high = -(-len(pads) // COLUMNS) * (PAD_HIGH + PAD_GAP)
    canvas = Canvas((round(width * unit) + 1, round(high * unit) + 1), unit)
    canvas.clear(CARD, 0)
    wide = (width - PAD_GAP * (COLUMNS - 1)) / COLUMNS
    for place, pad in enumerate(pads):
        x = (place % COLUMNS) * (wide + PAD_GAP)
        y = (place // COLUMNS) * (PAD_HIGH + PAD_GAP)
        fill = AMBER if pad.waits else TEAL if pad.is_on else TRACK
        ink = GROUND if pad.waits or pad.is_on else INK
        if pad.title:
            canvas.box(x, y, wide, PAD_HIGH, fill, radius=3)
        else:
            canvas.frame(x, y, wide, PAD_HIGH, TRACK, radius=3)
        middle = (x + wide / 2, y + PAD_HIGH / 2 + 0.5)
        canvas.text(*middle, f"{pad.number}", PAD_TEXT, ink if pad.title else FAINT, align="centre")
    return canvas.surface


def bends(at: CardArea) -> float:
    """Each bend with its strength, and its faders."""
    y = at.heading("BENDS")
    if not at.status.bends:
        return at.nothing(y)
    at.canvas.text(at.right, at.y + 17, "strength", SMALL, FAINT, align="right")
    for place, bend in enumerate(at.status.bends):
        y = _bend(at, y, bend, ACCENTS[place % len(ACCENTS)])
    return y - 2 - at.y


def _bend(at: CardArea, y: float, bend: BendStatus, accent: Colour) -> float:
    colour, path = accent if bend.active else FAINT, f"bend.{bend.name}"
    goal = f" of {bend.goal:.2f}" if bend.goal else ""
    strength = f"{bend.strength:.2f}{goal}"
    at.canvas.number(at.right, y, strength, SMALL, colour)
    about = f"{bend.operator} · {bend.site}"
    _head(at, y, path, (bend.name, about), 104 if goal else 48, colour, is_on=bend.active)
    y += 14
    at.canvas.bar(at.left, y, at.inner, bend.strength, colour, height=3)
    y += 14
    faders = _shown(at, path, at.panel.bends.get(bend.name, ()), len(at.status.bends))
    if bend.note or not at.panel.bends:
        values = "   ".join(f"{name} {_number(value)}" for name, value in bend.values.items())
        line = bend.note or values
        ink = AMBER if bend.note else DIM
        at.canvas.text(at.left, y, at.canvas.fitted(line, SMALL, at.inner), SMALL, ink)
        y += ROW
    for fader in faders:
        now = bend.mix if fader.label == "mix" else bend.values.get(fader.label)
        y = _fader(at, y, fader, colour, now if isinstance(now, float | int) else None)
    return y + 5


def _number(value: ParameterValue) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _head(
    at: CardArea,
    y: float,
    path: str,
    words: tuple[str, str],
    kept: float,
    colour: Colour,
    *,
    is_on: bool,
) -> None:
    """The line of a bend or route: its lamp, its name, what it is; `kept` units are left free."""
    canvas, x = at.canvas, at.left
    if at.panel.bends or at.panel.routes:
        muted = path in at.panel.muted
        over = at.touch(x - 6, y - ROW / 2, 20, ROW, Mute(path))
        canvas.lamp(x + 4, y - 1, 5.5 if over else 4.5, colour, 0.15 if muted else 1.0)
        x += 16
    name, about = words
    ink = INK if is_on else FAINT
    end = x + canvas.text(x, y, canvas.fitted(name, BODY, 110), BODY, ink) + 8
    room = at.right - kept - 8 - end
    if at.touch(x, y - ROW / 2, at.right - kept - x, ROW, Part(path)):
        canvas.box(x, y + 9, end - 8 - x, 1.5, ink)
    if room > 20:
        canvas.text(end, y + 1, canvas.fitted(about, SMALL, room), SMALL, DIM)


def _shown(at: CardArea, path: str, faders: tuple[Fader, ...], count: int) -> tuple[Fader, ...]:
    """Those faders of a part that are shown: all where it is open, else the first."""
    if at.hand.is_open(path):
        return faders
    few = FEW if path.startswith("bend.") else FEW - 1
    return faders[: few if count <= CROWD else 0]


def routes(at: CardArea) -> float:
    """Each route: its source, its target, what it adds, and its faders."""
    y = at.heading("ROUTES")
    if not at.status.routes:
        return at.nothing(y)
    for route in at.status.routes:
        y = _route(at, y, route)
    return y - at.y


def _route(at: CardArea, y: float, route: RouteStatus) -> float:
    path = f"route.{route.name}"
    at.canvas.number(at.right, y, f"{route.output:+.2f}", SMALL, INK)
    target = route.target.removeprefix("bend.")
    _head(at, y, path, (route.source, f"to {target}"), 62, TEAL, is_on=path not in at.panel.muted)
    at.canvas.bar(at.left, y + 13, at.inner, route.value, TEAL, height=3)
    y += 26
    faders = at.panel.routes.get(route.name, ())
    for fader in _shown(at, path, faders, len(at.status.routes)):
        y = _fader(at, y, fader, TEAL)
    return y + 4


def _fader(at: CardArea, y: float, fader: Fader, colour: Colour, now: float | None = None) -> float:
    """A fader, and with `now` a stroke where routes have its number; return the next height."""
    canvas, wide = at.canvas, at.inner - LABEL - VALUE
    over = at.touch(at.left, y - FADER / 2, at.inner, FADER, Grip(fader, wide))
    look = _Look(at.inner, canvas.unit, colour, over, fader.path == at.panel.learning)
    canvas.put(_fader_drawn(fader, at.hand.moved(fader), look), at.left, y - FADER / 2)
    if now is not None and now != fader.value:
        x = at.left + LABEL + fader.reach.to_unit(now) * wide
        canvas.box(x - 1, y - 7, 2, 14, INK)
    return y + FADER


class _Look(NamedTuple):
    """How a fader is drawn: its width and a unit in pixels, and whether the mouse is over it, or it
    waits for a control."""

    width: float
    unit: float
    colour: Colour
    is_lit: bool
    learns: bool


@lru_cache(maxsize=128)
def _fader_drawn(fader: Fader, moved: float | None, look: _Look) -> pygame.Surface:
    """A fader at its place, or where the hand has `moved` it: drawn once while it stands there."""
    canvas = Canvas((round(look.width * look.unit) + 1, round(FADER * look.unit) + 1), look.unit)
    canvas.clear(CARD, 0)
    position, text = (
        (fader.position, fader.text) if moved is None else (moved, fader.text_at(moved))
    )
    ink = AMBER if look.learns else INK if look.is_lit else DIM
    colour, y = AMBER if look.learns else look.colour, FADER / 2
    zero = fader.reach.to_unit(0.0) if fader.reach.low < 0 < fader.reach.high else 0.0
    canvas.text(0, y, canvas.fitted(fader.label, SMALL, LABEL - 6), SMALL, ink)
    wide = look.width - LABEL - VALUE
    canvas.fader(LABEL, y, wide, position, colour, zero, lit=look.is_lit)
    said = canvas.fitted("move it" if look.learns else text, SMALL, VALUE - 10)
    canvas.text(look.width, y, said, SMALL, ink, align="right")
    return canvas.surface
