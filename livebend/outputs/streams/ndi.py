"""NDI: a picture on the network, by cyndilib. On Linux it is found by Avahi's daemon.

Source: NDI 6, NDIlib_FourCC_type_UYVY, BT.709 in the limited range.
"""

from fractions import Fraction

import av
import numpy as np
from cyndilib.sender import Sender
from cyndilib.video_frame import VideoSendFrame
from cyndilib.wrapper.ndi_structs import FourCC

from livebend.core.errors import Refused, one_line
from livebend.flow import Pixels


class NdiSender:
    """A sender on the network; it works where somebody receives it, and sends without waiting."""

    def __init__(self, title: str, size: tuple[int, int], fps: float) -> None:
        """Raises: Refused where NDI does not begin, or the width is odd."""
        if size[0] % 2:
            raise Refused(f"NDI: {size[0]}x{size[1]}: expected an even width")
        frame = VideoSendFrame()
        frame.set_resolution(*size)
        frame.set_frame_rate(Fraction(fps).limit_denominator(1001))
        frame.set_fourcc(FourCC.UYVY)
        self._sender = Sender(title, clock_video=False)
        self._sender.set_video_frame(frame)
        try:
            self._sender.open()
        except Exception as why:
            raise Refused(f"NDI: cannot be sent: {one_line(why)}") from why

    def send(self, pixels: Pixels) -> None:
        """Send a picture."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
            format="uyvy422", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        self._sender.write_video_async(rows[:, : 2 * frame.width].reshape(-1))

    def close(self) -> None:
        """Be gone from the network."""
        self._sender.close()
