"""Cue files: the commands of a show as text, one a line, to be edited and played again.

    # seconds, then a command
    0.000 preset dub
    0.500 preset storm 4
    0.750 preset storm 2 bars
    1.000 cross tide
    1.100 crossfade.position 0.5
    1.250 bend.swirl.angle 45.0
    2.000 prompt.text "ocean waves"
    4.000 add bend swirl rotate unet.mid angle=30.0 mix=0.5
    5.000 add route kick onset.pulse bend.swirl.angle high=90.0
    6.000 replace bend swirl multiply unet.mid gain=2.0
    6.500 add prompt.mix night "northern lights" weight=0.5
    6.600 add loop sway bend.swirl.angle "0:0 2:90" beats=4
    7.000 remove route kick
    7.500 move bend swirl 1
    8.000 undo
    8.500 redo
    9.000 panic

A preset crosses over in the seconds, beats or bars after its name, or in `preset.fade`. `cross`
puts one on the other side of the crossfader. A cue never waits for a beat: what waited is recorded
when it is played. A value is a number, true, false or text; text needs quotes only if it looks like
one of the others, begins with a quote, or stands after an equals sign and has a space in it. Lines
may be in any order; those of the same time are played in the order of the file. Where a recorded
file was cut off within its last line, that is left out. Times are rounded down to milliseconds, so
that a cue is never later than the frame it was recorded in.
"""

import math
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from queue import SimpleQueue

from livebend.control.cue_words import LoadPreset, command_of, words_of
from livebend.core import limits
from livebend.core.clock import now
from livebend.core.errors import (
    LivebendError,
    PresetError,
    Refused,
    one_line,
    shown,
)
from livebend.core.files import config_folder, free_name, read_text, short
from livebend.core.notify import Notify, ignore
from livebend.core.texts import NUMBER
from livebend.core.worker import Worker
from livebend.scene.commands import (
    Clear,
    Command,
    Redo,
    Set,
    Store,
    Undo,
)
from livebend.scene.values import Scene

FIRST_HEAD = "# livebend cues: seconds, then a command"  # of files in which two undos undo nothing
HEAD = "# livebend cues 2: seconds, then a command"


def user_cues() -> Path:
    """Return the folder of the user's own cue files, which may not exist yet."""
    return config_folder() / "cues"


@dataclass(frozen=True, slots=True)
class Cue:
    """A command, its time in s on the clock of the show, and its line in the file; `whole` is
    False for the last line of a recorded file that may have been cut off."""

    time: float
    command: Command
    line: int = 0
    whole: bool = True


class Cues:
    """The commands of a cue file, each returned once when its time has come.

    A command source for `flow.run`; a live show feeds it to the `CommandQueue`.

    load: finds a preset by name.
    scene: that the show begins with; given, the whole file is tried on it first.
    Raises: PresetError, with file and line.
    """

    def __init__(self, file: Path, load: LoadPreset, scene: Scene | None = None) -> None:
        self.cues = read_cues(file, load)
        if scene is not None:
            self.cues = rehearse(self.cues, scene, short(file))
        self._next = 0

    def until(self, time: float) -> list[Command]:
        """Return the commands up to `time` that have not been returned before."""
        begin = self._next
        while self._next < len(self.cues) and self.cues[self._next].time <= time:
            self._next += 1
        return [cue.command for cue in self.cues[begin : self._next]]


class CueRecorder:
    """Appends applied commands to a new file as they are played, so that no end of the show loses
    them. The render thread calls it and never waits: a thread of its own writes.

    A name in use is never written over: `file` is NAME-2, NAME-3 … then. A fault, such as a full
    disk, ends the file after its last whole line and is kept in `fault`; `notify` is called with
    it, in the writer's thread.
    Raises: PresetError where the file cannot be made.
    """

    SYNC = 1.0  # s after which the disk is to hold what is written, against a power cut
    ENDING = 2.0  # s that the end of a show may take for it

    def __init__(self, file: Path, notify: Notify = ignore) -> None:
        self.fault = ""
        self._notify = notify
        self._room = limits.CUES_BYTES - len(HEAD) - 1  # bytes
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._open(file)
        self._lines.put(HEAD)
        self._writer = Worker("cues", self._write, self._fail).start()

    def __call__(self, time: float, command: Command) -> None:
        """Add a command that was applied at the tick of that time; what is done to slots is no cue.

        Raises: Refused for one that has no text, or would make the file too large to be played.
        """
        if isinstance(command, Store | Clear) or self.fault:
            return
        line = cue_line(time, command)
        size = len(line.encode()) + 1
        if size > self._room:
            raise Refused(f"{short(self.file)} is full; the show goes on")
        self._room -= size
        self._lines.put(line)

    def close(self) -> None:
        """Write what waits and close the file, or give up after ENDING seconds."""
        self._lines.put(None)
        self._writer.wait(self.ENDING)
        if self._writer.alive:
            self._fail(OSError("the disk does not answer"))

    def _open(self, file: Path) -> None:
        try:
            while True:
                self.file = free_name(file)
                with suppress(FileExistsError):  # another show was faster
                    self._out = self.file.open("xb", buffering=0)
                    return
        except OSError as why:
            raise PresetError(f"{short(file)}: cannot be written: {why.strerror}") from why

    def _write(self, _: threading.Event) -> None:
        """Write each line at once, as a whole; return after the last."""
        with self._out:
            synced = now()
            while (line := self._lines.get()) is not None:
                self._append(line)
                if now() - synced > self.SYNC:
                    os.fsync(self._out.fileno())
                    synced = now()
            os.fsync(self._out.fileno())

    def _append(self, line: str) -> None:
        """Raises: OSError, and the file ends with the line before."""
        whole, data = self._out.tell(), f"{line}\n".encode()
        try:
            while data:
                data = data[self._out.write(data) :]
        except OSError:
            self._out.truncate(whole)
            raise

    def _fail(self, why: BaseException) -> None:
        reason = getattr(why, "strerror", None) or one_line(why)
        self.fault = f"{short(self.file)}: cannot be written: {reason}"
        self._notify(f"no more cues are recorded: {self.fault}")


def read_cues(file: Path, load: LoadPreset) -> list[Cue]:
    """Return a cue file's commands in the order of their times, without half a last line.

    Raises: PresetError.
    """
    return cues_in(read_text(file, limits.CUES_BYTES, may_be_cut=True), short(file), load)


def cues_in(text: str, name: str, load: LoadPreset) -> list[Cue]:
    """Return the commands in the text of a cue file, which is called `name`, as `read_cues`."""
    cues = []
    for number, line in enumerate(StringIO(text), 1):
        where = f"{name}:{number}"
        if len(line) > limits.CUE_LENGTH:
            raise PresetError(f"{where}: a line of more than {limits.CUE_LENGTH} characters")
        if line.strip() and not line.lstrip().startswith("#"):
            whole = line.endswith("\n") or not text.startswith((HEAD, FIRST_HEAD))
            try:
                cues.append(_read_line(line, number, load, where, whole=whole))
            except PresetError:
                if whole:
                    raise
    cues.sort(key=lambda cue: cue.time)
    return _toggling(cues) if text.startswith(FIRST_HEAD) else cues


def _toggling(cues: Iterable[Cue]) -> list[Cue]:
    """Read every second undo in a row as a redo, as it was when the file was recorded."""
    made, undone = [], False
    for cue in cues:
        command = cue.command
        if isinstance(command, Undo):
            command, undone = Redo() if undone else command, not undone
        elif not isinstance(command, Set):
            undone = False
        made.append(replace(cue, command=command))
    return made


def rehearse(cues: Iterable[Cue], scene: Scene, name: str) -> list[Cue]:
    """Apply the cues to a scene without painting; return them, without half a last line.

    Raises: PresetError for the first that is refused, with file and line.
    """
    good = []
    for cue in cues:
        try:
            scene = cue.command.apply(scene)
        except LivebendError as why:
            if cue.whole:
                raise PresetError(f"{name}:{cue.line}: {why}") from why
            continue
        good.append(cue)
    return good


def cue_line(time: float, command: Command) -> str:
    """Return a command as a line of a cue file. Raises: Refused for one that has no text."""
    ms = math.floor(time * 1000)
    ms -= ms / 1000 > time  # the product may have been rounded up
    return f"{ms / 1000:.3f} {words_of(command)}"


def _read_line(line: str, number: int, load: LoadPreset, where: str, *, whole: bool) -> Cue:
    time, _, rest = line.strip().partition(" ")
    if not NUMBER.fullmatch(time) or not 0.0 <= float(time) < math.inf:
        raise PresetError(f"{where}: {shown(time)}: expected a time in seconds")
    try:
        return Cue(float(time), command_of(rest.strip(), load), number, whole)
    except LivebendError as why:
        raise PresetError(f"{where}: {why}") from why
