"""The operator's window: on a display that is not the picture's, where it was left last time."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from livebend.core import clock
from livebend.core.errors import PresetError
from livebend.core.files import read_text, write_text
from livebend.outputs.monitors import Monitor
from livebend.outputs.sdl_window import SdlWindow

SIZE = (1060, 720)  # pixels, where the display has room
LEAST = (320, 240)
FRAME = 32  # pixels: the title above a window; no system's is much higher
SETTLING = 1.0  # s after which what moves the window is somebody's hand
MOST = 16  # displays that are remembered
BYTES = 1 << 16
ROOM = (0.95, 0.85)  # of a display's width and height: with its frame and a bar, it fits

Place = tuple[int, int, int, int]  # x and y within the display, width, height


class KeptPlaces:
    """Where the operator's window was on each display, by the display's name, in a file.

    A file that cannot be read, or is of another make, is none.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._places: dict[str, Place] = {}
        with suppress(PresetError):  # the first show of all, or a file that is of no use
            self._places = _places_from(read_text(file, BYTES))

    def place(self, monitor: Monitor) -> Place:
        """Return where the window goes: as it was, moved and made smaller as far as it must be."""
        usual = _usual(monitor)
        x, y, wide, high = self._places.get(monitor.name, usual)
        wide = min(max(wide, LEAST[0]), usual[2] if wide > monitor.width else wide)
        high = min(max(high, LEAST[1]), usual[3] if high > monitor.height - FRAME else high)
        return (
            min(max(x, 0), max(monitor.width - wide, 0)),
            min(max(y, 0), max(monitor.height - high, 0)),
            wide,
            high,
        )

    def keep(self, monitor: Monitor, place: Place) -> None:
        """Remember a place, and write it down where it has changed. Raises: OSError."""
        if self._places.pop(monitor.name, None) == place:
            self._places[monitor.name] = place
            return
        self._places[monitor.name] = place
        newest = dict(list(self._places.items())[-MOST:])
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_text(self._file, json.dumps({"operator": newest}, indent=2) + "\n")


class OperatorWindow(SdlWindow):
    """The operator's window on a display. The main thread owns it."""

    def __init__(self, title: str, monitor: Monitor, kept: KeptPlaces) -> None:
        x, y, wide, high = kept.place(monitor)
        self.monitor = monitor
        super().__init__(title, (wide, high), (monitor.x + x, monitor.y + y), vsync=False)
        self._settled, self._until = self._place, clock.now() + SETTLING

    def settle(self) -> None:
        """Take in where the system puts the window, which is not where it was asked to: a title
        lies above it. To be called at every drawing."""
        if clock.now() < self._until:
            self._settled = self._place

    def moved(self) -> Place | None:
        """Return where it is on its display, where somebody has moved it there."""
        place = self._place
        x, y, wide, high = place
        inside = -wide < x < self.monitor.width and -high < y < self.monitor.height
        return place if inside and place != self._settled else None

    @property
    def _place(self) -> Place:
        (x, y), (wide, high) = self.window.position, self.window.size
        return x - self.monitor.x, y - self.monitor.y, wide, high


def _usual(monitor: Monitor) -> Place:
    """In the middle, as large as there is room."""
    wide, high = (
        min(usual, int(side * part))
        for usual, side, part in zip(SIZE, monitor.size, ROOM, strict=True)
    )
    return (monitor.width - wide) // 2, (monitor.height - high) // 2, wide, high


def _places_from(text: str) -> dict[str, Place]:
    """Read the places that are such; others are left out."""
    try:
        read: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    found = read.get("operator") if isinstance(read, dict) else None
    entries: Mapping[str, Any] = found if isinstance(found, dict) else {}
    return {
        name: (place[0], place[1], place[2], place[3])
        for name, place in list(entries.items())[-MOST:]
        if isinstance(place, list)
        and len(place) == 4
        and all(type(one) is int and abs(one) < 100_000 for one in place)
    }
