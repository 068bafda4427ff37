"""The desk: everything that a controller can act on. OSC and keys use the same one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Protocol

from livebend.control.tap_tempo import MOST_TAPS, TapTempo
from livebend.core.errors import Refused, UnknownName
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue, Spec
from livebend.core.status import Status
from livebend.scene.commands import (
    Change,
    Command,
    Keep,
    Load,
    LoadStored,
    Set,
    Store,
    keep_nothing,
)
from livebend.scene.presets import Slot
from livebend.scene.values import Scene, Tempo

Display = Callable[[str, ParameterValue | None], None]


class Bank(Protocol):
    """The presets that controllers can recall, by name or by slot from 1.

    version: another one whenever what the slots hold has changed.
    """

    @property
    def version(self) -> int: ...

    def slots(self) -> Mapping[int, Slot]:
        """Return what the slots hold that are not empty, by their numbers."""

    def recall(self, which: str | int) -> tuple[str, Scene]:
        """Return the preset's name and its scene. Raises: LivebendError."""

    def expect(self, slot: int, scenes: int = 1) -> None:
        """Note that a scene is on its way to a slot, or, with −1, that it will not come."""

    def expected(self, which: str | int) -> str:
        """Return the name of a preset that a scene is on its way to, or "" where none is."""


@dataclass(frozen=True, slots=True)
class SetDisplay:
    """Change a setting of the display, not of the scene: it works even when the network hangs.

    Without a value a switch toggles, and a number goes on to the next.
    """

    what: str
    on: ParameterValue | None = None


@dataclass(frozen=True, slots=True)
class Tap:
    """Tap the tempo: there is a beat now."""


@dataclass(frozen=True, slots=True)
class Retime:
    """Begin a phrase at the nearest beat, or halve or double the tempo."""

    how: Literal["resync", "half", "double"]


@dataclass(frozen=True, slots=True)
class Learn:
    """Bind the control that is moved next to a parameter or an action; "" = to the parameter that
    was touched last. With `forget`, take its controls from it. `by` says whose control; "" = that
    of MIDI or OSC, whichever comes first."""

    target: str = ""
    forget: bool = False
    by: Literal["", "midi", "osc"] = ""


Action = Command | SetDisplay | Tap | Retime | Learn


@dataclass(frozen=True, slots=True)
class Query:
    """Reply with the value of what has this path."""

    path: str


@dataclass(frozen=True, slots=True)
class FaderMove:
    """Set a number by a fader's position 0..1; without one, reply with its position."""

    path: str
    position: float | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Send what changes to a port of who asks; 0 = no more.

    wants: what more than values, meters and notices: "play" also the positions of faders, "routes"
        also what routes move.
    """

    port: int
    wants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """What a message asks for (None = nothing), and a notice if a number in it was clamped."""

    action: Action | Query | FaderMove | Listen | None = None
    clamped: str = ""


def clamp_notice(spec: Spec, path: str, given: object, value: ParameterValue) -> str:
    """Return what to report if `value` is a number that was clamped, else ""."""
    range_ = spec.range
    given = spec.understand(given, path)
    if range_ is None or range_.wraps or isinstance(given, str) or given == value:
        return ""
    return f"{path} = {given:g}: clamped to {value}"


def unknown_view(name: str) -> ParameterValue:
    """Raises: UnknownName: there is no display here."""
    raise UnknownName("display setting", name, ())


def no_midi(_: Learn) -> None:
    """Raises: Refused: no MIDI device is listened to."""
    raise Refused("learn: no MIDI device is listened to (--midi)")


@dataclass(frozen=True, slots=True)
class Desk:
    """What a controller can act on. Every member may be used from any thread.

    give: queues a command; False if the queue is full.
    display: sets a setting of the window at once; None toggles.
    scene: the newest scene that the render thread has published.
    warn: reports what was refused or clamped.
    output: the display's settings by name.
    tapper: the tap tempo.
    keep: stores a scene in a slot, without waiting; see `SceneKeeper`.
    view: returns a setting of the display, by name.
    status: returns the newest state of the show, which it may have to compute.
    learn: binds controls. Raises: LivebendError where it cannot.
    touched: the path that a controller set last, or "".
    """

    give: Callable[[Command], bool]
    display: Display
    scene: Latest[Scene]
    bank: Bank
    warn: Notify
    output: Mapping[str, Spec] = field(default_factory=dict)
    tapper: TapTempo = field(default_factory=TapTempo)
    keep: Keep = keep_nothing
    view: Callable[[str], ParameterValue] = unknown_view
    status: Callable[[], Status] = Status
    learn: Callable[[Learn], None] = no_midi
    touched: Latest[str] = field(default_factory=partial(Latest, ""))

    def send(self, action: Action) -> bool:
        """Do what a controller asks for; False if the queue is full. Raises: LivebendError from the
        bank."""
        if isinstance(action, Tap):
            return all(self.give(command) for command in self.tapper.tap(self.scene.get()))
        if isinstance(action, Retime):
            return self.give(_retimed(self.scene.get().tempo, action.how))
        if isinstance(action, SetDisplay):
            self.display(action.what, action.on)
            return True
        if isinstance(action, Learn):
            self._learn(action)
            return True
        if isinstance(action, Set | Change):
            self.touched.put(action.path)
        if isinstance(action, Store):
            self.bank.expect(action.slot)
            given = self.give(replace(action, keep=self.keep))
            if not given:
                self.bank.expect(action.slot, -1)
            return given
        return self.give(action)

    def _learn(self, action: Learn) -> None:
        target = action.target or self.touched.get()
        if not target:
            raise Refused("learn: no parameter was touched yet; touch one, or name it")
        self.learn(replace(action, target=target))


def _retimed(tempo: Tempo, how: str) -> Set:
    """The command that changes the tempo so."""
    if how == "resync":
        return Set("tempo.resyncs", (tempo.resyncs + 1) % MOST_TAPS)
    return Set("tempo.factor", tempo.factor * (0.5 if how == "half" else 2.0))


def preset(bank: Bank, which: str | int, fade: float | None = None) -> Load | LoadStored:
    """Return the command that loads a preset in `fade` s; None = the scene's `preset.fade`.

    A preset that a command before this one stores is read when both have their turn.
    Raises: LivebendError.
    """
    if stored := bank.expected(which):
        return LoadStored(stored, fade, recall=bank.recall)
    name, scene = bank.recall(which)
    return Load(scene, name, fade)
