"""The queue of commands from the controllers to the render thread.

Folding. Between two barriers, a command replaces a waiting one of the same `key`, at that one's
position: a fader sent a thousand times a frame takes one slot, and its newest value counts. Values
of different paths do not depend on one another, so their order does not matter to the scene. The
crossfader's does: it decides which side the others are of. So it is a barrier, and replaces only
what was given right before it. Only a number replaces a number, and a prompt a prompt: neither can
be refused for its value, so folding never hides a good value behind a bad one. A number replaces
what changes it, and changes add up.

The prompt gate. A command with a prompt that is not encoded yet waits, so that no frame does. Other
commands pass a waiting prompt, and a newer one for the same path replaces it; a later Load, Panic,
Undo or Redo replaces the whole scene and so cancels it. A waiting Load holds back all that comes
after it, until a newer Load takes its place; a prompt that is being added to the mixer holds back
all until a Load or Panic, and a scene for the other side of the crossfader until a Panic. A Store
waits for the prompts before it, which belong to what it stores, and holds back what comes after it
unless that replaces the whole scene.

The beat. A recall that waits for a beat is given to the quantiser when its turn comes, and is
applied before all others in the frame with the beat; nothing waits behind it.

Room. At most WAITING commands wait, and a Panic more: that is pressed when too much is going on.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from livebend.control.quantiser import Quantiser
from livebend.core import limits
from livebend.core.errors import LivebendError
from livebend.core.notify import Notify, ignore
from livebend.core.specs import LARGEST
from livebend.scene import paths
from livebend.scene.commands import (
    Add,
    Change,
    Command,
    CommandSource,
    Load,
    LoadOther,
    Panic,
    Redo,
    Remove,
    Replace,
    Set,
    Store,
    Undo,
)
from livebend.scene.values import MixedPrompt, Scene, turns_of

PROMPTS = ("prompt.text", "prompt.to", "prompt.turns", "prompt.negative")

Recorder = Callable[[float, Command], None]
Check = Callable[[Scene], object]
Takes = Callable[[Command, Scene], bool]


def texts(command: Command) -> frozenset[str]:
    """Return the prompts that must be encoded before the command is applied."""
    match command:
        case Set(path="prompt.to", value=""):
            return frozenset()
        case Set(path="prompt.turns", value=str(text)):
            return frozenset(turns_of(text))
        case Set(path=path, value=str(text)) if _is_prompt(path):
            return frozenset((text,))
        case Add(part=MixedPrompt(text=text)) | Replace(part=MixedPrompt(text=text)):
            return frozenset((text,))
        case Load(scene=scene) | LoadOther(scene=scene):
            return texts_of(scene)
    return frozenset()


def texts_of(scene: Scene) -> frozenset[str]:
    """Return the prompts that must be encoded to paint the scene."""
    prompt = scene.prompt
    second = (prompt.to,) if prompt.to else ()
    mix = (mixed.text for mixed in scene.mix)
    return frozenset((prompt.text, *prompt.texts, prompt.negative, *second, *mix))


def _is_prompt(path: str) -> bool:
    kind, _, leaf = paths.split(path)
    return path in PROMPTS or (kind == MixedPrompt.kind and leaf == "text")


class PromptGate:
    """Checks whether texts are encoded, and requests each that is not, once.

    Used by the render thread alone. `ready` must become true even for a text that cannot be
    encoded, or the command with it would wait forever.
    """

    def __init__(self, ready: Callable[[str], bool], request: Callable[[str], None]) -> None:
        self._ready, self._request = ready, request
        self._requested: set[str] = set()

    def passes(self, command: Command) -> bool:
        """Whether every text of the command is ready; requests those that are not."""
        missing = {text for text in texts(command) if not self._ready(text)}
        for text in missing - self._requested:
            self._request(text)
        self._requested |= missing
        return not missing

    def keep(self, waiting: Iterable[Command]) -> None:
        """Forget the requests of commands that wait no longer."""
        self._requested &= {text for command in waiting for text in texts(command)}


def takes_none(_: Command, __: Scene) -> bool:
    """Take no command."""
    return False


@dataclass(frozen=True, slots=True)
class GuardedCommand:
    """A command that never raises: where it is refused, the scene stays as it was.

    check: may refuse the changed scene, for instance for a site that the model does not have.
    takes: may take the command, for a later frame.
    on_refused, on_clamped: are called with the message.
    on_applied: is called with the command, its number as clamped.
    """

    command: Command
    check: Check
    on_refused: Notify
    on_clamped: Notify
    on_applied: Callable[[Command], None]
    takes: Takes = takes_none

    @property
    def key(self) -> str | None:
        return self.command.key

    @property
    def barrier(self) -> bool:
        return self.command.barrier

    def apply(self, scene: Scene) -> Scene:
        """Return the changed scene, or the same one if the command is refused or waits."""
        if self.takes(self.command, scene):
            return scene
        try:
            changed = self.command.apply(scene)
            self.check(changed)
        except LivebendError as why:
            self.on_refused(str(why))
            return scene
        self.on_applied(self._clamped(changed))
        return changed

    def _clamped(self, changed: Scene) -> Command:
        """Return the command with the number that the scene took over from it."""
        command = self.command
        if isinstance(command, Change):
            return Set(command.path, paths.get(changed, command.path))
        if not isinstance(command, Set) or isinstance(command.value, str):
            return command
        value = paths.get(changed, command.path)
        if value == command.value:
            return command
        limits = paths.find(changed, command.path).range
        if limits is not None and not limits.wraps:
            self.on_clamped(f"{command.path} = {command.value:g}: clamped to {value}")
        return Set(command.path, value)


class CommandQueue:
    """Commands from any thread (`give`) to the render thread (`until`).

    notify: reports what was refused or clamped, in the giving or the render thread.
    gate: holds commands back until their prompts are encoded.
    check: may refuse the scene after any command that sets more than a number.
    recorder: is called with (time of the tick, command) for each command that was applied.
    feed: further sources of commands, such as cues.
    quantiser: holds recalls back until their beat.
    """

    def __init__(
        self,
        *,
        notify: Notify,
        gate: PromptGate | None = None,
        check: Check = ignore,
        recorder: Recorder | None = None,
        feed: Sequence[CommandSource] = (),
        quantiser: Quantiser | None = None,
    ) -> None:
        self._notify, self._check, self._recorder = notify, check, recorder
        self._gate, self._feed, self._quantiser = gate, feed, quantiser
        self._lock = threading.Lock()
        self._waiting: list[Command] = []
        self._foldable: dict[str | None, int] = {}  # key -> index in _waiting, since a barrier
        self._given = self._refused = self._clamped = 0

    @property
    def given(self) -> int:
        """How many commands have been given, including folded and refused ones."""
        return self._given

    @property
    def refused(self) -> int:
        """How many were refused, by a full queue or by the scene."""
        return self._refused

    @property
    def clamped(self) -> int:
        """How many set a number that was out of range."""
        return self._clamped

    def give(self, command: Command) -> bool:
        """Queue a command; False if it was refused because the queue is full. Any thread."""
        with self._lock:
            self._given += 1
            queued = self._fold_or_append(command)
        if not queued:
            self._count_refused(f"more than {limits.WAITING} commands wait; one was refused")
        return queued

    def until(self, time: float) -> list[GuardedCommand]:
        """Return the commands to apply now, in order, each guarded. The render thread alone."""
        for source in self._feed:
            for command in source.until(time):
                self.give(command)
        with self._lock:
            passing, self._waiting = self._split(self._waiting)
            self._foldable = {}
            for index, command in enumerate(self._waiting):
                self._note_foldable(command, index)
            if self._gate is not None:
                self._gate.keep(self._waiting)
        recorder = self._recorder
        on_applied = ignore if recorder is None else partial(self._record, recorder, time)
        guard = (self._count_refused, self._count_clamped, on_applied)
        due: list[GuardedCommand] = []
        takes: Takes = takes_none
        if self._quantiser is not None:
            due = [GuardedCommand(c, self._check, *guard) for c in self._quantiser.due(time)]
            takes = self._quantiser.takes
        return due + [
            GuardedCommand(c, ignore if _is_number(c) else self._check, *guard, takes)
            for c in passing
        ]

    def _fold_or_append(self, command: Command) -> bool:
        """Put the command in place of one that it replaces, or at the end; False if full."""
        index = self._foldable.get(command.key)
        if command.barrier and index != len(self._waiting) - 1:
            index = None
        folded = None if index is None else _folded(self._waiting[index], command)
        if index is not None and folded is not None:
            self._waiting[index] = folded
            return True
        if len(self._waiting) >= limits.WAITING:
            if not isinstance(command, Panic):
                return False
            if isinstance(self._waiting[-1], Panic):
                return True
        self._waiting.append(command)
        self._note_foldable(command, len(self._waiting) - 1)
        return True

    def _note_foldable(self, command: Command, index: int) -> None:
        if command.barrier:
            self._foldable.clear()
        if command.key is not None:
            self._foldable[command.key] = index

    def _split(self, waiting: list[Command]) -> tuple[list[Command], list[Command]]:
        """Return (commands that pass the prompt gate now, commands that go on waiting).

        A waiting prompt lets later commands pass, since only the picture depends on it; it is
        dropped where one of them replaces its text or the whole scene. A waiting Load holds later
        commands back, since they may name parts of its scene. It drops the prompts that wait before
        it, and a newer Load drops it with all commands between the two: they would be overwritten.
        A part that waits to be added holds later commands back in the same way, and a Load or Panic
        drops it; so does a scene for the other side, which a Panic drops.
        """
        passing: list[Command] = []
        held: list[Command] = []
        for index, command in enumerate(waiting):
            rest = waiting[index:]
            if isinstance(command, Store) and held and not any(map(_is_whole, rest)):
                return passing, held + rest
            if self._gate is None or self._gate.passes(command):
                passing.append(command)
                held = [c for c in held if not _overwrites(command, c)]
            elif isinstance(command, Load):
                newest = max(i for i, c in enumerate(waiting) if isinstance(c, Load))
                between = waiting[index:newest]
                if newest == index or any(isinstance(c, LoadOther) for c in between):
                    return passing, rest
                passed, kept = self._split(waiting[newest:])
                return passing + passed, kept
            elif isinstance(command, (Add, Replace, LoadOther)):
                if (after := _dropping(rest)) is None:
                    return passing, held + rest
                passed, kept = self._split(rest[after:])
                return passing + passed, kept
            else:
                held.append(command)
        return passing, held

    def _record(self, recorder: Recorder, time: float, command: Command) -> None:
        try:
            recorder(time, command)
        except LivebendError as why:
            self._notify(f"not recorded: {why}")

    def _count_refused(self, why: str) -> None:
        with self._lock:
            self._refused += 1
        self._notify(why)

    def _count_clamped(self, what: str) -> None:
        self._clamped += 1  # without the lock: only the render thread counts these
        self._notify(what)


def _folded(old: Command, new: Command) -> Command | None:
    """The one command that does what two of the same key do, whatever the scene; None where both
    must be applied."""
    if isinstance(new, Change):
        same = isinstance(old, Change) and old.by_fader == new.by_fader
        return old.then(new) if isinstance(old, Change) and same else None
    if isinstance(old, Change):
        return new if _is_number(new) else None
    return new if _replaces(new, old) else None


def _replaces(new: Command, old: Command) -> bool:
    """Whether the new command can replace the old one of the same key, whatever the scene."""
    if not (isinstance(new, Set) and isinstance(old, Set)):
        return True
    if isinstance(new.value, str) or isinstance(old.value, str):
        return _is_prompt(new.path) and isinstance(new.value, str)
    return -LARGEST < new.value < LARGEST  # no parameter refuses such a number for its size


def _overwrites(new: Command, held: Command) -> bool:
    """Whether a command undoes what one that waits before it would do: set a prompt."""
    if _is_whole(new) or held.key == new.key:
        return True
    part = new.part if isinstance(new, (Add, Replace)) else None
    what, name = (part.kind, part.name) if part else ("", "")
    if isinstance(new, Remove):
        what, name = new.what, new.name
    return isinstance(held, Set) and bool(what) and held.path.startswith(f"{what}.{name}.")


def _dropping(rest: Sequence[Command]) -> int | None:
    """The place of a command that makes those before it needless: a new scene, unless one of them
    is to be stored or comes on the other side; of such a scene itself only a panic."""
    whole = Panic if isinstance(rest[0], LoadOther) else (Load, Panic)
    for place, command in enumerate(rest):
        if isinstance(command, whole):
            return place
        if place and isinstance(command, (Store, LoadOther)):
            return None
    return None


def _is_whole(command: Command) -> bool:
    return isinstance(command, (Load, Panic, Undo, Redo))


def _is_number(command: Command) -> bool:
    return isinstance(command, Change) or (
        isinstance(command, Set) and not isinstance(command.value, str)
    )
