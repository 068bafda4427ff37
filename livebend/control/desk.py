"""The desk: the five places a hand can reach. OSC, keys and MIDI share one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from livebend.control.tap_tempo import TapTempo
from livebend.core.files import short
from livebend.core.mailbox import Latest
from livebend.core.notify import Notify, ignore
from livebend.core.specs import ParameterValue, Spec
from livebend.scene.commands import Command, Load
from livebend.scene.values import Scene

Display = Callable[[str, ParameterValue | None], None]


class Bank(Protocol):
    """Presets in reach of a hand: by name, or by slot from 1."""

    def recall(self, which: str | int) -> tuple[str, Scene]:
        """Return the preset's name and its scene. Raises: LivebendError."""

    def store(self, slot: int, scene: Scene) -> Path:
        """Keep a scene in a slot; return its file. Raises: LivebendError."""


@dataclass(frozen=True, slots=True)
class SetDisplay:
    """An order for the display, not for the scene: it acts even when the network hangs.

    Without a value a switch toggles, and what is counted goes on to the next.
    """

    what: str
    on: ParameterValue | None = None


@dataclass(frozen=True, slots=True)
class Tap:
    """A beat, now, tapped by a hand."""


@dataclass(frozen=True, slots=True)
class Store:
    """Keep the scene that is played now in a slot."""

    slot: int


Wish = Command | SetDisplay | Store | Tap


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a hand's wishes go. Every member may be used from any thread.

    `give` takes a command (False = refused, the queue is full); `display(what, on)` acts on the
    window at once, None toggles; `scene` is the newest scene the render thread has published;
    `refuse` takes the notice of what could not be done, `notify` that of what was; `output` are
    the display's settings by name; `tapper` knows the last taps.
    """

    give: Callable[[Command], bool]
    display: Display
    scene: Latest[Scene]
    bank: Bank
    refuse: Callable[[str], None]
    output: Mapping[str, Spec] = field(default_factory=dict)
    tapper: TapTempo = field(default_factory=TapTempo)
    notify: Notify = ignore

    def send(self, wish: Wish) -> bool:
        """Hand a wish on; False where the queue is full. Raises: LivebendError from the bank."""
        if isinstance(wish, Tap):
            return all(self.give(command) for command in self.tapper.tap(self.scene.get()))
        if isinstance(wish, SetDisplay):
            self.display(wish.what, wish.on)
            return True
        if isinstance(wish, Store):
            file = self.bank.store(wish.slot, self.scene.get())
            self.notify(f"slot {wish.slot}: stored as {short(file)}")
            return True
        return self.give(wish)


def preset(bank: Bank, which: str | int, fade: float | None = None) -> Load:
    """Return the command that loads a preset, in `fade` seconds or as the scene says.

    Raises: LivebendError.
    """
    name, scene = bank.recall(which)
    return Load(scene, name, fade)
