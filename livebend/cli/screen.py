"""The display of a live show, as the main thread keeps it: a window, its keys and its mouse."""

from typing import TYPE_CHECKING, Any

from livebend.cli.guarded import BEGAN, WINDOW
from livebend.control.desk import Desk
from livebend.control.door import DECISIONS
from livebend.control.key_actions import press
from livebend.control.mouse import Mouse
from livebend.core.panel import Gesture
from livebend.core.watchdog import KeptWorker
from livebend.core.worker import Worker
from livebend.flow import Output

if TYPE_CHECKING:
    from livebend.cli.live_show import LiveShow


class Screen:
    """The display: a window that the main thread keeps alive, or nothing."""

    def __init__(self, output: Output, window: Any, show: "LiveShow") -> None:
        self.output, self._window, self._show = output, window, show
        self.desk: Desk | None = None
        self._mouse: Mouse | None = None

    def play(self, mouse: Mouse) -> None:
        """Have the window's operator's view played by a mouse from now on."""
        self._mouse = mouse
        self._window.board.play(mouse.panel, mouse.says)

    def serve(self, worker: Worker | KeptWorker) -> None:
        """Keep the window alive until the worker has ended, the performer closes the window, or a
        signal asks for the end."""
        while worker.alive and not self._show.is_over:
            if self._window is None:
                worker.wait(0.1)
            elif any(self._act(asked) for asked in self._window.poll()):
                return
            else:
                self._window.draw()
            self._live()

    def _live(self) -> None:
        """Tell the guard that the show lives, if there is one, and that its window is drawn."""
        show = self._show
        if show.guard is None:
            return
        show.guard.live(show.frames.get(), show.display, self._window and self._window.place)
        if self._window is not None:
            show.guard.say(WINDOW)
        if show.begun:
            show.guard.say(BEGAN)

    def _act(self, asked: Any) -> bool:
        """Do what a key or the mouse asks for; True if it ends the show."""
        if isinstance(asked, Gesture):
            if self._mouse is not None:
                self._mouse.do(asked)
            return False
        if asked.name == "close":
            return True
        if asked.name in DECISIONS:
            self._show.decide(asked.name)
        elif self.desk is not None:
            press(self.desk, asked.name, asked.argument)
        return False
