"""Recalls that wait for the next beat, bar or phrase of the show.

What waits is decided where a command's turn comes, by the scene as it is then. It is applied, and
recorded as a cue, at the frame with the boundary: a cue never waits again, so a show that is
replayed needs no quantising and is the same.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from livebend.core.notify import Notify
from livebend.modulation.beats import Beats
from livebend.scene import sides
from livebend.scene.commands import Command, Load, LoadOther, LoadStored, Panic, Undo
from livebend.scene.show_values import Boundary
from livebend.scene.values import Scene

Recall = Load | LoadOther | LoadStored
NEARLY = 1e-6  # of a beat: rounding must not delay a recall by a frame
NO_TEMPO = "preset.quantise: there is no tempo yet, so recalls do not wait"


@dataclass(slots=True)
class _Waiting:
    """A recall, what it waits for, and how many of those there had been when it was looked at."""

    command: Recall
    boundary: Boundary
    count: int


class Quantiser:
    """Holds recalls back. The render thread alone calls it; any thread may read `waiting`.

    beats: where the beat was in the last frame.
    notify: is told once where there is no tempo to wait for.
    """

    def __init__(self, beats: Callable[[], Beats], notify: Notify) -> None:
        self._beats, self._notify = beats, notify
        self._held: dict[bool, _Waiting] = {}  # the one of each side; True = the other side
        self._time = 0.0
        self._said = False
        self.waiting = ""  # the presets that wait

    def due(self, time: float) -> Iterator[Recall]:
        """Yield the recalls whose boundary comes with the frame at `time`, in s."""
        self._time = time
        if not self._held:
            return
        beats = self._beats()
        for side, one in list(self._held.items()):
            count = self._count(beats, one.boundary)
            if count > one.count or not beats.bpm:
                del self._held[side]
                self._note()
                yield one.command
            one.count = count

    def takes(self, command: Command, scene: Scene) -> bool:
        """Whether a command whose turn it is waits instead, or takes one back that waits.

        A newer recall replaces one that waits on its side; a panic drops them, and so does an undo,
        which does nothing else then.
        """
        match command:
            case Load() | LoadOther() | LoadStored() if command.waits:
                return self._holds(command, scene)
            case Panic():
                return self._drop() and False
            case Undo(waits=True):
                return self._drop()
        return False

    def _holds(self, command: Recall, scene: Scene) -> bool:
        boundary = scene.preset.quantise
        if boundary == "off" or (command.other and not sides.share(scene)):
            return False
        beats = self._beats()
        if not beats.bpm:
            if not self._said:
                self._notify(NO_TEMPO)
            self._said = True
            return False
        self._held[command.other] = _Waiting(command, boundary, self._count(beats, boundary))
        self._note()
        return True

    def _count(self, beats: Beats, boundary: Boundary) -> int:
        """How many of a boundary there will have been with the frame that comes."""
        return math.floor(beats.at(boundary, self._time) + NEARLY)

    def _drop(self) -> bool:
        dropped = bool(self._held)
        self._held.clear()
        self._note()
        return dropped

    def _note(self) -> None:
        self.waiting = ", ".join(one.command.preset for one in self._held.values())
