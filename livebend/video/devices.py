"""Cameras and screens, through PyAV. A camera is known by its name, never by its index alone."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from livebend.core.errors import PictureError
from livebend.video.naming import missing

CAMERAS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}  # FFmpeg's devices
SCREENS = {"linux": "x11grab", "darwin": "avfoundation", "win32": "gdigrab"}
# What is asked of a device, the best first: some have one size alone, or one rate.
WISHES: Sequence[Mapping[str, str]] = (
    {"video_size": "640x480", "framerate": "30"},
    {"framerate": "30"},
    {},
)


class VideoDevice(NamedTuple):
    """A camera or a screen."""

    name: str
    kind: str  # FFmpeg's device
    file: str  # what it opens

    def open(self) -> Any:
        """Return its open container. Raises: PictureError."""
        return open_device(self)


def list_cameras() -> list[VideoDevice]:
    """Return every camera, in the system's order; none where that cannot be asked."""
    import av  # noqa: PLC0415 - heavy

    kind = CAMERAS.get(sys.platform, "")
    try:
        found = av.enumerate_input_devices(kind)
    except (av.FFmpegError, ValueError):
        return []
    return [
        VideoDevice(one.description or one.name, kind, _file_of(one.name, kind))
        for one in found
        if "video" in one.media_types or not one.media_types
    ]


def _file_of(name: str, kind: str) -> str:
    if kind == "dshow":
        return f"video={name}"
    return f"{name}:none" if kind == "avfoundation" else name


def find_camera(which: str) -> VideoDevice:
    """Return a camera by its name, a part of it, its file or its index; "" is the first.

    Raises: PictureError, with those that there are.
    """
    cameras = list_cameras()
    named = [c for c in cameras if which.casefold() in (c.name.casefold(), c.file.casefold())]
    named = named or [c for c in cameras if which.casefold() in c.name.casefold()]
    if which.isdecimal() and not named:
        named = cameras[int(which) :][:1]
    if named:
        return named[0]
    raise missing("camera", which, [c.name for c in cameras])


def find_screen(which: str) -> VideoDevice:
    """Return a screen: of X11 by its name, such as :0.0, of macOS by its index; "" is the first.

    Raises: PictureError where there is none.
    """
    kind = SCREENS.get(sys.platform, "")
    if kind == "gdigrab":
        return VideoDevice("screen", kind, "desktop")
    if kind == "avfoundation":
        return VideoDevice("screen", kind, f"Capture screen {which or 0}:none")
    display = which or os.environ.get("DISPLAY", "")
    if not display:
        raise PictureError("no screen to read: there is no X11 display here")
    return VideoDevice(f"screen {display}", kind, display)


def open_device(device: VideoDevice) -> Any:
    """Return the open container of a device. Raises: PictureError."""
    import av  # noqa: PLC0415 - heavy

    wishes = WISHES if device.kind in CAMERAS.values() else WISHES[1:]
    faults = []
    for wish in wishes:
        try:
            return av.open(device.file, format=device.kind, options=dict(wish))
        except (av.FFmpegError, ValueError, OSError) as why:
            faults.append(why)
    said = getattr(faults[0], "strerror", None) or str(faults[0])
    raise PictureError(f"{device.name}: cannot be opened: {said}")
