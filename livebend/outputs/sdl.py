"""Two things of SDL that pygame lacks: a `present` that lets other threads run, and the centre of a
given display.

pygame's `Renderer.present` holds Python's lock while it waits for the display, up to a whole
refresh, which would stop the render and audio threads most of the time. So the same SDL function is
called through ctypes, which releases the lock.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from pygame import Window
from pygame._sdl2 import video


@cache
def _library() -> Any:
    """The SDL library that pygame uses, through pygame's own module, which links to it."""
    sdl = ctypes.CDLL("SDL2.dll" if sys.platform == "win32" else video.__file__)
    sdl.SDL_GetWindowFromID.argtypes, sdl.SDL_GetWindowFromID.restype = [ctypes.c_uint32], _POINTER
    sdl.SDL_GetRenderer.argtypes, sdl.SDL_GetRenderer.restype = [_POINTER], _POINTER
    sdl.SDL_RenderPresent.argtypes, sdl.SDL_RenderPresent.restype = [_POINTER], None
    return sdl


_POINTER = ctypes.c_void_p


def presenter(window: Window) -> Callable[[], None]:
    """Return a function that shows what the window's renderer has drawn and, with vsync, waits
    for the display without holding Python's lock. Call it from the main thread."""
    sdl = _library()
    renderer = sdl.SDL_GetRenderer(sdl.SDL_GetWindowFromID(window.id))
    return lambda: sdl.SDL_RenderPresent(renderer)


def centre_of(display: int) -> tuple[int, int]:
    """Return the window position that means the centre of a display to SDL."""
    return (0x2FFF0000 | display, 0x2FFF0000 | display)
