"""The preview: the newest frame as a small JPEG, made where a page asks for it, once for all."""

import io

from PIL import Image

from livebend.core.mailbox import Latest
from livebend.flow import Frame

SIDE = 256  # pixels of the longer side, at most
QUALITY = 70


class Preview:
    """Used by the server's thread alone; the frames come from another."""

    def __init__(self, frames: Latest[Frame | None]) -> None:
        self._frames = frames
        self._of: Frame | None = None
        self._made = b""

    def newest(self) -> tuple[int, bytes] | None:
        """Return the newest frame's index and its picture, None before the first."""
        frame = self._frames.get()
        if frame is None:
            return None
        if frame is not self._of:
            self._of, self._made = frame, jpeg(frame)
        return frame.index, self._made


def jpeg(frame: Frame) -> bytes:
    """Return a frame as a JPEG of at most SIDE pixels a side."""
    height, width = frame.pixels.shape[:2]
    picture = Image.fromarray(frame.pixels).reduce(-(-max(height, width) // SIDE))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
