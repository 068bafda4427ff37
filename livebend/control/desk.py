"""The desk: everything that a controller can act on. OSC and keys use the same one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from livebend.control.tap_tempo import TapTempo
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue, Spec
from livebend.scene.commands import Command, Keep, Load, LoadStored, Store, keep_nothing
from livebend.scene.values import Scene

Display = Callable[[str, ParameterValue | None], None]


class Bank(Protocol):
    """The presets that controllers can recall, by name or by slot from 1."""

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


Action = Command | SetDisplay | Tap


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
    """

    give: Callable[[Command], bool]
    display: Display
    scene: Latest[Scene]
    bank: Bank
    warn: Notify
    output: Mapping[str, Spec] = field(default_factory=dict)
    tapper: TapTempo = field(default_factory=TapTempo)
    keep: Keep = keep_nothing

    def send(self, action: Action) -> bool:
        """Do what a controller asks for; False if the queue is full. Raises: LivebendError from the
        bank."""
        if isinstance(action, Tap):
            return all(self.give(command) for command in self.tapper.tap(self.scene.get()))
        if isinstance(action, SetDisplay):
            self.display(action.what, action.on)
            return True
        if isinstance(action, Store):
            self.bank.expect(action.slot)
            given = self.give(replace(action, keep=self.keep))
            if not given:
                self.bank.expect(action.slot, -1)
            return given
        return self.give(action)


def preset(bank: Bank, which: str | int, fade: float | None = None) -> Load | LoadStored:
    """Return the command that loads a preset in `fade` s; None = the scene's `preset.fade`.

    A preset that a command before this one stores is read when both have their turn.
    Raises: LivebendError.
    """
    if stored := bank.expected(which):
        return LoadStored(stored, fade, recall=bank.recall)
    name, scene = bank.recall(which)
    return Load(scene, name, fade)
