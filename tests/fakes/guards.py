"""A guard and its shows in processes of their own, which are all ended whatever a test does.

What they print goes to files, since a pipe that nobody reads would hold them up; whoever waits for
them has a deadline.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import av
import pytest

from tests import ROOT
from tests.fakes.osc import datagram, free_port

LONGEST = 90.0  # s that anything may take on a busy machine
PRESET = """
[prompt]
text = "a red orb"
[bend.b]
operator = "rotate_pairs"
site = "unet.mid"
angle = 10
"""
RUN = """
import sys
from livebend.cli import guard
from livebend.cli.main import main
{}
sys.exit(main(sys.argv[1:]))
"""


class GuardedShow:
    """A show under a guard in a folder, with film.mp4 and what both print in said.txt.

    change: Python that is run in the guard's process before it begins.
    display: the X server's name; without one the show has no window.
    """

    def __init__(
        self, folder: Path, model: Path, *more: str, change: str = "", display: str = ""
    ) -> None:
        if sys.platform != "linux":
            pytest.skip("finds the guard's show as Linux lists it")
        self.folder, self.port = folder, free_port()
        (folder / "plain.toml").write_text(PRESET)
        environment = os.environ | {
            "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state"),
        }  # fmt: skip
        if display:
            environment["DISPLAY"] = display
            environment.pop("SDL_VIDEODRIVER", None)
        with (folder / "said.txt").open("wb") as said:
            self.guard = subprocess.Popen(
                [sys.executable, "-c", RUN.format(change), "live", "--guard",
                 *["--headless"] * (not display), "--model", str(model), "--backend", "torch",
                 "--size", "64", "--preset", "plain.toml", "--fps", "8",
                 "--osc", f"127.0.0.1:{self.port}", "--record", "film.mp4", *more],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> "GuardedShow":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """End the guard and all of its shows at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.guard.pid, signal.SIGKILL)
        self.guard.wait(LONGEST)

    @property
    def said(self) -> str:
        """What the guard and its shows have printed."""
        return (self.folder / "said.txt").read_text()

    @property
    def show(self) -> int | None:
        """The process of the show that is running; None between two."""
        children = Path(f"/proc/{self.guard.pid}/task/{self.guard.pid}/children")
        with suppress(OSError):
            return next(map(int, children.read_text().split()), None)
        return None

    def signal(self, number: int) -> int:
        """Send a signal to the show, once there is one; return its process."""
        self.until(lambda: self.show is not None)
        show = self.show
        assert show is not None
        os.kill(show, number)
        return show

    def send(self, address: str, *values: object) -> None:
        """Send an OSC message."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(datagram(address, *values), ("127.0.0.1", self.port))

    def value(self, path: str) -> object:
        """Return what a parameter is at, None where nobody answers."""
        place = f"http://127.0.0.1:{self.port}/livebend/{path}?VALUE"
        with suppress(OSError), urllib.request.urlopen(place, timeout=2.0) as answer:
            return json.load(answer)["VALUE"][0]
        return None

    def saved(self) -> str:
        """The autosaved scene."""
        with suppress(OSError):
            return (self.folder / "state" / "livebend" / "show.toml").read_text()
        return ""

    def part(self, number: int) -> Path | None:
        """The file of a part of the film, as long as it is written or when it is whole."""
        name = "film.mp4" if number == 1 else f"film-{number}.mp4"
        found = [self.folder / name, self.folder / f"{name}.part"]
        return next((file for file in found if file.exists()), None)

    def until(self, condition: Callable[[], object], seconds: float = LONGEST) -> None:
        """Wait until something is true; the guard must be running."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.guard.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def until_part(self, number: int) -> None:
        """Wait until the show of this number has painted its first picture."""
        self.until(lambda: self.part(number))

    def until_film(self, number: int) -> None:
        """Wait until there are pictures in a part of the film: before that a show may be loading,
        and its guard is patient."""
        self.until(lambda: (file := self.part(number)) and film_seconds(file) > 0.0)

    def set(self, path: str, value: object) -> None:
        """Set a parameter by OSC, and wait until it is; a datagram may be lost."""
        self.until(lambda: self.value(path) == value or self.send(f"/livebend/{path}", value))

    def ended(self, seconds: float = LONGEST) -> int:
        """Wait for the guard's end; return its status."""
        return self.guard.wait(seconds)


def film_seconds(file: Path | None) -> float:
    """How long what there is of a film plays: every picture of it is read. 0 where nothing does,
    as where its show was killed in its first second."""
    assert file is not None
    last, period = 0.0, 0.0
    with suppress(av.InvalidDataError), av.open(str(file)) as film:
        for frame in film.decode(video=0):
            period, last = frame.time - last, frame.time
    return last + period
