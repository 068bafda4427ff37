"""Commands: changes of the scene, as values.

`command.apply(scene) -> scene`. The render thread applies them at the start of a frame, so there
is one order, and a show can be recorded as (time, command).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from livebend import flow
from livebend.core import limits
from livebend.core.errors import OutOfRange, Refused
from livebend.core.specs import ParameterValue
from livebend.scene import edit, paths
from livebend.scene.copy import altered
from livebend.scene.values import FIELDS, Arrival, Part, Scene

Command = flow.Command[Scene]
CommandSource = flow.CommandSource[Scene]
Keep = Callable[[int, Scene], object]  # what stores a scene in a slot


@dataclass(frozen=True, slots=True)
class Set:
    """Set one parameter; a number out of range is clamped."""

    path: str
    value: ParameterValue
    barrier: ClassVar[bool] = False

    @property
    def key(self) -> str:
        return self.path

    def apply(self, scene: Scene) -> Scene:
        return edit.put(scene, self.path, self.value, fit=True)


@dataclass(frozen=True, slots=True)
class Change:
    """Move a number from where it is when its turn comes: to `times`·value + `plus`.

    by_fader: the value is the fader's position, 0..1 over the soft range; a whole number then moves
        by 1 at least.
    """

    path: str
    plus: float = 0.0
    times: float = 1.0
    by_fader: bool = False
    barrier: ClassVar[bool] = False

    @property
    def key(self) -> str:
        return self.path

    def then(self, later: "Change") -> "Change":
        """Return one change that does this one and a later one of the same kind."""
        plus, times = self.plus * later.times + later.plus, self.times * later.times
        return Change(self.path, plus, times, self.by_fader)

    def apply(self, scene: Scene) -> Scene:
        """Raises: UnknownName, OutOfRange where the parameter is no number."""
        spec = paths.find(scene, self.path)
        value = paths.get(scene, self.path)
        if spec.range is None or isinstance(value, str):
            raise OutOfRange(f"{self.path}: + - * change a number; expected {spec.allowed}")
        moved = self._by_fader(scene, value) if self.by_fader else self._moved(value)
        return edit.put(scene, self.path, moved, fit=True)

    def _moved(self, value: float) -> float:
        return self.times * value + self.plus

    def _by_fader(self, scene: Scene, value: float) -> float:
        soft = paths.soft_range(scene, self.path)
        position = soft.to_unit(value)
        moved = soft.from_unit(self._moved(position))
        if soft.whole and moved == value and self._moved(position) != position:
            moved += math.copysign(1.0, self._moved(position) - position)
        return min(max(moved, soft.low), soft.high)


@dataclass(frozen=True, slots=True)
class _StructuralCommand:
    key: ClassVar[None] = None
    barrier: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Add(_StructuralCommand):
    """Add a part at the end of the chain. Refused where the name is taken."""

    part: Part

    def apply(self, scene: Scene) -> Scene:
        parts = scene.parts(self.part.kind)
        edit.check_count(self.part.kind, len(parts) + 1)
        if any(p.name == self.part.name for p in parts):
            raise Refused(f"{self.part.kind}.{self.part.name}: this name is taken")
        return edit.check(altered(_with_undo(scene), {FIELDS[self.part.kind]: (*parts, self.part)}))


@dataclass(frozen=True, slots=True)
class Replace(_StructuralCommand):
    """Replace the part of the same kind and name in its place, or add it at the end.

    Routes to parameters that the new operator does not have are removed.
    """

    part: Part

    def apply(self, scene: Scene) -> Scene:
        if all(p.name != self.part.name for p in scene.parts(self.part.kind)):
            return Add(self.part).apply(scene)
        return edit.check(edit.swap(_with_undo(scene), self.part))


@dataclass(frozen=True, slots=True)
class Remove(_StructuralCommand):
    """Remove a part, with the routes that drive it."""

    what: str  # its kind
    name: str

    def apply(self, scene: Scene) -> Scene:
        scene.part(self.what, self.name)
        prefix = f"{self.what}.{self.name}."
        kept = tuple(p for p in scene.parts(self.what) if p.name != self.name)
        made = altered(_with_undo(scene), {FIELDS[self.what]: kept})
        routes = tuple(r for r in made.routes if not r.target.startswith(prefix))
        return altered(made, {"routes": routes})


@dataclass(frozen=True, slots=True)
class Move(_StructuralCommand):
    """Move a part to another place among those of its kind: of bends at one site, the order
    decides which acts first.

    place: from 1; behind the last is the last.
    """

    what: str  # its kind
    name: str
    place: int

    def __post_init__(self) -> None:
        if self.place < 1:
            raise OutOfRange(f"{self.what}.{self.name}: place {self.place}: expected 1 or more")

    def apply(self, scene: Scene) -> Scene:
        part = scene.part(self.what, self.name)
        others = [p for p in scene.parts(self.what) if p is not part]
        others.insert(self.place - 1, part)
        return altered(_with_undo(scene), {FIELDS[self.what]: tuple(others)})


@dataclass(frozen=True, slots=True)
class Load(_StructuralCommand):
    """Load a whole scene.

    scene: as a preset gives it.
    preset: that preset's name, for cue files.
    fade: s to cross over to it; None = the current scene's `preset.fade`, which a load keeps.
    """

    scene: Scene
    preset: str = ""
    fade: float | None = None

    def apply(self, scene: Scene) -> Scene:
        fade = scene.preset.fade if self.fade is None else self.fade
        arrival = Arrival(fade) if fade > 0.0 else None
        return _loaded(scene, self.scene, arrival)


@dataclass(frozen=True, slots=True)
class LoadStored(_StructuralCommand):
    """Load what a preset is when its turn comes: a command before it stores that.

    recall: gives the scene of a preset. Its texts are those of a scene that was played.
    preset, fade: as those of `Load`.
    """

    preset: str
    fade: float | None = None
    recall: Callable[[str], tuple[str, Scene]] = field(kw_only=True, compare=False, repr=False)

    def apply(self, scene: Scene) -> Scene:
        name, stored = self.recall(self.preset)
        return Load(stored, name, self.fade).apply(scene)


@dataclass(frozen=True, slots=True)
class Panic(_StructuralCommand):
    """Return to the scene as its preset gave it."""

    def apply(self, scene: Scene) -> Scene:
        return scene if scene.home is None else _loaded(scene, scene.home, None)


@dataclass(frozen=True, slots=True)
class Undo(_StructuralCommand):
    """Return to the scene before the last structural command; twice is a redo."""

    def apply(self, scene: Scene) -> Scene:
        if scene.before is None:
            raise Refused("undo: nothing to undo")
        return replace(scene.before, before=_with_undo(scene).before)


def keep_nothing(*_: object) -> None:
    """Keep no scene."""


@dataclass(frozen=True, slots=True)
class Store(_StructuralCommand):
    """Store the scene as it is when its turn comes, in a slot; the scene stays.

    keep: gets the slot and the scene, in the render thread; it must not wait.
    Raises: OutOfRange for a slot outside 1..SLOTS.
    """

    slot: int
    keep: Keep = field(default=keep_nothing, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.slot <= limits.SLOTS:
            raise OutOfRange(f"slot {self.slot}: expected 1..{limits.SLOTS}")

    def apply(self, scene: Scene) -> Scene:
        self.keep(self.slot, scene)
        return scene


def _loaded(scene: Scene, new: Scene, arrival: Arrival | None) -> Scene:
    before = _with_undo(scene).before
    loads = scene.loads + 1
    new = edit.with_loras(new, scene.loras)
    own = replace(new, preset=scene.preset, tempo=scene.tempo)  # these belong to the show
    return replace(own, home=new, before=before, arrival=arrival, loads=loads)


def _with_undo(scene: Scene) -> Scene:
    """Return the scene with itself as `before`: one step only, so that memory does not grow."""
    return replace(scene, before=replace(scene, before=None, arrival=None))
