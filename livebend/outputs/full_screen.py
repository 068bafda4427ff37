"""A window that fills a display: by the window system, or by its own size where nobody manages
windows, as on a machine that shows one program and nothing else."""

import pygame

from livebend.outputs import sdl
from livebend.outputs.monitors import Monitor

Place = tuple[int, int, int, int]  # x, y, width, height on the desktop


class FullScreen:
    """Lets a window fill a display, and puts it back. The main thread owns it.

    On X11 it is the window manager that makes a window full: without one the window stays as it
    was. There the window is moved and sized by itself, which nobody hinders.
    """

    def __init__(self, window: pygame.Window) -> None:
        self._window = window
        self._before: Place | None = None  # where a window was that fills a display by its size

    @property
    def place(self) -> Place:
        """Where the window is."""
        (x, y), (wide, high) = self._window.position, self._window.size
        return x, y, wide, high

    def fills(self, monitor: Monitor) -> bool:
        """Whether the window is as large as a display, and there."""
        return self.place == _place_of(monitor)

    def enter(self, monitor: Monitor) -> None:
        """Fill a display, which the window is on already where there is a window manager."""
        if sdl.is_managed(self._window):
            self._window.set_fullscreen(desktop=True)
            return
        self._before = self._before or self.place
        self._window.borderless = True
        self._put(_place_of(monitor))
        self._window.focus()  # nobody else gives it the keys

    def leave(self) -> None:
        """Be a window again, as before."""
        self._window.set_windowed()
        before, self._before = self._before, None
        if before is not None:
            self._window.borderless = False
            self._put(before)

    def _put(self, place: Place) -> None:
        self._window.position, self._window.size = place[:2], place[2:]


def _place_of(monitor: Monitor) -> Place:
    return monitor.x, monitor.y, monitor.width, monitor.height
