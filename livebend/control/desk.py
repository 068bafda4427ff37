"""The desk: everything that a controller can act on. OSC and keys use the same one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    Clear,
    Command,
    Keep,
    Load,
    LoadOther,
    LoadStored,
    Remove,
    Set,
    Store,
    Undo,
    keep_nothing,
)
from livebend.scene.presets import Slot
from livebend.scene.show_values import Tempo, TimeUnit
from livebend.scene.values import Scene

BARS = 4  # of a loop, where nothing else is said
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

    def names(self) -> Sequence[str]:
        """Return the names of all presets."""

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


@dataclass(frozen=True, slots=True)
class Automate:
    """Record a parameter for some bars and loop it, or, with `stop`, end the recording and remove
    the loop. "" = the parameter that was touched last, or of a stop what is being recorded."""

    path: str = ""
    bars: int = BARS
    stop: bool = False


Action = Command | SetDisplay | Tap | Retime | Learn | Automate


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


def no_automation(_: Automate) -> None:
    """Raises: Refused: nothing records here."""
    raise Refused("automation: nothing records it here")


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
    keep, clear: store a scene in a slot, and remove one, without waiting; see `SceneKeeper`.
    view: returns a setting of the display, by name.
    status: returns the newest state of the show, which it may have to compute.
    learn: binds controls. Raises: LivebendError where it cannot.
    automate: begins or ends the recording of a loop. Raises: LivebendError where it cannot.
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
    clear: Callable[[int], object] = keep_nothing
    view: Callable[[str], ParameterValue] = unknown_view
    status: Callable[[], Status] = Status
    learn: Callable[[Learn], None] = no_midi
    automate: Callable[[Automate], None] = no_automation
    touched: Latest[str] = field(default_factory=partial(Latest, ""))

    def send(self, action: Action) -> bool:
        """Do what a controller asks for; False if the queue is full. Raises: LivebendError from the
        bank."""
        match action:
            case Tap() | Retime():
                return all(map(self.give, self._timed(action)))
            case Store():
                return self._store(action)
            case Automate():
                return self._automate(action)
            case SetDisplay():
                self.display(action.what, action.on)
            case Learn():
                self._learn(action)
            case _:
                return self.give(self._made_ready(action))
        return True

    def _made_ready(self, command: Command) -> Command:
        """The command as a hand gives it; note what it touches."""
        match command:
            case Load() | LoadOther() | LoadStored() | Undo():
                return replace(command, waits=True)
            case Clear():
                return replace(command, clear=self.clear)
            case Set(path) | Change(path):
                self.touched.put(path)
        return command

    def _timed(self, action: Tap | Retime) -> Iterable[Command]:
        """The commands that change the tempo so."""
        scene = self.scene.get()
        if isinstance(action, Tap):
            return self.tapper.tap(scene)
        return [_retimed(scene.tempo, action.how)]

    def _store(self, action: Store) -> bool:
        self.bank.expect(action.slot)
        given = self.give(replace(action, keep=self.keep))
        if not given:
            self.bank.expect(action.slot, -1)
        return given

    def _learn(self, action: Learn) -> None:
        self.learn(replace(action, target=action.target or self._touched("learn")))

    def _automate(self, action: Automate) -> bool:
        """Have a parameter recorded, or the recording ended and its loop removed."""
        if not action.stop:
            self.automate(replace(action, path=action.path or self._touched("automation")))
            return True
        self.automate(action)
        loops = (loop for loop in self.scene.get().loops if loop.target == action.path)
        return all(self.give(Remove(loop.kind, loop.name)) for loop in loops)

    def _touched(self, what: str) -> str:
        """The parameter that was touched last. Raises: Refused where none was."""
        if path := self.touched.get():
            return path
        raise Refused(f"{what}: no parameter was touched yet; touch one, or name it")


def _retimed(tempo: Tempo, how: str) -> Set:
    """The command that changes the tempo so."""
    if how == "resync":
        return Set("tempo.resyncs", (tempo.resyncs + 1) % MOST_TAPS)
    return Set("tempo.factor", tempo.factor * (0.5 if how == "half" else 2.0))


def preset(
    bank: Bank,
    which: str | int,
    fade: float | None = None,
    unit: TimeUnit = "seconds",
    *,
    other: bool = False,
) -> Load | LoadOther | LoadStored:
    """Return the command that loads a preset in a time; None = the scene's `preset.fade`.

    other: on the other side of the crossfader.
    A preset that a command before this one stores is read when both have their turn.
    Raises: LivebendError.
    """
    if stored := bank.expected(which):
        return LoadStored(stored, fade, unit, other, recall=bank.recall)
    name, scene = bank.recall(which)
    return (LoadOther if other else Load)(scene, name, fade, unit)
