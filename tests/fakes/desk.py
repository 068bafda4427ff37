"""A desk whose every order is written down, with two presets in reach."""

from livebend.control.desk import Desk
from livebend.control.tap_tempo import TapTempo
from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.mailbox import Latest
from livebend.core.specs import ParameterValue
from livebend.scene.commands import Command
from livebend.scene.presets import Slot
from livebend.scene.values import Bend, Route, Scene

DUB = Scene(
    "Dub",
    bends=(Bend("swirl", "rotate", "latent@0.8", {"angle": 30.0}),),
    routes=(Route("kick", "low", "bend.swirl.angle"),),
)
STORM = Scene("Storm", bends=(Bend("flash", "add", "image"),))
PRESETS = {"dub": DUB, "storm": STORM}


class FakeBank:
    """The presets `dub` and `storm`, which are 1 and 2; `stored` is what was stored, by slot."""

    version = 0

    def __init__(self) -> None:
        self.stored: dict[int, Scene] = {}

    def slots(self) -> dict[int, Slot]:
        """Return the two, and what was stored."""
        known = {n: Slot(name, PRESETS[name].title) for n, name in enumerate(PRESETS, 1)}
        stored = {n: Slot(f"stored-{n}", s.title, stored=True) for n, s in self.stored.items()}
        return known | stored

    def recall(self, which: str | int) -> tuple[str, Scene]:
        """Return the preset's name and its scene."""
        if isinstance(which, int):
            if which not in (1, 2):
                raise OutOfRange(f"preset {which}: expected 1..2")
            which = [*PRESETS][which - 1]
        if which not in PRESETS:
            raise UnknownName("preset", which, PRESETS)
        return which, PRESETS[which]

    def names(self) -> list[str]:
        """Return the names of the presets."""
        return [*PRESETS]

    def expect(self, slot: int, scenes: int = 1) -> None:
        """Expect nothing."""

    def expected(self, which: str | int) -> str:
        """Return that nothing is."""
        return ""


class FakeDesk:
    """A desk that writes down its commands, its orders for the display and its refusals.

    `desk` is what controllers are given; `has_room` is whether its queue takes commands.
    """

    def __init__(
        self, scene: Scene = DUB, *, has_room: bool = True, tapper: TapTempo | None = None
    ) -> None:
        self.commands: list[Command] = []
        self.shown: list[tuple[str, ParameterValue | None]] = []
        self.refused: list[str] = []
        self.bank, self.has_room = FakeBank(), has_room
        self.desk = Desk(
            self._give,
            lambda what, on: self.shown.append((what, on)),
            Latest(scene),
            self.bank,
            self.refused.append,
            tapper=tapper or TapTempo(),
            keep=self.bank.stored.__setitem__,
            clear=self.bank.stored.__delitem__,
        )

    def _give(self, command: Command) -> bool:
        self.commands.append(command)
        return self.has_room
