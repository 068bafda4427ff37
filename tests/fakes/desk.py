"""A desk whose every order is written down, with a few presets in reach."""

from collections.abc import Mapping

from livebend.control.desk import Desk
from livebend.control.tap_tempo import TapTempo
from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.mailbox import Latest
from livebend.core.specs import ParameterValue
from livebend.scene.commands import Command
from livebend.scene.values import Scene


class FakeBank:
    """Presets by name, or by number from 1 in the order in which they are given."""

    def __init__(self, presets: Mapping[str, Scene]) -> None:
        self.presets = presets
        self.stored: dict[int, Scene] = {}

    def recall(self, which: str | int) -> tuple[str, Scene]:
        """Return the preset's name and its scene."""
        names = list(self.presets)
        if isinstance(which, int):
            if not 1 <= which <= len(names):
                raise OutOfRange(f"preset {which}: expected 1..{len(names)}")
            which = names[which - 1]
        if which not in names:
            raise UnknownName("preset", which, names)
        return which, self.presets[which]

    def store(self, slot: int, scene: Scene) -> str:
        """Keep a scene; return its name."""
        self.stored[slot] = scene
        return f"stored-{slot}"


class FakeDesk:
    """A desk that remembers the commands, orders for the display, and refusals that it got.

    `takes` is whether the queue behind it has room.
    """

    def __init__(
        self, scene: Scene, bank: FakeBank, *, takes: bool = True, tapper: TapTempo | None = None
    ) -> None:
        self.commands: list[Command] = []
        self.display: list[tuple[str, ParameterValue | None]] = []
        self.refused: list[str] = []
        self.scene, self.bank, self.takes = Latest(scene), bank, takes
        self.desk = Desk(
            self._give,
            lambda what, on: self.display.append((what, on)),
            self.scene,
            bank,
            self.refused.append,
            tapper=tapper or TapTempo(),
        )

    def _give(self, command: Command) -> bool:
        self.commands.append(command)
        return self.takes
