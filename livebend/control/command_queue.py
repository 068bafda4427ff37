"""The queue of commands between hands and the render thread: what must not be lost waits here.

Folding. Between two barriers, a command replaces an earlier one of the same `key` in that one's
place, so a fader sent a thousand times a frame costs one slot and its newest value always counts.
Values of different paths do not depend on one another, so the place makes no difference to the
scene. Only a number replaces a number and a prompt a prompt: those cannot be refused for their
value, so folding never hides a good value behind a bad one.

The text gate. A command that brings a prompt whose encoding is not ready waits, and a frame never
stalls for it. A waiting prompt lets others pass, and a newer one of the same path replaces it; a
Load, Panic or Undo given after it replaces the whole scene and so cancels it. A waiting Load holds
what comes behind it, except that a newer Load takes its place.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from livebend.core.errors import LivebendError
from livebend.core.notify import Notify, ignore
from livebend.scene import paths
from livebend.scene.commands import Command, CommandSource, Load, Panic, Set, Undo
from livebend.scene.values import Scene, turns_of

PROMPTS = ("prompt.text", "prompt.to", "prompt.turns", "prompt.negative")
BOUND = 1024

Recorder = Callable[[float, Command], None]
Check = Callable[[Scene], object]


def texts(command: Command) -> frozenset[str]:
    """Return the prompts that must be encoded before the command is applied."""
    match command:
        case Set(path="prompt.to", value=""):
            return frozenset()
        case Set(path="prompt.turns", value=str(text)):
            return frozenset(turns_of(text))
        case Set(path=path, value=str(text)) if path in PROMPTS:
            return frozenset((text,))
        case Load(scene=scene):
            return texts_of(scene)
    return frozenset()


def texts_of(scene: Scene) -> frozenset[str]:
    """Return the prompts that must be encoded to paint the scene."""
    prompt = scene.prompt
    second = (prompt.to,) if prompt.to else ()
    return frozenset((prompt.text, *prompt.texts, prompt.negative, *second))


class PromptGate:
    """Says whether texts are encoded, and asks for each that is not, once.

    Used by the render thread alone. `ready` must become true even for a text that cannot be
    encoded, or the command that brings it would wait for ever.
    """

    def __init__(self, ready: Callable[[str], bool], request: Callable[[str], None]) -> None:
        self._ready, self._request = ready, request
        self._requested: set[str] = set()

    def passes(self, command: Command) -> bool:
        """Whether every text of the command is ready; those that are not have been asked for."""
        missing = {text for text in texts(command) if not self._ready(text)}
        for text in missing - self._requested:
            self._request(text)
        self._requested |= missing
        return not missing

    def keep(self, waiting: Iterable[Command]) -> None:
        """Forget what has been asked for by commands that wait no longer."""
        self._requested &= {text for command in waiting for text in texts(command)}


@dataclass(frozen=True, slots=True)
class GuardedCommand:
    """A command on its way through a live show: where it is refused, the last good scene stays.

    `check` may refuse the changed scene too, such as for a site the model does not have.
    """

    command: Command
    refuse: Notify
    clamp: Notify
    applied: Callable[[Command], None]
    check: Check

    @property
    def key(self) -> str | None:
        return self.command.key

    @property
    def barrier(self) -> bool:
        return self.command.barrier

    def apply(self, scene: Scene) -> Scene:
        """Return the changed scene, or the same one with the reason handed to `refuse`."""
        try:
            changed = self.command.apply(scene)
            self.check(changed)
        except LivebendError as why:
            self.refuse(str(why))
            return scene
        self.applied(self._clamped(changed))
        return changed

    def _clamped(self, changed: Scene) -> Command:
        """Return the command as it came out; where a number was clamped, `clamp` hears of it."""
        command = self.command
        if not isinstance(command, Set) or isinstance(command.value, str):
            return command
        value = paths.get(changed, command.path)
        if value == command.value:
            return command
        limits = paths.find(changed, command.path).range
        if limits is not None and not limits.wraps:
            self.clamp(f"{command.path} = {command.value:g}: clamped to {value}")
        return Set(command.path, value)


class CommandQueue:
    """Commands from any thread (`give`) to the render thread (`until`).

    `refuse` is told, in the giving or the render thread, what could not be done; `check` sees the
    scene after every command but a number's; `recorder` gets (time of the tick, command) of each
    that was applied; `feed` are further sources, such as cues, whose commands go the same way.
    """

    def __init__(
        self,
        *,
        refuse: Notify,
        gate: PromptGate | None = None,
        check: Check | None = None,
        recorder: Recorder | None = None,
        feed: Sequence[CommandSource] = (),
        bound: int = BOUND,
    ) -> None:
        self._refuse, self._check, self._recorder = refuse, check or ignore, recorder
        self._gate, self._feed, self._bound = gate, feed, bound
        self._lock = threading.Lock()
        self._waiting: list[Command] = []
        self._places: dict[str | None, int] = {}
        self._given = self._refused = self._clamped = 0

    @property
    def given(self) -> int:
        """How many commands have been given, folded and refused ones too."""
        return self._given

    @property
    def refused(self) -> int:
        """How many were refused: past the bound, or by the scene."""
        return self._refused

    @property
    def clamped(self) -> int:
        """How many set a number that was out of range."""
        return self._clamped

    def give(self, command: Command) -> bool:
        """Queue a command; False where the queue is full and it was refused. Any thread."""
        with self._lock:
            self._given += 1
            taken = self._take(command)
        if not taken:
            self._count_refusal(f"more than {self._bound} commands wait; one was refused")
        return taken

    def until(self, time: float) -> list[GuardedCommand]:
        """Return the commands to apply now, in order, each guarded. The render thread alone."""
        for source in self._feed:
            for command in source.until(time):
                self.give(command)
        with self._lock:
            taken, self._waiting = self._sort(self._waiting)
            self._places = {}
            for place, command in enumerate(self._waiting):
                self._note(command, place)
            if self._gate is not None:
                self._gate.keep(self._waiting)
        recorder = self._recorder
        applied = ignore if recorder is None else partial(self._record, recorder, time)
        return [
            GuardedCommand(
                c,
                self._count_refusal,
                self._count_clamped,
                applied,
                ignore if _is_number(c) else self._check,
            )
            for c in taken
        ]

    def _take(self, command: Command) -> bool:
        """Put the command in the place of one it makes needless, or at the end; False if full."""
        place = self._places.get(command.key)
        if place is not None and _replaces(command, self._waiting[place]):
            self._waiting[place] = command
            return True
        if len(self._waiting) >= self._bound:
            return False
        self._waiting.append(command)
        self._note(command, len(self._waiting) - 1)
        return True

    def _note(self, command: Command, place: int) -> None:
        if command.barrier:
            self._places.clear()
        elif command.key is not None:
            self._places[command.key] = place

    def _sort(self, waiting: list[Command]) -> tuple[list[Command], list[Command]]:
        """Return (what passes now, what goes on waiting)."""
        passing: list[Command] = []
        held: list[Command] = []
        for place, command in enumerate(waiting):
            if self._gate is None or self._gate.passes(command):
                passing.append(command)
                if held:
                    held = [] if _is_whole(command) else [c for c in held if c.key != command.key]
            elif isinstance(command, Load):
                later = _newest_load(waiting)
                if later == place:
                    return passing, waiting[place:]
                rest, kept = self._sort(waiting[later:])
                return passing + rest, kept
            else:
                held.append(command)
        return passing, held

    def _record(self, recorder: Recorder, time: float, command: Command) -> None:
        try:
            recorder(time, command)
        except LivebendError as why:
            self._refuse(f"not recorded: {why}")

    def _count_refusal(self, why: str) -> None:
        with self._lock:
            self._refused += 1
        self._refuse(why)

    def _count_clamped(self, what: str) -> None:
        """In the render thread alone."""
        self._clamped += 1
        self._refuse(what)


def _replaces(new: Command, old: Command) -> bool:
    """Whether the new command makes the old one of the same key needless, whatever the scene."""
    if not (isinstance(new, Set) and isinstance(old, Set)):
        return True
    if isinstance(new.value, str) or isinstance(old.value, str):
        return new.path in PROMPTS and isinstance(new.value, str)
    return True


def _is_whole(command: Command) -> bool:
    return isinstance(command, (Load, Panic, Undo))


def _newest_load(waiting: Sequence[Command]) -> int:
    return max(i for i, command in enumerate(waiting) if isinstance(command, Load))


def _is_number(command: Command) -> bool:
    return isinstance(command, Set) and not isinstance(command.value, str)
