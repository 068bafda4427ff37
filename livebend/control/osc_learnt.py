"""Addresses of OSC senders that nobody here knows, learnt as MIDI controls are.

A lesson names a target; the control that is moved next is bound to it, and kept in the user's
folder:

    controls = [{ at = "/1/fader3", to = "walk.radius", most = 1.0 }]

`most` is what the control sends at its far end: 1, or 127 as MIDI has it, both for the useful part
of the target's range; 0 means that it sends the target's own values.
"""

import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from livebend.control.desk import Desk
from livebend.control.key_actions import ACTIONS, SLOTTED
from livebend.control.osc_addresses import FADER
from livebend.control.osc_aliases import is_pressed
from livebend.control.parameters import Tree, Trees, address_of, soft_range
from livebend.control.targets import (
    ENOUGH,
    GESTURE,
    check_target,
    checked_target,
    path_in,
    slot_of,
)
from livebend.control.triggers import TRIGGERS
from livebend.core import clock, limits
from livebend.core.errors import LivebendError, OutOfRange, PresetError, Refused, shown
from livebend.core.files import config_folder, read_text, short, write_text
from livebend.core.notify import Notify, ignore
from livebend.core.specs import Spec
from livebend.scene.values import Scene

RANGES = (1.0, 127.0, 0.0)  # of a control: 0..1, 0..127, or the target's own values
FIELDS = {"at", "to", "most"}

Arguments = Sequence[object]
Messages = list[tuple[str, list[object]]]
Players = Mapping[str, Sequence[tuple[str, float]]]  # path -> (address, its far end)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What an address plays, and what it sends at its far end, see RANGES."""

    to: str
    most: float = 1.0


@dataclass(slots=True)
class _Lesson:
    """A target that waits for its control, and what has been moved since."""

    target: str
    address: str = ""
    values: list[object] = field(default_factory=list)
    until: float = 0.0


def user_file() -> Path:
    """Return the file of what was learnt, which may not exist yet."""
    return config_folder() / "osc.toml"


class LearntAddresses:
    """The addresses that were learnt. `hear` and `turn` are for the OSC thread, the other methods
    for any.

    file: where they are kept; None = nowhere.
    notify: is called with what is learnt.
    learnt: is called when a control is bound: nobody else need wait for it any more.
    now: the steady clock, in s.
    """

    def __init__(
        self,
        desk: Desk,
        file: Path | None = None,
        notify: Notify = ignore,
        *,
        learnt: Callable[[], None] = lambda: None,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._desk, self._trees, self._now = desk, Trees(desk.output), now
        self._file, self._notify, self._learnt = file, notify, learnt
        self._lock = threading.Lock()
        self._lesson: _Lesson | None = None
        self._bound: Mapping[str, Learnt] = {}
        self._newest: tuple[Tree, Mapping[str, Learnt], Players] | None = None
        try:
            self._bound = {} if file is None else read_learnt(file, desk.output)
        except LivebendError as why:
            desk.warn(f"OSC: {why}")

    @property
    def waiting(self) -> str:
        """The target that is being learnt, or ""."""
        lesson = self._lesson
        return "" if lesson is None else lesson.target

    def playing(self, path: str) -> list[str]:
        """Return the addresses that play a parameter of the scene now."""
        scene = self._desk.scene.get()
        return [at for at, _ in self.players(self._trees.of(scene), scene).get(path, ())]

    def learn(self, target: str) -> None:
        """Bind the control that is moved next to a target. Raises: LivebendError where no control
        can play it."""
        checked_target(target, self._desk.scene.get(), self._desk.output)
        if target in ACTIONS and target not in TRIGGERS:
            raise Refused(f"{target}: it is no action for OSC")
        with self._lock:
            self._lesson = _Lesson(target)
        self._notify(f"OSC: move the control for {target}")

    def drop(self) -> None:
        """Wait for no control any more."""
        with self._lock:
            self._lesson = None

    def forget(self, target: str) -> None:
        """Take a target's addresses from it. Raises: LivebendError for one that no scene has."""
        check_target(target, self._desk.output)
        with self._lock:
            left = {at: one for at, one in self._bound.items() if one.to != target}
            changed, self._bound = len(left) != len(self._bound), left
        if changed:
            self._keep()

    def hear(self, address: str, arguments: Arguments) -> Messages | None:
        """Return the messages that one to a foreign address stands for, none while it is learnt;
        None for an address that is not known."""
        with self._lock:
            lesson = self._lesson
            if lesson is not None and address in (lesson.address or address):
                self._follow(lesson, address, arguments)
                return []
            bound = self._bound.get(address)
        if bound is None:
            return None
        return self._messages(bound, list(arguments))

    def players(self, tree: Tree, scene: Scene) -> Players:
        """Return the addresses that play a value, by its path. Any thread."""
        newest, bound = self._newest, self._bound
        if newest is None or newest[0] is not tree or newest[1] is not bound:
            found: dict[str, list[tuple[str, float]]] = {}
            for at, one in bound.items():
                path = path_in(scene, one.to) or ""
                if path in tree.parameters:
                    found.setdefault(path, []).append((at, one.most))
            self._newest = newest = tree, bound, found
        return newest[2]

    def turn(self) -> None:
        """End a lesson whose gesture is over."""
        lesson = self._lesson
        if lesson is None or not lesson.address:
            return
        if len(lesson.values) >= ENOUGH or self._now() >= lesson.until:
            self._end(lesson)

    # ---- learning ----------------------------------------------------------------------------

    def _follow(self, lesson: _Lesson, address: str, arguments: Arguments) -> None:
        if not lesson.address:
            lesson.address, lesson.until = address, self._now() + GESTURE
        lesson.values += list(arguments[-1:])

    def _end(self, lesson: _Lesson) -> None:
        with self._lock:
            if self._lesson is not lesson:
                return
            self._lesson = None
            one = Learnt(lesson.target, range_of(lesson.values))
            kept = {
                at: other
                for at, other in self._bound.items()
                if at != lesson.address and other.to != lesson.target
            }
            if len(kept) < limits.OSC_LEARNT:
                self._bound = {**kept, lesson.address: one}
        self._learnt()
        if self._bound.get(lesson.address) is not one:
            self._notify(f"OSC: {limits.OSC_LEARNT} addresses are learnt, and no more")
            return
        how = f"0..{one.most:g}" if one.most else "in its own unit"
        self._notify(f"OSC: {one.to} is played by {lesson.address}, {how}")
        self._keep()

    def _keep(self) -> None:
        if self._file is None:
            return
        try:
            self._notify(f"OSC: kept in {short(save_learnt(self._file, self._bound))}")
        except LivebendError as why:
            self._notify(f"OSC: {why}; it is kept until the end of this show")

    # ---- playing -----------------------------------------------------------------------------

    def _messages(self, bound: Learnt, arguments: list[object]) -> Messages:
        """What a bound address does now; nothing where the scene has not so many bends."""
        if (slot := slot_of(bound.to)) is not None:
            address = address_of(SLOTTED[slot[0]])
            return [(address, [slot[1]])] if is_pressed(arguments) else []
        if bound.to in ACTIONS:
            return [(address_of(bound.to), arguments)]
        scene = self._desk.scene.get()
        path = path_in(scene, bound.to)
        parameter = self._trees.of(scene).parameters.get(path or "")
        if parameter is None:
            return []
        value = arguments[-1] if arguments else None
        if bound.most and isinstance(value, int | float) and parameter.spec.range is not None:
            position = value / bound.most
            if not parameter.is_setting:
                return [(parameter.address + FADER, [position])]
            reach = soft_range(scene, parameter)
            return [(parameter.address, [reach.from_unit(position) if reach else position])]
        return [(parameter.address, arguments)]


def range_of(values: Sequence[object]) -> float:
    """Return what a control that has sent these values sends at its far end, see RANGES."""
    numbers = [float(v) for v in values if isinstance(v, int | float)]
    if not numbers or len(numbers) < len(values) or min(numbers) < 0.0:
        return 0.0 if values else 1.0
    if max(numbers) <= 1.0:
        return 1.0
    return 127.0 if max(numbers) <= 127.0 and all(n.is_integer() for n in numbers) else 0.0


# ---- the file --------------------------------------------------------------------------------


def read_learnt(file: Path, output: Mapping[str, Spec]) -> Mapping[str, Learnt]:
    """Return what was learnt, by address; empty where there is no file.

    output: the settings of the display, which an address may be bound to.
    Raises: PresetError, with what is allowed.
    """
    if not file.is_file():
        return {}
    try:
        entries = tomllib.loads(read_text(file, limits.PRESET_BYTES)).get("controls", [])
    except (ValueError, RecursionError) as why:
        raise PresetError(f"{short(file)}: not TOML: {str(why).partition(chr(10))[0]}") from why
    if not isinstance(entries, list) or len(entries) > limits.OSC_LEARNT:
        raise PresetError(
            f"{short(file)}: controls: expected a list of at most {limits.OSC_LEARNT}"
        )
    try:
        return dict(_learnt(entry, output) for entry in entries)
    except LivebendError as why:
        raise PresetError(f"{short(file)}: {why}") from why


def save_learnt(file: Path, bound: Mapping[str, Learnt]) -> Path:
    """Write what was learnt, whole or not at all. Raises: PresetError."""
    entries = [{"at": at, "to": one.to, "most": one.most} for at, one in bound.items()]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, tomli_w.dumps({"controls": entries}))
    except OSError as why:
        raise PresetError(f"{short(file)}: cannot be written: {why.strerror}") from why
    return file


def _learnt(entry: Any, output: Mapping[str, Spec]) -> tuple[str, Learnt]:
    """Raises: LivebendError."""
    if not isinstance(entry, Mapping) or not entry.keys() <= FIELDS:
        raise OutOfRange(f"controls: {shown(entry)}: expected tables of at, to and most")
    at, most = entry.get("at"), entry.get("most", 1.0)
    if not isinstance(at, str) or not at.startswith("/") or len(at) > limits.PATTERN:
        raise OutOfRange(f"at = {shown(at)}: expected an OSC address")
    if isinstance(most, bool) or most not in RANGES:
        raise OutOfRange(f"{at}: most = {shown(most)}: expected 1, 127 or 0")
    return at, Learnt(check_target(entry.get("to"), output), float(most))
