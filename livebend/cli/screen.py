"""The display of a live show, as the main thread keeps it: a window, its keys and its mouse."""

from typing import Any, Protocol

from livebend.cli.guarded import BEGAN, WINDOW
from livebend.cli.live_options import LAST
from livebend.cli.live_state import LiveState
from livebend.control.desk import Desk
from livebend.control.door import DECISIONS, Decision
from livebend.control.key_actions import press
from livebend.control.mouse import Mouse
from livebend.core.panel import Gesture
from livebend.core.watchdog import KeptWorker
from livebend.core.worker import Worker
from livebend.flow import Frame, Output
from livebend.outputs.headless import Headless


class Shown(Protocol):
    """The show, as its display knows it."""

    begun: bool  # whether a picture has been shown

    @property
    def is_over(self) -> bool:
        """Whether the show is to end."""

    def shown(self, frame: Frame) -> None:
        """Take a frame that is on the display now."""

    def decide(self, decision: Decision) -> None:
        """Let in the machine that asks, or turn it away."""


class Screen:
    """The display: a window that the main thread keeps alive, or nothing."""

    def __init__(self, live: LiveState, show: Shown) -> None:
        """Open the window. Raises: LivebendError."""
        self._live, self._show = live, show
        self._window: Any = None if live.options.headless else _window(live, show)
        self.output: Output = self._window or Headless(show.shown, live.frames)
        self.desk: Desk | None = None
        self._mouse: Mouse | None = None

    def play(self, mouse: Mouse) -> None:
        """Have the window's operator's view played by a mouse from now on."""
        self._mouse = mouse
        self._window.board.play(mouse.panel, mouse.says)

    def close(self) -> bool:
        """Close the window; return whether it has to be left behind with a display that is gone."""
        if self._window is None:
            return False
        self._window.close()
        return bool(self._window.lost)

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
            self._say_alive()

    def _say_alive(self) -> None:
        """Tell the guard that the show lives, if there is one, and that its window is drawn."""
        live, guard = self._live, self._live.guard
        if guard is None:
            return
        guard.live(live.frames.get(), live.display, self._window and self._window.place)
        if self._window is not None:
            guard.say(WINDOW)
        if self._show.begun:
            guard.say(BEGAN)

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


def _window(live: LiveState, show: Shown) -> Any:
    from livebend.outputs.wall.overlay import read_logo  # noqa: PLC0415 - only where there is
    from livebend.outputs.window import Window  # noqa: PLC0415 - a display

    options, file = live.options, live.options.logo
    logo = None if file is None else read_logo(file)
    if live.room and options.display == LAST:
        live.display.home = live.room.home
    window = Window(
        live.frames, live.status, live.display, options.size, on=options.display,
        shown=show.shown, late=live.notices.say_late, notify=live.statistics.notice,
        outlives=live.guard is not None, logo=logo,
    )  # fmt: skip
    live.shape = window.shape
    return window
