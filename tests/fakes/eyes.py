"""What an X server shows, as an audience sees it."""

import ctypes
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

ALL_PLANES, ZPIXMAP = 2**32 - 1, 2
STARTS = 60.0  # s that a server may take to start


class _Image(ctypes.Structure):
    """The beginning of XImage."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("width", "height", "xoffset", "format")),
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int) for name in ("order", "unit", "bit_order", "pad", "depth")),
        ("bytes_per_line", ctypes.c_int),
    )


class Eyes:
    """A connection to an X server, through which its whole screen is seen."""

    def __init__(self, display: str) -> None:
        self._x11 = x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XDefaultRootWindow.restype = ctypes.c_ulong
        x11.XGetImage.restype = ctypes.POINTER(_Image)
        self._display = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
        self._root = ctypes.c_ulong(x11.XDefaultRootWindow(self._display))

    def __enter__(self) -> "Eyes":
        return self

    def __exit__(self, *_: object) -> None:
        self._x11.XCloseDisplay(self._display)

    def picture(self, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Return what is shown there, uint8 [height, width, 3]."""
        number = ctypes.c_uint
        image = self._x11.XGetImage(
            self._display, self._root, x, y, number(width), number(height),
            ctypes.c_ulong(ALL_PLANES), ZPIXMAP,
        )  # fmt: skip
        row = image.contents.bytes_per_line
        raw = ctypes.string_at(image.contents.data, row * height)
        self._x11.XDestroyImage(image)
        return np.frombuffer(raw, np.uint8).reshape(height, row // 4, 4)[:, :width, 2::-1]


@contextmanager
def x_server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """An X server of its own, 1024x768 without a window manager, and its name."""
    if shutil.which("Xvfb") is None:
        pytest.skip("no Xvfb")
    reads, writes = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writes), "-screen", "0", "1024x768x24"],
        pass_fds=[writes],
        stderr=subprocess.DEVNULL,
    )
    os.close(writes)
    try:
        assert select.select([reads], [], [], STARTS)[0], "Xvfb does not start"
        with os.fdopen(reads) as said:
            name = f":{said.readline().strip()}"
        yield server, name
    finally:
        server.kill()
        server.wait(STARTS)
