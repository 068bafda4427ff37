"""`livebend live --guard`: a parent that starts a show again which crashes, hangs or is killed.

It loads neither torch nor a model. The show tells it through a pipe that it is alive; its last
picture lies in memory that both have, and fills its place in a window of the guard's until the
next show has one. That one begins with the autosaved scene and the display as it was, and what it
records is the next part of the film. A scene that shows die of one after the other is set aside.
"""

import argparse
import os
import secrets
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from livebend.cli.guarded import BEGAN, ENDING, KEY, WINDOW, spec_of
from livebend.cli.printing import print_notice
from livebend.cli.signals import ended_by_signals
from livebend.core.clock import now
from livebend.core.errors import LivebendError, Refused
from livebend.core.files import free_name
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
FATAL = 3  # shows in WHILE that a scene ends before it is set aside: it may be what ends them
LOOK, REFRESH = 0.2, 0.03  # s between looks, also while a picture is shown
STOPPED = 1.0  # s between two looks that mean that the guard itself was stopped, or starved


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
        self._secret = secrets.token_hex(32)  # pages of the remote stay paired
        self._earlier = self._saved()
        self._cover = None if headless else Cover(self._picture)
        self._begun: float | None = None  # when the first picture of all was shown, s
        self._asked = 0.0  # when a signal asked for the end, s
        self._again: deque[float] = deque(maxlen=MOST)
        self._of_scene: deque[float] = deque(maxlen=FATAL)  # when shows with this scene ended, s
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
                if self._begun is None or self._asked or (self._cover and self._cover.is_gone):
                    print_notice(f"guard: the show {why}; it ends")
                    break
                if len(self._again) == MOST and now() - self._again[0] < WHILE:
                    print_notice(f"guard: the show {why}, {MOST} times in {WHILE:.0f} s; it ends")
                    return 1
                self._again.append(now())
                print_notice(f"guard: the show {why}; it is started again")
                self._set_aside()
        finally:
            if self._cover is not None:
                self._cover.close()
            self._files.close()
        assert self._show is not None
        status = self._show.process.returncode
        return status if status >= 0 else 128 - status

    def _one(self) -> str | None:
        """Run a show to its end; return what was wrong, None where it ended well."""
        since = 0.0 if self._begun is None else now() - self._begun
        place = partial(spec_of, self._files.number, picture=self._picture.file, since=since)
        self._show = show = _Show(self._command(since), place, self._picture.file, self._secret)
        if self._asked:
            show.process.send_signal(signal.SIGTERM)
        looked = show.heard
        while True:
            said = show.listen(REFRESH if self._cover and self._cover.is_shown else LOOK)
            before, looked = looked, now()
            if looked - before > STOPPED:
                show.heard = looked  # what it said meanwhile may still have to be read
            if BEGAN in said and self._begun is None:
                self._begun = now()
                self._prepare()
            if self._cover is not None:
                self._cover.turn(WINDOW in said, self._is_over)
            if why := show.outcome or self._overdue(show):
                break
        is_well = ENDING in show.said or show.process.returncode == 0
        if self._cover is not None and self._begun is not None and not is_well:
            self._cover.show()  # before the window of a show that hangs goes
        show.end()
        return None if is_well else why

    def _prepare(self) -> None:
        if self._cover is not None:
            with suppress(LivebendError):  # it is said when the window is wanted
                self._cover.prepare()

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

    def _set_aside(self) -> None:
        """Count an end of the scene, and rename one that has ended FATAL shows in WHILE, so that
        the next begins as given."""
        self._of_scene.append(now())
        if len(self._of_scene) < FATAL or now() - self._of_scene[0] > WHILE:
            return
        self._of_scene.clear()
        scene = self._files.scene
        try:
            aside = scene.replace(free_name(scene.with_stem(f"{scene.stem}-aside")))
        except OSError:  # none was saved
            return
        print_notice(f"guard: {FATAL} shows have ended with this scene; it is set aside: {aside}")

    def _saved(self) -> int | None:
        """When the scene was saved, in ns; None where there is none."""
        try:
            return self._files.scene.stat().st_mtime_ns
        except OSError:
            return None

    def _command(self, since: float) -> list[str]:
        """The command of the next show, `since` s after the first one's first picture."""
        command = [sys.executable, "-m", "livebend.cli.main", *self._arguments]
        if self._again:
            if self._saved() not in (None, self._earlier):
                command += ["--resume", str(self._files.scene)]
            if self._seconds is not None:
                command += ["--seconds", f"{max(self._seconds - since, 0.1):.3f}"]
        return [*command, "--guarded-by"]


class _Show:
    """A show in its process, and what it says."""

    def __init__(
        self, command: Sequence[str], spec: Callable[..., str], picture: int, secret: str
    ) -> None:
        self._reads, writes = os.pipe()
        self.process = subprocess.Popen(
            [*command, spec(beats=writes)], pass_fds=[writes, picture],
            env={**os.environ, KEY: secret},
        )  # fmt: skip
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
    """A window with the last picture while there is no show: hidden until then, since to make one
    takes so long that the audience would see it."""

    def __init__(self, picture: LastPicture) -> None:
        self._picture, self._display = picture, Display()
        self._frames: Latest[Frame | None] = Latest(None)
        self._window: Any = None
        self.is_gone = False  # with the display server: SDL would wait for it for ever
        self.is_shown = False

    def prepare(self) -> None:
        """Make the window. Raises: LivebendError where there is no display."""
        from livebend.outputs.window import Window  # noqa: PLC0415 - only where a show has one

        if self._window is None and not self.is_gone:
            status = OnDemand(Status())
            self._window = Window(self._frames, status, self._display, spare=True)

    def show(self) -> None:
        """Show the last picture as the show's display had it, if there was one."""
        pixels, state = self._picture.get() or (None, {})
        if self.is_shown or self.is_gone or pixels is None:
            return
        try:
            self.prepare()
            for name in Display.specs:
                self._display.set(name, state[name])
            self._frames.put(Frame(pixels, -1, 0.0, 0.0, 0.0))
            self._window.show(state["place"])
            self.is_shown = True
        except LivebendError as why:
            print_notice(f"guard: {why}")
            self._window = None

    def turn(self, is_replaced: bool, close: Callable[[], None]) -> None:
        """Keep the window alive; hide it once the next show's is there."""
        if self._window is None:
            return
        try:
            if any(action.name == "close" for action in self._window.poll()):
                close()
            if is_replaced:
                self.hide()
            if self.is_shown:
                self._window.draw()
        except LivebendError:  # the display is gone: the show will say so
            self.is_gone = self._window.lost
            self._window, self.is_shown = None, False

    def hide(self) -> None:
        """Hide the window. Raises: LivebendError."""
        if self.is_shown:
            self._window.hide()
        self.is_shown = False

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()
        self._window, self.is_shown = None, False
