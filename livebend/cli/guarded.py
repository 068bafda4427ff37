"""What a show and its guard say to each other: signs of life, and the last picture.

.  the main thread is alive, and pictures come     w  the window is there
b  the first picture is shown                      e  the show ends because it was asked to
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from livebend.core.clock import now
from livebend.core.specs import ParameterValue
from livebend.flow import Frame
from livebend.outputs.display import SPECS, Display, View
from livebend.outputs.last_picture import LastPicture

ALIVE, WINDOW, BEGAN, ENDING = b".", b"w", b"b", b"e"
EVERY = 0.25  # s between signs of life
KEY = "LIVEBEND_REMOTE_KEY"  # the variable that gives each show the same secret of the remote
SILENT = 20.0  # s without a picture after which a show is no longer called alive


class Guarded:
    """A show's side: the main thread calls every method.

    Where the guard is gone, the show goes on without.
    """

    def __init__(self, spec: str) -> None:
        """`spec` is what `spec_of` made."""
        self.number, self._beats, picture = map(int, spec.split(",")[:3])
        self.since = float(spec.split(",")[3])  # s on the clock of the show
        self._picture = LastPicture(picture)
        os.set_blocking(self._beats, False)
        self._next, self._shown = 0.0, now()
        self._kept: tuple[object, ...] = ()
        self._frame: Frame | None = None
        self._said = b""

    def last(self) -> tuple[Frame | None, View | None]:
        """Return the last picture of the show before, with index −1, and its display's state."""
        found = self._picture.get()
        if found is None:
            return None, None
        pixels, state = found
        frame = None if pixels is None else Frame(pixels, -1, 0.0, 0.0, 0.0)
        return frame, view_of(state)

    def say(self, what: bytes) -> None:
        """Tell the guard, once."""
        if what != ALIVE and what in self._said:
            return
        self._said += b"" if what == ALIVE else what
        with suppress(OSError):  # the guard is gone, or does not read
            os.write(self._beats, what)

    def live(self, frame: Frame | None, display: Display, place: tuple[int, ...] | None) -> None:
        """Give a sign of life, and keep the newest picture with the display's state and the
        window's place, (x, y, width, height); none where it is time for neither."""
        if (moment := now()) < self._next:
            return
        self._next = moment + EVERY
        if BEGAN not in self._said or frame is not self._frame:
            self._frame, self._shown = frame, moment
        if moment - self._shown < SILENT:
            self.say(ALIVE)
        kept = (frame and frame.index, display.view, place)
        if self._kept != kept:
            self._kept = kept
            with suppress(OSError):  # no room: the guard shows what it has
                pixels = None if frame is None else frame.pixels
                self._picture.put(pixels, {**state_of(display.view), "place": place})


def spec_of(number: int, beats: int, picture: int, since: float) -> str:
    """Return what a show is told of its guard: the number of its files, two descriptors, and the
    time of the show at which it begins, in s."""
    return f"{number},{beats},{picture},{since:.3f}"


def state_of(view: View) -> dict[str, ParameterValue]:
    """Return the display's state as it is kept."""
    return {name: view.value(name) for name in SPECS}


def view_of(state: Mapping[str, Any]) -> View:
    """Return the display's state as it was kept."""
    return View().changed({name: value for name, value in state.items() if name in SPECS})
