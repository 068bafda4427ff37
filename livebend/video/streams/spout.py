"""Spout: a texture of another program of a Windows machine, by SpoutGL."""

import numpy as np
import SpoutGL
from numpy.typing import NDArray

from livebend.core.errors import PictureError
from livebend.video.streams.kinds import Receiver

GL_RGBA = 0x1908  # OpenGL's number of it


class SpoutReceiver(Receiver):
    """Receives the sender of a name, or the one that is active, with a context of its own."""

    def __init__(self, which: str) -> None:
        """Raises: PictureError where the graphics card shares no textures."""
        self._picture: NDArray[np.uint8] | None = None  # where there is a sender
        self._receiver = SpoutGL.SpoutReceiver()
        if not self._receiver.createOpenGL():
            raise PictureError("Spout: OpenGL does not begin on this machine")
        if which:
            self._receiver.setReceiverName(which)

    def newest(self) -> NDArray[np.uint8] | None:
        taken = self._receiver.receiveImage(self._picture, GL_RGBA, False, 0)
        if self._receiver.isUpdated():  # a sender has begun, or has another size
            size = self._receiver.getSenderHeight(), self._receiver.getSenderWidth()
            self._picture = np.zeros((*size, 4), np.uint8)
            return None
        return self._picture if taken and self._receiver.isFrameNew() else None

    def close(self) -> None:
        self._receiver.releaseReceiver()
        self._receiver.closeOpenGL()


receive = SpoutReceiver
