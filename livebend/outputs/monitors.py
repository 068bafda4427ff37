"""The displays that there are now, each with its name and its place on the desktop.

SDL follows displays as they come and go, but under X11 only those whose cable is pulled: one that
is switched off or moved stays in its list as it was. So the X server is asked itself, through the
connection that SDL has. Everything here is called by the main thread.
"""

import ctypes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pygame

from livebend.outputs import sdl
from livebend.outputs.display import JOIN

RANDR = (1, 5)  # the version from which on the server lists monitors


@dataclass(frozen=True, slots=True)
class Monitor:
    """A display; place and size in the units of windows. Displays that show the same place are one,
    with their names joined."""

    name: str
    x: int
    y: int
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    def centred(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the position of a window of that size in the middle of this display."""
        return self.x + (self.width - size[0]) // 2, self.y + (self.height - size[1]) // 2


def lister(window: pygame.Window) -> Callable[[], list[Monitor]]:
    """Return a function that lists the displays, as long as that window is open; the first is the
    system's main one. There may be none."""
    connection = sdl.x11_connection(window)
    ask = None if connection is None else _randr(connection)
    return lambda: joined(_of_sdl() if ask is None else ask())


def joined(found: Iterable[Monitor]) -> list[Monitor]:
    """Return displays with those that show the same place as one, and no name twice.

    >>> [one.name for one in joined([Monitor("A", 0, 0, 8, 6), Monitor("B", 0, 0, 8, 6)])]
    ['A+B']
    """
    places: dict[tuple[int, int, int, int], list[str]] = {}
    used: set[str] = set()
    for one in found:
        name = next(name for name in _numbered(one.name) if name not in used)
        used.add(name)
        places.setdefault((one.x, one.y, one.width, one.height), []).append(name)
    return [Monitor(JOIN.join(names), *place) for place, names in places.items()]


def _numbered(name: str) -> Iterator[str]:
    """A name, and others where it is taken: two projectors of a kind may call themselves alike."""
    plain = name.replace(JOIN, " ").strip() or "display"
    yield plain
    for number in range(2, 100):
        yield f"{plain} {number}"


# ---- SDL


class _Rect(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int) for name in ("x", "y", "width", "height"))


def _of_sdl() -> Iterator[Monitor]:
    library, place = sdl.library(), _Rect()
    for index in range(library.SDL_GetNumVideoDisplays()):
        if library.SDL_GetDisplayBounds(index, ctypes.byref(place)) == 0:
            name = library.SDL_GetDisplayName(index) or b""
            yield Monitor(
                name.decode(errors="replace"), place.x, place.y, place.width, place.height
            )


# ---- X11


class _MonitorInfo(ctypes.Structure):
    """XRRMonitorInfo."""

    _fields_ = (
        ("name", ctypes.c_ulong),
        *((name, ctypes.c_int) for name in ("primary", "automatic", "outputs_here")),
        *((name, ctypes.c_int) for name in ("x", "y", "width", "height", "wide_mm", "high_mm")),
        ("outputs", ctypes.c_void_p),
    )


def _randr(connection: int) -> Callable[[], Iterator[Monitor]] | None:
    """Return what asks the X server for its monitors; None where it is too old to say."""
    try:
        x11, randr = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXrandr.so.2")
        get, free = randr.XRRGetMonitors, randr.XRRFreeMonitors
    except (OSError, AttributeError):  # then SDL's list must do
        return None
    display, number = ctypes.c_void_p(connection), ctypes.c_int
    major, minor = number(), number()
    randr.XRRQueryVersion(display, ctypes.byref(major), ctypes.byref(minor))
    if (major.value, minor.value) < RANDR:
        return None
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    x11.XGetAtomName.restype = ctypes.c_void_p
    x11.XGetAtomName.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    x11.XFree.argtypes = free.argtypes = [ctypes.c_void_p]
    get.restype = ctypes.POINTER(_MonitorInfo)
    get.argtypes = [ctypes.c_void_p, ctypes.c_ulong, number, ctypes.POINTER(number)]
    root = x11.XDefaultRootWindow(display)

    def ask() -> Iterator[Monitor]:
        count = number()
        found = get(display, root, True, ctypes.byref(count))
        try:
            for one in found[: max(count.value, 0)]:
                yield Monitor(_atom(x11, display, one.name), one.x, one.y, one.width, one.height)
        finally:
            free(found)

    return ask


def _atom(x11: Any, display: ctypes.c_void_p, atom: int) -> str:
    """Return the text of an atom, which is that of an output's name."""
    text = x11.XGetAtomName(display, atom)
    if not text:
        return ""
    try:
        return ctypes.string_at(text).decode(errors="replace")
    finally:
        x11.XFree(text)
