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
from livebend.scene import edit, paths, sides
from livebend.scene.copy import altered
from livebend.scene.show_values import Arrival, Crossfade, TimeUnit
from livebend.scene.values import FIELDS, Part, Scene

Command = flow.Command[Scene]
CommandSource = flow.CommandSource[Scene]
Keep = Callable[[int, Scene], object]  # what stores a scene in a slot
Scenes = tuple[Scene, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """Set one parameter; a number out of range is clamped."""

    path: str
    value: ParameterValue

    @property
    def key(self) -> str:
        return self.path

    @property
    def barrier(self) -> bool:
        return _decides_sides(self.path)

    def apply(self, scene: Scene) -> Scene:
        return _by_hand(scene, self.path, self.value)


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

    @property
    def key(self) -> str:
        return self.path

    @property
    def barrier(self) -> bool:
        return _decides_sides(self.path)

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
        return _by_hand(scene, self.path, moved)

    def _moved(self, value: float) -> float:
        return self.times * value + self.plus

    def _by_fader(self, scene: Scene, value: float) -> float:
        soft = paths.soft_range(scene, self.path)
        position = soft.to_unit(value)
        moved = soft.from_unit(self._moved(position))
        if soft.whole and moved == value and self._moved(position) != position:
            moved += math.copysign(1.0, self._moved(position) - position)
        return min(max(moved, soft.low), soft.high)


def _decides_sides(path: str) -> bool:
    """Whether what comes after a change of this may be meant for the other side."""
    return path == sides.POSITION


def _by_hand(scene: Scene, path: str, value: ParameterValue) -> Scene:
    return edit.taken_over(edit.put(scene, path, value, fit=True), path)


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
        return edit.check(altered(_with_past(scene), {FIELDS[self.part.kind]: (*parts, self.part)}))


@dataclass(frozen=True, slots=True)
class Replace(_StructuralCommand):
    """Replace the part of the same kind and name in its place, or add it at the end.

    Routes to parameters that the new operator does not have are removed.
    """

    part: Part

    def apply(self, scene: Scene) -> Scene:
        if all(p.name != self.part.name for p in scene.parts(self.part.kind)):
            return Add(self.part).apply(scene)
        return edit.check(edit.swap(_with_past(scene), self.part))


@dataclass(frozen=True, slots=True)
class Remove(_StructuralCommand):
    """Remove a part, with the routes and loops that drive it."""

    what: str  # its kind
    name: str

    def apply(self, scene: Scene) -> Scene:
        scene.part(self.what, self.name)
        prefix = f"{self.what}.{self.name}."
        kept = tuple(p for p in scene.parts(self.what) if p.name != self.name)
        made = altered(_with_past(scene), {FIELDS[self.what]: kept})
        return edit.without(made, lambda path: path.startswith(prefix))


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
        return altered(_with_past(scene), {FIELDS[self.what]: tuple(others)})


@dataclass(frozen=True, slots=True)
class Load(_StructuralCommand):
    """Load a whole scene.

    scene: as a preset gives it.
    preset: that preset's name, for cue files.
    fade: time to cross over to it, in `unit`; None = the current scene's `preset.fade` and
        `preset.unit`, which a load keeps.
    waits: whether it waits for the beat where `preset.quantise` asks for one; a cue never does.
    """

    other: ClassVar[bool] = False  # whether on the other side of the crossfader

    scene: Scene
    preset: str = ""
    fade: float | None = None
    unit: TimeUnit = "seconds"
    waits: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, scene: Scene) -> Scene:
        return _loaded(scene, self.scene, _arrival(scene, self.fade, self.unit))


@dataclass(frozen=True, slots=True)
class LoadOther(_StructuralCommand):
    """Load a whole scene on the other side of the crossfader, the one that is further from it.

    Nothing changes where that is not played; where it is, it crosses over. All as in `Load`.
    """

    other: ClassVar[bool] = True

    scene: Scene
    preset: str = ""
    fade: float | None = None
    unit: TimeUnit = "seconds"
    waits: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, scene: Scene) -> Scene:
        arrival = _arrival(scene, self.fade, self.unit) if sides.share(scene) else None
        new = sides.alone(edit.with_loras(self.scene, scene.loras))
        loads = scene.other.loads + 1 if scene.other is not None else 0
        other = replace(new, home=new, arrival=arrival, deck=1 - scene.deck, loads=loads)
        return altered(_with_past(scene), {"other": sides.beside(other)})


@dataclass(frozen=True, slots=True)
class LoadStored(_StructuralCommand):
    """Load what a preset is when its turn comes: a command before it stores that.

    recall: gives the scene of a preset. Its texts are those of a scene that was played.
    other: whether on the other side of the crossfader.
    preset, fade, unit, waits: as those of `Load`.
    """

    preset: str
    fade: float | None = None
    unit: TimeUnit = "seconds"
    other: bool = False
    waits: bool = field(default=False, compare=False, kw_only=True)
    recall: Callable[[str], tuple[str, Scene]] = field(kw_only=True, compare=False, repr=False)

    def apply(self, scene: Scene) -> Scene:
        name, stored = self.recall(self.preset)
        load = LoadOther if self.other else Load
        return load(stored, name, self.fade, self.unit).apply(scene)


@dataclass(frozen=True, slots=True)
class Panic(_StructuralCommand):
    """Return to the scene as its preset gave it, alone: the crossfader goes to that end."""

    def apply(self, scene: Scene) -> Scene:
        if scene.home is None:
            return scene
        home = _loaded(scene, scene.home, None)
        if scene.other is None:
            return home
        end = Crossfade(sides.end(scene.crossfade.position))
        return altered(home, {"crossfade": end, "other": None})


@dataclass(frozen=True, slots=True)
class Undo(_StructuralCommand):
    """Return to the scene before the last structural command. The tempo, how presets are recalled
    and the crossfader stay as they are.

    waits: whether it takes back a recall that waits, if there is one; a cue never does.
    """

    waits: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, scene: Scene) -> Scene:
        if not scene.past:
            raise Refused("undo: nothing to undo")
        future = (*scene.future, _remembered(scene))
        return _returned(scene, scene.past[-1], scene.past[:-1], future)


@dataclass(frozen=True, slots=True)
class Redo(_StructuralCommand):
    """Return to the scene that an undo left, unless a structural command came after it."""

    def apply(self, scene: Scene) -> Scene:
        if not scene.future:
            raise Refused("redo: nothing to redo")
        past = (*scene.past, _remembered(scene))
        return _returned(scene, scene.future[-1], past, scene.future[:-1])


def instead(scene: Scene, other: Scene) -> Scene:
    """Return another scene in the place of one that undo returns to."""
    return altered(other, {"past": _with_past(scene).past, "future": ()})


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
        self.keep(self.slot, sides.alone(scene))
        return scene


@dataclass(frozen=True, slots=True)
class Clear(_StructuralCommand):
    """Remove what was stored in a slot, when its turn comes; the scene stays.

    clear: gets the slot, in the render thread; it must not wait.
    """

    slot: int
    clear: Callable[[int], object] = field(default=keep_nothing, compare=False, repr=False)

    def apply(self, scene: Scene) -> Scene:
        """Raises: OutOfRange where nothing was stored."""
        self.clear(self.slot)
        return scene


def _arrival(scene: Scene, fade: float | None, unit: TimeUnit) -> Arrival | None:
    arrival = Arrival(scene.preset.fade, scene.preset.unit) if fade is None else Arrival(fade, unit)
    return arrival if arrival.length > 0.0 else None


def _loaded(scene: Scene, new: Scene, arrival: Arrival | None) -> Scene:
    """The scene with another one in the place of its side; what belongs to the show stays."""
    new = sides.alone(edit.with_loras(new, scene.loras))
    before = _with_past(scene)
    kept = {name: getattr(before, name) for name in (*sides.KEPT, "other", "deck")}
    return altered(new, kept | {"home": new, "arrival": arrival, "loads": scene.loads + 1})


def _with_past(scene: Scene) -> Scene:
    """Return the scene with itself as what undo returns to; redo begins anew."""
    past = (*scene.past, _remembered(scene))[-limits.UNDO :]
    return altered(scene, {"past": past, "future": ()})


def _remembered(scene: Scene) -> Scene:
    """The scene as it is remembered: without a memory of its own, and without its crossing."""
    return altered(scene, {"past": (), "future": (), "arrival": None})


def _returned(scene: Scene, to: Scene, past: Scenes, future: Scenes) -> Scene:
    """The scene that undo or redo returns to, with what belongs to the show as it is now."""
    kept = {"tempo": scene.tempo, "preset": scene.preset, "past": past, "future": future}
    return sides.moved(altered(to, kept), scene.crossfade.position)
