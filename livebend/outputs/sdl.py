"""Things of SDL and X11 that pygame lacks: a `present` that lets other threads run, a mesh drawn at
once, the connection to the X server, whether windows are managed there, news that it is gone, and a
window that is seen until another takes its place.

pygame's `Renderer.present` holds Python's lock while it waits for the display, up to a whole
refresh, which would stop the render and audio threads most of the time. So the same SDL function is
called through ctypes, which releases the lock.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pygame
from numpy.typing import NDArray
from pygame import Window
from pygame._sdl2 import video


@cache
def library() -> Any:
    """Return the SDL library that pygame uses, through pygame's own module, which links to it."""
    sdl = ctypes.CDLL("SDL2.dll" if sys.platform == "win32" else video.__file__)
    sdl.SDL_GetWindowFromID.argtypes, sdl.SDL_GetWindowFromID.restype = [ctypes.c_uint32], _POINTER
    sdl.SDL_GetRenderer.argtypes, sdl.SDL_GetRenderer.restype = [_POINTER], _POINTER
    sdl.SDL_RenderPresent.argtypes, sdl.SDL_RenderPresent.restype = [_POINTER], None
    sdl.SDL_GetRenderTarget.argtypes, sdl.SDL_GetRenderTarget.restype = [_POINTER], _POINTER
    sdl.SDL_RenderGeometryRaw.argtypes = [
        *[_POINTER] * 3, _INT, _POINTER, _INT, _POINTER, _INT, _INT, _POINTER, _INT, _INT,
    ]  # fmt: skip
    sdl.SDL_GetDisplayName.restype = ctypes.c_char_p
    sdl.SDL_GetWindowWMInfo.argtypes = [_POINTER, _POINTER]
    return sdl


_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_made: list[bool] = []  # windows that are being made
DESTROY_ALL, RETAIN_TEMPORARY, ALL_TEMPORARY = 0, 2, 0  # of the X protocol
SUBSTRUCTURE_REDIRECT = 1 << 20


def presenter(window: Window) -> Callable[[], None]:
    """Return a function that shows what the window's renderer has drawn and, with vsync, waits
    for the display without holding Python's lock. Call it from the main thread."""
    sdl, renderer = library(), _renderer(window)
    return lambda: sdl.SDL_RenderPresent(renderer)


def target_of(window: Window) -> int:
    """Return the address of the texture that the window's renderer draws on now."""
    return int(library().SDL_GetRenderTarget(_renderer(window)) or 0)


def draw_triangles(window: Window, texture: int, arrays: Sequence[NDArray[Any]]) -> None:
    """Draw parts of a texture, which is at an address, with a window's renderer.

    arrays: of the corners x y in pixels, float32 [n, 2]; red green blue opacity, uint8 [n, 4]; u v,
        float32 [n, 2]; and which of them are those of the triangles, int32 [3 m].
    Raises: pygame.error.
    """
    xy, colours, uv, corners = arrays
    failed = library().SDL_RenderGeometryRaw(
        _renderer(window), texture, xy.ctypes.data, xy.strides[0], colours.ctypes.data,
        colours.strides[0], uv.ctypes.data, uv.strides[0], len(xy), corners.ctypes.data,
        len(corners), corners.itemsize,
    )  # fmt: skip
    if failed:
        raise pygame.error(pygame.get_error())


def _renderer(window: Window) -> int:
    sdl = library()
    return int(sdl.SDL_GetRenderer(sdl.SDL_GetWindowFromID(window.id)))


class _X11(ctypes.Structure):
    """SDL_SysWMinfo, as it is for X11."""

    _fields_ = (
        ("version", ctypes.c_uint8 * 3),
        ("system", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("rest", ctypes.c_uint8 * 72),
    )


def x11_connection(window: Window) -> int | None:
    """Return the address of Xlib's Display that a window is on; None on another system."""
    sdl, found = library(), _X11(version=(2, 0, 0))
    if pygame.display.get_driver() != "x11":
        return None
    if not sdl.SDL_GetWindowWMInfo(sdl.SDL_GetWindowFromID(window.id), ctypes.byref(found)):
        return None
    return int(found.display)


class _Attributes(ctypes.Structure):
    """XWindowAttributes."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("x", "y", "width", "height", "border", "depth")),
        ("visual", ctypes.c_void_p),
        ("root", ctypes.c_ulong),
        *((name, ctypes.c_int) for name in ("kind", "bit_gravity", "win_gravity", "backing")),
        *((name, ctypes.c_ulong) for name in ("planes", "pixel")),
        ("save_under", ctypes.c_int),
        ("colormap", ctypes.c_ulong),
        *((name, ctypes.c_int) for name in ("installed", "mapped")),
        *((name, ctypes.c_long) for name in ("asked_by_all", "asked_here", "not_passed_on")),
        ("override_redirect", ctypes.c_int),
        ("screen", ctypes.c_void_p),
    )


def is_managed(window: Window) -> bool:
    """Whether a window manager, or what else the system has, places and sizes windows: on X11 the
    one program that has asked to be told instead of the server doing it."""
    connection, found = x11_connection(window), _Attributes()
    if connection is None:
        return True
    x11 = _x11()
    x11.XGetWindowAttributes(connection, x11.XDefaultRootWindow(connection), ctypes.byref(found))
    return bool(found.asked_by_all & SUBSTRUCTURE_REDIRECT)


@contextmanager
def making() -> Iterator[None]:
    """Say that a window is being made: where the X server goes meanwhile, the process ends."""
    _made.append(True)
    try:
        yield
    finally:
        _made.pop()


def watch(window: Window, lost: Callable[[], None]) -> object:
    """Have `lost` called where the X server of a window goes, upon which Xlib would end the process
    at once; the window can be used no more then, not even closed. Return what must stay alive.

    Without X11, or with an Xlib older than 1.7, nothing is watched.
    """
    connection = x11_connection(window)
    if connection is None:
        return None
    x11 = _x11()
    if not hasattr(x11, "XSetIOErrorExitHandler"):
        return None
    failed = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER)(lambda _: 0)

    def end(*_: object) -> None:
        lost()
        if _made:  # SDL waits for its first event, which never comes, and nothing can end that
            os._exit(1)

    ended = ctypes.CFUNCTYPE(None, _POINTER, _POINTER)(end)
    x11.XSetIOErrorHandler.argtypes = [type(failed)]
    x11.XSetIOErrorExitHandler.argtypes = [_POINTER, type(ended), _POINTER]
    x11.XSetIOErrorHandler(failed)
    x11.XSetIOErrorExitHandler(connection, ended, None)
    return failed, ended


def outlive(window: Window, yes: bool = True) -> None:
    """Have the X server go on showing the windows of this process should it be killed, until
    another calls `forget_outlived`; or have them end with it again."""
    if (connection := x11_connection(window)) is not None:
        _x11().XSetCloseDownMode(connection, RETAIN_TEMPORARY if yes else DESTROY_ALL)
        _x11().XFlush(connection)


def forget_outlived(window: Window) -> None:
    """Close what outlived its process on the X server of a window."""
    if (connection := x11_connection(window)) is not None:
        _x11().XKillClient(connection, ALL_TEMPORARY)
        _x11().XFlush(connection)


@cache
def _x11() -> Any:
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XSetCloseDownMode.argtypes = [_POINTER, ctypes.c_int]
    x11.XKillClient.argtypes = [_POINTER, ctypes.c_ulong]
    x11.XFlush.argtypes = [_POINTER]
    x11.XDefaultRootWindow.argtypes, x11.XDefaultRootWindow.restype = [_POINTER], ctypes.c_ulong
    x11.XGetWindowAttributes.argtypes = [_POINTER, ctypes.c_ulong, _POINTER]
    return x11
