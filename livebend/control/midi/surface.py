"""One MIDI device at work: what its controls do to the show, and what its lights say of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from livebend.control.desk import Desk, SetDisplay, preset
from livebend.control.key_actions import ACTIONS, press
from livebend.control.midi.controls import (
    COARSE,
    RELATIVE,
    Moved,
    Pairs,
    message_to,
    steps,
)
from livebend.control.midi.profiles import Binding, Profile
from livebend.control.parameters import Parameter, Trees, soft_range, value_of
from livebend.control.targets import path_in, slot_of
from livebend.core.clock import now as clock_now
from livebend.core.errors import OutOfRange
from livebend.core.ranges import Range
from livebend.core.specs import ParameterValue
from livebend.scene import paths
from livebend.scene.commands import Change, Set

NEAR = 2.0 / COARSE  # positions this close are the same: a knob that is here has picked up
UNDER_WAY = 0.25  # s until a value that was sent is in the scene, at most
TOUCHED = 0.3  # s after a touch in which a control is not sent back where it stands
TURN = 1.0 / 128.0  # of the soft range, for one step of an encoder


@dataclass(slots=True)
class _Grip:
    """How the hand and a parameter stand to each other.

    at: the position 0..1 of the parameter's way at which the control was last.
    sent: the position it last gave the parameter; None while it does not hold it.
    pressed: whether it is down.
    moment: s, of the last touch.
    """

    at: float | None = None
    sent: float | None = None
    pressed: bool = False
    moment: float = -1e9

    def picks_up(self, position: float, value: float, reach: Range) -> bool:
        """Whether a control that comes to `position` holds a parameter of this value: it gave it
        that value, is where it is now, or passes it."""
        current = reach.to_unit(value)
        if self.sent is not None and reach.from_unit(self.sent) == value:
            return True
        passes = self.at is not None and (self.at - current) * (position - current) <= 0.0
        return passes or abs(position - current) <= NEAR


class _Found(NamedTuple):
    """A parameter that the show has, how far a fader of it goes, and its value."""

    parameter: Parameter
    reach: Range | None
    value: ParameterValue


@dataclass(slots=True, eq=False)
class Surface:
    """One device. Used by one thread.

    desk: what it acts on.
    trees: the parameters of its scenes.
    profile: its bindings; may be replaced while it plays.
    now: s, for tests.

    Soft takeover: a knob that stands elsewhere than its parameter, because a preset was loaded or
    somebody else moved it, does nothing until it has come to where the parameter is.
    """

    desk: Desk
    trees: Trees
    profile: Profile
    now: Callable[[], float] = clock_now
    _grips: dict[Binding, _Grip] = field(default_factory=dict)
    _pairs: Pairs = field(default_factory=Pairs)
    _coming: dict[str, tuple[ParameterValue, float]] = field(default_factory=dict)
    _lit: dict[Binding, int] = field(default_factory=dict)

    def play(self, event: Moved) -> None:
        """Do what a control is bound to. Raises: LivebendError."""
        pair = self._pairs.joined(event)
        bound = [b for b in self.profile.bound(event.control) if b.mode != "fine"]
        for binding in bound:
            self._act(binding, event)
        if pair is not None:
            for binding in self.profile.bound(pair.control):
                if binding.mode == "fine":
                    self._act(binding, pair)
        if event.control.kind == "program" and not bound:
            self.desk.send(preset(self.desk.bank, event.value + 1))

    def lights(self) -> Iterator[tuple[int, ...]]:
        """Yield the messages that bring lights, rings and motors to what is played, each once."""
        for binding in self.profile.bindings:
            value = self._light(binding)
            if value is None or self._lit.get(binding) == value:
                continue
            if self.now() - self._grip(binding).moment >= TOUCHED:
                self._lit[binding] = value
                yield message_to(binding.at, value)

    def relight(self) -> None:
        """Have every light sent again: the device was away, or has other bindings."""
        self._lit.clear()

    # ---- from the hand to the show -----------------------------------------------------------

    def _grip(self, binding: Binding) -> _Grip:
        return self._grips.setdefault(binding, _Grip())

    def _act(self, binding: Binding, event: Moved) -> None:
        grip = self._grip(binding)
        least = 1 if event.control.kind == "note" else (event.most + 1) // 2
        grip.moment, was, grip.pressed = self.now(), grip.pressed, event.value >= least
        begins = grip.pressed and not was
        if (slot := slot_of(binding.to)) is not None:
            if begins:
                press(self.desk, *slot)
        elif (action := ACTIONS.get(binding.to)) is not None:
            if binding.mode == "hold" and isinstance(action, SetDisplay):
                self.desk.send(SetDisplay(action.what, grip.pressed))
            elif begins:
                self.desk.send(action)
        elif (found := self._found(binding.to)) is None:
            self._refuse(binding.to)
        elif binding.mode in RELATIVE and found.reach and not found.parameter.is_setting:
            self.desk.send(_turned(found, found.reach, steps(event.value, binding.mode)))
        else:
            value = _new(binding, event, grip, found, begins=begins)
            if value is not None:
                self._send(found, value)

    def _found(self, target: str) -> _Found | None:
        """The parameter of a target; None where the show does not have it now."""
        scene = self.desk.scene.get()
        parameter = self.trees.of(scene).parameters.get(path_in(scene, target) or "")
        if parameter is None or parameter.access != "value":
            return None
        value, sent = self._coming.get(parameter.path, (0.0, -1e9))
        if self.now() - sent >= UNDER_WAY:
            value = value_of(self.desk, parameter, scene)
        return _Found(parameter, soft_range(scene, parameter), value)

    def _refuse(self, target: str) -> None:
        """Raises: UnknownName for a parameter that the scene does not have; nothing where it only
        has fewer bends than the target counts."""
        scene = self.desk.scene.get()
        if (path := path_in(scene, target)) is not None:
            paths.find(scene, path)

    def _send(self, found: _Found, value: ParameterValue) -> None:
        parameter = found.parameter
        if parameter.is_setting:
            self.desk.send(SetDisplay(parameter.spec.name, value))
            return
        self._coming[parameter.path] = (value, self.now())
        self.desk.send(Set(parameter.path, value))

    # ---- from the show to the device ---------------------------------------------------------

    def _light(self, binding: Binding) -> int | None:
        """The value 0..127 that a control shows; None for one that shows nothing."""
        is_ring = binding.mode in RELATIVE or not binding.pickup
        if not (binding.lights or is_ring) or slot_of(binding.to):
            return None
        action = ACTIONS.get(binding.to)
        if isinstance(action, SetDisplay):
            value, reach = self.desk.view(action.what), None
        elif action is not None:
            return None
        else:
            value, reach = self._standing(binding.to)
        if binding.lights:
            return binding.lights[bool(value)]
        return round(COARSE * (reach.to_unit(float(value)) if reach else float(bool(value))))

    def _standing(self, target: str) -> tuple[ParameterValue, Range | None]:
        """The value of a parameter and how far a fader goes; 0 where it is not there."""
        found = self._found(target)
        return (0, None) if found is None else (found.value, found.reach)


def _new(
    binding: Binding, event: Moved, grip: _Grip, found: _Found, *, begins: bool
) -> ParameterValue | None:
    """The value that an event gives a parameter; None where it gives none. `begins` = the control
    is pressed with it. Raises: OutOfRange for a text."""
    spec, reach, is_pad = found.parameter.spec, found.reach, event.control.kind == "note"
    if spec.kind == "bool":
        flips = (is_pad and binding.mode != "hold") or binding.mode == "toggle"
        return (not found.value if begins else None) if flips else grip.pressed
    if spec.kind == "choice":
        return _chosen(binding, event, found, begins=begins)
    if reach is None:
        raise OutOfRange(f"{found.parameter.path}: no number, and {binding.at} plays numbers only")
    if binding.mode in RELATIVE:  # of the display, which knows no changes
        position = reach.to_unit(float(found.value)) + TURN * steps(event.value, binding.mode)
        return reach.from_unit(position)
    if binding.mode in ("hold", "toggle"):
        return _flipped(binding, grip, reach, float(found.value), begins=begins)
    if is_pad and not event.value:
        return None
    position = binding.low + (binding.high - binding.low) * event.position
    holds = not binding.pickup or is_pad or grip.picks_up(position, float(found.value), reach)
    grip.at, grip.sent = position, position if holds else None
    return reach.from_unit(position) if holds else None


def _flipped(
    binding: Binding, grip: _Grip, reach: Range, number: float, *, begins: bool
) -> float | None:
    """The one or the other end of a binding's range: while held, or by turns at a press."""
    ends = (reach.from_unit(binding.low), reach.from_unit(binding.high))
    if binding.mode == "hold":
        return ends[grip.pressed]
    return ends[abs(number - ends[0]) < abs(number - ends[1])] if begins else None


def _chosen(binding: Binding, event: Moved, found: _Found, *, begins: bool) -> str | None:
    """The choice that an event makes: by position, or the next one at a press."""
    choices = found.parameter.spec.choices
    if binding.mode in RELATIVE:
        move = steps(event.value, binding.mode)
        index = choices.index(str(found.value)) + (move > 0) - (move < 0)
        return choices[min(max(index, 0), len(choices) - 1)]
    if event.control.kind == "note" or binding.mode == "toggle":
        return choices[(choices.index(str(found.value)) + 1) % len(choices)] if begins else None
    return choices[round(event.position * (len(choices) - 1))]


def _turned(found: _Found, reach: Range, turned: int) -> Change:
    """What an encoder that is turned by so many steps does, from where the parameter is when its
    turn comes: whole ones of a count, round and round on a circle."""
    path = found.parameter.path
    if reach.whole:
        return Change(path, float(turned))
    if reach.wraps:
        return Change(path, turned * TURN * (reach.high - reach.low))
    return Change(path, turned * TURN, by_fader=True)
