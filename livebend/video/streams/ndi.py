"""NDI from the network, by cyndilib. On Linux senders are found by Avahi's daemon.

Source: NDI 6, the colour format NDIlib_recv_color_format_RGBX_RGBA.
"""

from collections.abc import Iterator
from typing import Any, Self

import av
import numpy as np
from cyndilib.finder import Finder
from cyndilib.receiver import Receiver
from cyndilib.video_frame import VideoFrameSync
from cyndilib.wrapper.ndi_recv import RecvColorFormat

from livebend.core.clock import now, sleep
from livebend.core.errors import PictureError
from livebend.video.naming import chosen
from livebend.video.streams.kinds import SILENT

FINDING = 3.0  # s that senders have to be found
PAUSE = 0.004  # s between looks for a new picture


class NdiReceiver:
    """Receives one sender."""

    def __init__(self, which: str) -> None:
        """Raises: PictureError where there is no such sender."""
        self._finder = Finder()  # it owns the senders that it finds
        self._finder.open()
        try:
            name = _found(self._finder, which)
        except PictureError:
            self._finder.close()
            raise
        self._receiver = Receiver(color_format=RecvColorFormat.RGBX_RGBA)
        self._frame = VideoFrameSync()
        self._receiver.frame_sync.set_video_frame(self._frame)
        self._receiver.connect_to(self._finder.get_source(name))

    def decode(self, *, video: int = 0) -> Iterator[Any]:  # noqa: ARG002 - as PyAV's files have it
        """Yield pictures as they come. Raises: OSError where none comes for SILENT seconds."""
        heard, stamp = now(), None
        while now() - heard < SILENT:
            self._receiver.frame_sync.capture_video()
            width, height = self._frame.get_resolution()
            if not (width and height) or stamp == self._frame.get_timestamp_posix():
                sleep(PAUSE)
                continue
            heard, stamp = now(), self._frame.get_timestamp_posix()
            rows = self._frame.get_array().reshape(height, -1)
            pixels = np.ascontiguousarray(rows[:, : 4 * width]).reshape(height, width, 4)
            yield av.VideoFrame.from_ndarray(pixels, format="rgba")
        raise OSError(f"no picture for {SILENT:g} s")

    def close(self) -> None:
        """Receive nothing more."""
        self._receiver.disconnect()
        self._finder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _found(finder: Any, which: str) -> str:
    """Return a sender's full name; wait for it, for a while. Raises: PictureError."""
    begin = now()
    while True:
        names = list(finder.get_source_names())
        left = FINDING - (now() - begin)
        try:
            return chosen("NDI stream", which, names)
        except PictureError:
            if left <= 0.0:
                raise
        finder.wait_for_sources(left)


receive = NdiReceiver
