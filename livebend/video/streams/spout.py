"""Spout: a texture of another program of a Windows machine, by SpoutGL."""

from collections.abc import Iterator
from typing import Any, Self

import av
import numpy as np
import SpoutGL

from livebend.core.clock import now, sleep
from livebend.core.errors import PictureError
from livebend.video.streams.kinds import SILENT

GL_RGBA = 0x1908  # OpenGL's number of it
PAUSE = 0.004  # s between looks for a new picture


class SpoutReceiver:
    """Receives the sender of a name, or the one that is active, with a context of its own."""

    def __init__(self, which: str) -> None:
        """Raises: PictureError where the graphics card shares no textures."""
        self._receiver = SpoutGL.SpoutReceiver()
        if not self._receiver.createOpenGL():
            raise PictureError("Spout: OpenGL does not begin on this machine")
        if which:
            self._receiver.setReceiverName(which)

    def decode(self, *, video: int = 0) -> Iterator[Any]:  # noqa: ARG002 - as PyAV's files have it
        """Yield pictures as they come. Raises: OSError where none comes for SILENT seconds."""
        heard, picture = now(), None
        while now() - heard < SILENT:
            taken = self._receiver.receiveImage(picture, GL_RGBA, False, 0)
            if self._receiver.isUpdated():  # a sender has begun, or has another size
                size = self._receiver.getSenderHeight(), self._receiver.getSenderWidth()
                picture = np.zeros((*size, 4), np.uint8)
            elif taken and picture is not None and self._receiver.isFrameNew():
                heard = now()
                yield av.VideoFrame.from_ndarray(picture, format="rgba")
            else:
                sleep(PAUSE)
        raise OSError(f"no picture for {SILENT:g} s")

    def close(self) -> None:
        """Receive nothing more."""
        self._receiver.releaseReceiver()
        self._receiver.closeOpenGL()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


receive = SpoutReceiver
