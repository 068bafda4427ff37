"""Commands: the changes somebody asked for, as values.

`command.apply(scene) -> scene`. The render thread folds them at the start of a frame, so there is
one order, and a show can be recorded as (time, command).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from livebend import flow
from livebend.core.errors import Refused
from livebend.core.specs import ParameterValue
from livebend.scene import edit
from livebend.scene.values import Arrival, Part, Scene

Command = flow.Command[Scene]
CommandSource = flow.CommandSource[Scene]


@dataclass(frozen=True, slots=True)
class Set:
    """Set one parameter; a number out of range is brought inside."""

    path: str
    value: ParameterValue
    barrier: ClassVar[bool] = False

    @property
    def key(self) -> str:
        return self.path

    def apply(self, scene: Scene) -> Scene:
        return edit.put(scene, self.path, self.value, fit=True)


@dataclass(frozen=True, slots=True)
class _Structural:
    key: ClassVar[None] = None
    barrier: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Add(_Structural):
    """Add a bend or a route at the end of the chain. Refused where the name is taken."""

    part: Part

    def apply(self, scene: Scene) -> Scene:
        name, parts = edit.parts_of(scene, self.part)
        if any(p.name == self.part.name for p in parts):
            raise Refused(f"{self.part.kind}.{self.part.name}: this name is taken")
        return edit.check(edit.replaced(_mark(scene), name, (*parts, self.part)))


@dataclass(frozen=True, slots=True)
class Replace(_Structural):
    """Put a bend or a route in the place of the one of the same name, or at the end.

    Routes into a bend whose new operator lacks what they drive go with the old one.
    """

    part: Part

    def apply(self, scene: Scene) -> Scene:
        _, parts = edit.parts_of(scene, self.part)
        if all(p.name != self.part.name for p in parts):
            return Add(self.part).apply(scene)
        swapped = edit.swap(_mark(scene), self.part)
        return edit.check(edit.without_loose_routes(swapped, self.part))


@dataclass(frozen=True, slots=True)
class Remove(_Structural):
    """Remove a bend, with the routes that drive it, or a route."""

    what: Literal["bend", "route"]
    name: str

    def apply(self, scene: Scene) -> Scene:
        marked = _mark(scene)
        if self.what == "route":
            scene.route(self.name)
            return replace(marked, routes=tuple(r for r in scene.routes if r.name != self.name))
        scene.bend(self.name)
        prefix = f"bend.{self.name}."
        return replace(
            marked,
            bends=tuple(b for b in scene.bends if b.name != self.name),
            routes=tuple(r for r in scene.routes if not r.target.startswith(prefix)),
        )


@dataclass(frozen=True, slots=True)
class Load(_Structural):
    """Load a whole scene, as a preset gives it; `preset` is that preset's name, for cue files.

    It takes over in `fade` seconds, or in the time that `preset.fade` says, which stays as it is.
    """

    scene: Scene
    preset: str = ""
    fade: float | None = None

    def apply(self, scene: Scene) -> Scene:
        fade = scene.preset.fade if self.fade is None else self.fade
        arrival = Arrival(fade) if fade > 0.0 else None
        return _loaded(scene, self.scene, arrival)


@dataclass(frozen=True, slots=True)
class Panic(_Structural):
    """Go back to the scene as its preset gave it."""

    def apply(self, scene: Scene) -> Scene:
        return scene if scene.home is None else _loaded(scene, scene.home, None)


@dataclass(frozen=True, slots=True)
class Undo(_Structural):
    """Go back to the scene before the last structural command; twice is a redo."""

    def apply(self, scene: Scene) -> Scene:
        if scene.before is None:
            raise Refused("undo: nothing to undo")
        return replace(scene.before, before=_mark(scene).before)


def _loaded(scene: Scene, new: Scene, arrival: Arrival | None) -> Scene:
    before = _mark(scene).before
    loads = scene.loads + 1
    own = replace(new, preset=scene.preset, tempo=scene.tempo)  # these belong to the show
    return replace(own, home=new, before=before, arrival=arrival, loads=loads)


def _mark(scene: Scene) -> Scene:
    """Remember the scene in `before`, one step deep so that a long show does not pile up."""
    return replace(scene, before=replace(scene, before=None, arrival=None))
