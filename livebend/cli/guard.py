"""`livebend live --guard`: a parent that starts a show again which crashes, hangs or is killed.

It loads neither torch nor a model. The show tells it through a pipe that it is alive; its last
picture lies in memory that both have, and fills its place in a window of the guard's until the
next show has one. That one begins with the autosaved scene and the display as it was, and what it
records is the next part of the film.
"""

import argparse
import os
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from livebend.cli.guarded import BEGAN, ENDING, WINDOW, spec_of, view_of
from livebend.cli.printing import print_notice
from livebend.cli.signals import ended_by_signals
from livebend.core.clock import now
from livebend.core.errors import LivebendError, Refused
from livebend.core.mailbox import Latest, OnDemand
from livebend.core.show_files import ShowFiles, last_scene
from livebend.core.status import Status
from livebend.flow import Frame
from livebend.outputs.display import Display
from livebend.outputs.last_picture import LastPicture

HUNG = 3.0  # s without a sign of life, once pictures were shown
STARTING = 120.0  # s without one before that
ENDS = 8.0  # s that a show that ends may take
MOST, WHILE = 5, 60.0  # times in so many s that a show is started again
TAKEN_UP = 2  # of those, those that take up the scene: it may be what the show fails for
LOOK, REFRESH = 0.2, 0.03  # s between looks, also while a picture is shown


def run(options: argparse.Namespace, given: Sequence[str]) -> int:
    """Run the show of a command line under a guard; return its exit status."""
    if os.name != "posix":
        raise Refused("--guard: needs Linux or macOS; without it the show is the same")
    arguments = [argument for argument in given if argument != "--guard"]
    if options.resume is not None:
        arguments += ["--resume", str(options.resume or last_scene() or "")]
    try:
        guard = Guard(arguments, options.headless, options.seconds)
    except OSError as why:
        raise Refused(f"--guard: {why}") from why
    with ended_by_signals(guard.ask):
        return guard.run()


class Guard:
    """Starts shows, one after the other, until one ends as it was asked to."""

    def __init__(self, arguments: Sequence[str], headless: bool, seconds: float | None) -> None:
        """`arguments` are those of the command line without --guard. Raises: OSError."""
        self._arguments, self._seconds = list(arguments), seconds
        self._files, self._picture = ShowFiles(), LastPicture()
        self._cover = None if headless else Cover(self._picture)
        self._begun: float | None = None  # when the first picture of all was shown, s
        self._asked = 0.0  # when a signal asked for the end, s
        self._again: deque[float] = deque(maxlen=MOST)
        self._show: _Show | None = None

    def ask(self, _: str) -> None:
        """Have the show end for a signal that the guard got: one that it got itself changes
        nothing. A second interrupt ends both at once."""
        self._asked = now()
        if self._show is not None:
            self._show.process.send_signal(signal.SIGTERM)

    def run(self) -> int:
        """Run shows until the end; return the last one's exit status."""
        try:
            while (why := self._one()) is not None:
                if self._begun is None or self._asked:
                    break
                if len(self._again) == MOST and now() - self._again[0] < WHILE:
                    print_notice(f"guard: the show {why}, {MOST} times in {WHILE:.0f} s; it ends")
                    return 1
                self._again.append(now())
                print_notice(f"guard: the show {why}; it is started again")
        finally:
            if self._cover is not None:
                self._cover.hide()
            self._files.close()
        assert self._show is not None
        status = self._show.process.returncode
        return status if status >= 0 else 128 - status

    def _one(self) -> str | None:
        """Run a show to its end; return what was wrong, None where it ended well."""
        since = 0.0 if self._begun is None else now() - self._begun
        place = partial(spec_of, self._files.number, picture=self._picture.file, since=since)
        self._show = show = _Show(self._command(since), place, self._picture.file)
        if self._asked:
            show.process.send_signal(signal.SIGTERM)
        while True:
            said = show.listen(REFRESH if self._cover and self._cover.is_shown else LOOK)
            if BEGAN in said:
                self._begun = self._begun or now()
            if self._cover is not None:
                self._cover.turn(WINDOW in said, self._is_over)
            if why := show.outcome or self._overdue(show):
                break
        show.end()
        if ENDING in show.said or show.process.returncode == 0:
            return None
        if self._cover is not None and self._begun is not None:
            self._cover.show()
        return why

    def _is_over(self) -> None:
        """End the show because the performer closes the guard's window."""
        self.ask("")

    def _overdue(self, show: "_Show") -> str:
        silent = now() - show.heard
        if self._asked and now() - self._asked > ENDS:
            return "does not end"
        if ENDING in show.said:
            return "does not end" if silent > ENDS else ""
        return "hangs" if silent > (HUNG if BEGAN in show.said else STARTING) else ""

    def _command(self, since: float) -> list[str]:
        """The command of the next show, `since` s after the first one's first picture."""
        command = [sys.executable, "-m", "livebend.cli.main", *self._arguments]
        if self._again:
            recent = sum(now() - moment < WHILE for moment in self._again)
            command += ["--resume", str(self._files.scene)] if recent <= TAKEN_UP else []
            if self._seconds is not None:
                command += ["--seconds", f"{max(self._seconds - since, 0.1):.3f}"]
        return [*command, "--guarded-by"]


class _Show:
    """A show in its process, and what it says."""

    def __init__(self, command: Sequence[str], spec: Callable[..., str], picture: int) -> None:
        self._reads, writes = os.pipe()
        self.process = subprocess.Popen([*command, spec(beats=writes)], pass_fds=[writes, picture])
        os.close(writes)
        self.heard, self.said, self.outcome = now(), b"", ""

    def listen(self, seconds: float) -> bytes:
        """Return what the show says within so long. `outcome` is how it ended, once it has."""
        if not select.select([self._reads], [], [], seconds)[0]:
            return b""
        said = os.read(self._reads, 4096)
        self.heard = now()
        self.said += bytes(set(said) - set(self.said))
        if not said:  # the process has ended
            status = self.process.wait()
            name = "" if status >= 0 else signal.Signals(-status).name
            self.outcome = f"was ended by {name}" if name else f"failed ({status})"
        return said

    def end(self) -> None:
        """End the process at once, if there is one any more."""
        self.process.kill()
        self.process.wait()
        os.close(self._reads)


class Cover:
    """A window with the last picture while there is no show."""

    def __init__(self, picture: LastPicture) -> None:
        self._picture = picture
        self._window: Any = None

    @property
    def is_shown(self) -> bool:
        """Whether the window is there."""
        return self._window is not None

    def show(self) -> None:
        """Show the last picture as the show's display had it, if there was one."""
        pixels, state = self._picture.get() or (None, {})
        if self.is_shown or pixels is None:
            return
        from livebend.outputs.window import Window  # noqa: PLC0415 - only where a show has crashed

        display = Display(view_of(state))
        frames: Latest[Frame | None] = Latest(Frame(pixels, -1, 0.0, 0.0, 0.0))
        try:
            self._window = Window(frames, OnDemand(Status()), display, pixels.shape[1::-1])
            for name in ("meters", "help"):
                display.set(name, False)
            if state["place"] and not display.view.fullscreen:
                x, y, *size = state["place"]
                self._window.pane.window.position, self._window.pane.window.size = (x, y), size
            self._window.draw()
        except LivebendError as why:
            print_notice(f"guard: {why}")
            self._window = None

    def turn(self, is_replaced: bool, close: Any) -> None:
        """Keep the window alive; hide it once the next show's is there."""
        if self._window is None:
            return
        if is_replaced:
            self.hide()
            return
        try:
            if any(action.name == "close" for action in self._window.poll()):
                close()
            self._window.draw()
        except LivebendError:  # the display is gone: the show will say so
            self._window = None

    def hide(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()
        self._window = None
