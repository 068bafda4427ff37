"""NDI from the network, by cyndilib. On Linux senders are found by Avahi's daemon.

Source: NDI 6, the colour format NDIlib_recv_color_format_RGBX_RGBA.
"""

from typing import Any

import numpy as np
from cyndilib import receiver
from cyndilib.finder import Finder
from cyndilib.video_frame import VideoFrameSync
from cyndilib.wrapper.ndi_recv import RecvColorFormat
from numpy.typing import NDArray

from livebend.core.clock import now
from livebend.core.errors import PictureError
from livebend.video.naming import chosen
from livebend.video.streams.kinds import Receiver

FINDING = 3.0  # s that senders have to be found


class NdiReceiver(Receiver):
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
        self._stamp: float | None = None  # of the last picture
        self._receiver = receiver.Receiver(color_format=RecvColorFormat.RGBX_RGBA)
        self._frame = VideoFrameSync()
        self._receiver.frame_sync.set_video_frame(self._frame)
        self._receiver.connect_to(self._finder.get_source(name))

    def newest(self) -> NDArray[np.uint8] | None:
        self._receiver.frame_sync.capture_video()
        width, height = self._frame.get_resolution()
        stamp = self._frame.get_timestamp_posix()
        if not (width and height) or stamp == self._stamp:
            return None
        self._stamp = stamp
        rows = self._frame.get_array().reshape(height, -1)
        return np.ascontiguousarray(rows[:, : 4 * width]).reshape(height, width, 4)

    def close(self) -> None:
        self._receiver.disconnect()
        self._finder.close()


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
