"""The desk under a mouse: what the operator's view shows as faders and pads, and what they do.

A scene's faders are made anew only when there is another scene, as during a crossfade; a hand that
moves nothing costs nothing. Nothing here waits: commands are queued as those of any controller.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from livebend.control.desk import Action, Desk, Learn, SetDisplay
from livebend.control.parameters import OUTPUT, Parameter, Trees, soft_range, value_of
from livebend.core import limits
from livebend.core.errors import LivebendError, OutOfRange, Refused, UnknownName
from livebend.core.panel import Fader, Gesture, Pad, Panel, value_text
from livebend.operators.library import find_operator
from livebend.scene import paths
from livebend.scene.commands import Change, Set
from livebend.scene.values import Bend, Route, Scene

FINE = 1.0 / 256.0  # of the soft range, for one step of the wheel
SHOW = {  # the faders of the whole show, and what they are called
    "output.brightness": "brightness",
    "crossfade.position": "crossfade",
    "preset.fade": "fade",
    "walk.radius": "walk",
    "prompt.blend": "blend",
}
ROUTE = ("high", "gain", "low", "attack", "release", "rate", "slew")  # the most important first
LAST = ("mix", "strength")  # of a bend, after its operator's own
MUTE = "mute"
HOWTO = "drag · wheel fine · double click as loaded · right click learns"

Bound = Callable[[str], Sequence[str]]


def not_bound(_: str) -> Sequence[str]:
    """Return that no control plays a path."""
    return ()


class Mouse:
    """A mouse at a desk. The main thread owns it.

    desk: what it acts on.
    bound: returns what plays a path, each in words, such as "nanoKONTROL2 cc.1.19".
    waiting: returns the path that is being learnt, or "".
    """

    def __init__(
        self, desk: Desk, bound: Bound = not_bound, waiting: Callable[[], str] = str
    ) -> None:
        self._desk, self._bound, self._waiting = desk, bound, waiting
        self._trees = Trees(desk.output)
        self._scene: Scene | None = None
        self._made: tuple[object, ...] = ()
        self._panel = Panel()
        desk.bank.slots()  # reads files, once

    def panel(self) -> Panel:
        """Return what can be played now, the same object while nothing has changed."""
        desk, scene = self._desk, self._desk.scene.get()
        settings = tuple(desk.view(path.removeprefix(f"{OUTPUT}.")) for path in _settings())
        made = (desk.bank.version, desk.status().waiting, settings, self._waiting())
        if scene is not self._scene or made != self._made:
            self._scene, self._made, self._panel = scene, made, self._panel_of(scene)
        return self._panel

    def says(self, path: str) -> str:
        """Return what there is to say of a parameter: its path, its value, what plays it."""
        fader = self._fader(self._desk.scene.get(), path)
        if fader is None:
            return path
        played = ", ".join(self._bound(path)) or "no control"
        low, high = (value_text(end, fader.reach) for end in (fader.reach.low, fader.reach.high))
        return f"{path}  {fader.text}  ({low} to {high})  ·  {played}  ·  {HOWTO}"

    def do(self, gesture: Gesture) -> None:
        """Do what the mouse did; what is refused is warned of."""
        try:
            self._desk.send(self._action(gesture))
        except LivebendError as why:
            self._desk.warn(str(why))

    # ---- what is shown ---------------------------------------------------------------------

    def _panel_of(self, scene: Scene) -> Panel:
        return Panel(
            show=tuple(self._faders(scene, tuple(SHOW))),
            bends={
                bend.name: tuple(self._faders(scene, _paths_of(bend, _leaves(bend))))
                for bend in scene.bends
            },
            routes={
                route.name: tuple(self._faders(scene, _paths_of(route, ROUTE)))
                for route in scene.routes
            },
            muted=frozenset(_muted(scene.bends)) | frozenset(_muted(scene.routes)),
            pads=tuple(self._pads(scene)),
            learning=self._waiting(),
        )

    def _pads(self, scene: Scene) -> Iterator[Pad]:
        held, waiting = self._desk.bank.slots(), self._desk.status().waiting.split(", ")
        for number in range(1, limits.SLOTS + 1):
            slot = held.get(number)
            if slot is None:
                yield Pad(number)
            else:
                yield Pad(number, slot.title, slot.title == scene.title, slot.name in waiting)

    def _faders(self, scene: Scene, wanted: Sequence[str]) -> Iterator[Fader]:
        for path in wanted:
            if (fader := self._fader(scene, path)) is not None:
                yield fader

    def _fader(self, scene: Scene, path: str) -> Fader | None:
        """The fader of a path; None for what is no number, or not there."""
        try:
            return self._found(scene, path)
        except Refused:
            return None

    def _found(self, scene: Scene, path: str) -> Fader:
        """Raises: UnknownName, OutOfRange for what is no number."""
        known = self._trees.of(scene).parameters
        parameter = known.get(path) or Parameter(path, paths.find(scene, path))
        reach = soft_range(scene, parameter)
        if reach is None:
            raise OutOfRange(f"{path}: no number, and a fader goes over numbers only")
        return Fader(path, _label(path), float(value_of(self._desk, parameter, scene)), reach)

    # ---- what is done ----------------------------------------------------------------------

    def _action(self, gesture: Gesture) -> Action:
        """Raises: LivebendError for what the show does not have."""
        path, scene = gesture.path, self._desk.scene.get()
        if gesture.what in ("learn", "forget"):
            return Learn(path, forget=gesture.what == "forget")
        if gesture.what == MUTE:
            path = f"{path}.{MUTE}"
            return Set(path, not paths.get(scene, path))
        fader = self._found(scene, path)
        if gesture.what == "turn":
            return self._turned(fader, gesture.amount)
        if gesture.what == "reset":
            return self._set(path, self._loaded(scene, path))
        return self._set(path, fader.reach.from_unit(gesture.amount))

    def _turned(self, fader: Fader, steps: float) -> Action:
        reach = fader.reach
        if fader.path.startswith(f"{OUTPUT}."):
            return self._set(fader.path, reach.from_unit(fader.position + steps * FINE))
        if reach.whole:
            return Change(fader.path, float(round(steps)))
        return Change(fader.path, steps * FINE, by_fader=True)

    def _loaded(self, scene: Scene, path: str) -> Any:
        """The value that the preset gave a parameter, or that it has by itself."""
        if path.startswith(f"{OUTPUT}."):
            return self._desk.output[path.removeprefix(f"{OUTPUT}.")].default
        try:
            if scene.home is not None:
                return paths.get(scene.home, path)
        except UnknownName:
            pass  # of a part that was added since
        return paths.find(scene, path).default

    def _set(self, path: str, value: Any) -> Action:
        if path.startswith(f"{OUTPUT}."):
            return SetDisplay(path.removeprefix(f"{OUTPUT}."), value)
        return Set(path, value)


def _settings() -> Iterator[str]:
    return (path for path in SHOW if path.startswith(f"{OUTPUT}."))


def _label(path: str) -> str:
    """What a parameter is called beside its fader."""
    leaf = path.rpartition(".")[2]
    return SHOW.get(path) or (f"mask {leaf}" if f".{paths.MASK}" in path else leaf)


def _leaves(bend: Bend) -> list[str]:
    """The numbers of a bend, the most important first: two are always shown."""
    operator, specs = find_operator(bend.operator), paths.specs_of_bend(bend)
    main = [operator.main.name] if operator.main is not None else []
    own = [name for name in operator.specs if name not in main]
    masked = [name for name in specs if name.startswith(paths.MASK)] if bend.mask else []
    leaves = [*main, *LAST[:1], *own, *LAST[1:], *masked]
    return [name for name in leaves if name in specs and specs[name].range is not None]


def _muted(parts: Sequence[Bend] | Sequence[Route]) -> Iterator[str]:
    return (f"{part.kind}.{part.name}" for part in parts if part.mute)


def _paths_of(part: Bend | Route, leaves: Sequence[str]) -> list[str]:
    return [f"{part.kind}.{part.name}.{leaf}" for leaf in leaves]
