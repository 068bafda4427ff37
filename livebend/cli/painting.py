"""The render part of a show: what its thread plays, and again where it fails or hangs.

    first failure      the scene as it is, in the same thread
    second, or a hang  the scene of the last frame that was painted, by a new renderer
    from the third on  the first scene without its bends and routes; undo brings the last one back

A failure before the first frame ends the show. A thread that hangs is left behind with all that it
owns, so the one that takes over has a network of its own, on the same model and engine; a frame
that the old one should yet finish is refused.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from livebend.core import clock
from livebend.core.errors import LivebendError
from livebend.core.mailbox import Latest
from livebend.core.watchdog import PATIENCE, Term
from livebend.flow import CommandSource, Features, FeatureSource, Frame, Output, Tick, run
from livebend.scene.commands import instead
from livebend.scene.values import Scene

FIRST = 60.0  # s that the first frame of a show may take: an engine may have to warm up
SLOW = 8.0  # of usual frames: one that takes longer, and PATIENCE, hangs
SMOOTH = 0.1


class Paints(Protocol):
    """The network and what paints with it, see `Player`."""

    scene: Scene

    def render(self, scene: Scene, features: Features, tick: Tick) -> Frame: ...

    def take_up(self) -> None:
        """Prepare the calling thread to paint."""

    def anew(self) -> None:
        """Forget what earlier frames left."""

    def renew(self) -> None:
        """Paint with another renderer from now on."""


class Ticks(Protocol):
    """The clock of a show."""

    def __iter__(self) -> Iterator[Tick]: ...

    def going_on(self, stop: threading.Event) -> "Ticks":
        """Return a clock for another thread that goes on where this one is now."""


class Painting:
    """What the render thread works; `work` is a part's body, and `patience` how long it may be
    silent. Other threads may read `late` and `began`.

    begin: is called with every frame that is about to be painted and its scene.
    """

    def __init__(
        self,
        player: Paints,
        ticks: Ticks,
        ends: tuple[FeatureSource, CommandSource[Scene], Sequence[Output]],
        scenes: Latest[Scene],
        begin: Callable[[], None],
    ) -> None:
        self._player, self._ticks, self._scenes, self._begin = player, ticks, scenes, begin
        self._sound, self._commands, self._outputs = ends
        self._first = self._good = player.scene
        self._tries = 0  # terms without a frame
        self._usual = 0.0  # s a frame takes, smoothed
        self.began = False

    def patience(self) -> float:
        """Return the seconds that a frame may take."""
        return max(PATIENCE, SLOW * self._usual) if self.began else FIRST

    def work(self, term: Term) -> None:
        """Paint until the term, or the show, ends."""
        scene = self._taken_up(term)
        self._ticks = self._ticks.going_on(term)
        paint = _OfTerm(self, term)
        run(self._ticks, self._sound, self._commands, paint, self._outputs, scene)

    def paint(self, term: Term, scene: Scene, features: Features, tick: Tick) -> Frame:
        """Paint a frame of a term. Raises: LeftBehind where another thread has taken over."""
        self._scenes.put(scene)
        self._begin()
        before = clock.now()
        frame = self._player.render(scene, features, tick)
        if term.left_behind:
            raise LeftBehind
        took = clock.now() - before
        self._usual += (took - self._usual) * (SMOOTH if self._usual else 1.0)
        self._good, self._tries, self.began = scene, 0, True
        return frame

    def _taken_up(self, term: Term) -> Scene:
        """Prepare this thread for the term; return the scene that it begins with."""
        scene = self._scenes.get()
        if not term.number:
            scene = self._first
        else:
            self._tries = max(self._tries + 1, 2 if term.hung else 1)
        if self._tries == 1:
            self._player.anew()
        elif self._tries == 2:
            self._player.renew()
            scene = self._good
        elif self._tries > 2:
            self._player.renew()
            scene = instead(scene, replace(self._first, bends=(), routes=(), loops=()))
        self._player.take_up()
        return scene


class _OfTerm:
    """A `flow.Render` that belongs to a term."""

    def __init__(self, painting: Painting, term: Term) -> None:
        self._painting, self._term = painting, term

    def __call__(self, scene: Scene, features: Features, tick: Tick) -> Frame:
        return self._painting.paint(self._term, scene, features, tick)


class LeftBehind(LivebendError):
    """The frame of a thread whose place another one has taken."""
