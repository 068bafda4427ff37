"""Spout: a texture for other programs of a Windows machine, by SpoutGL."""

import numpy as np
import SpoutGL

from livebend.core.errors import Refused
from livebend.flow import Pixels

GL_RGBA = 0x1908  # OpenGL's number of it


class SpoutSender:
    """A sender with a context of OpenGL of its own."""

    def __init__(self, title: str, size: tuple[int, int], _fps: float) -> None:
        """Raises: Refused where the graphics card shares no textures."""
        self._size = size
        self._sender = SpoutGL.SpoutSender()
        if not self._sender.createOpenGL():
            raise Refused("Spout: OpenGL does not begin on this machine")
        self._title = title
        self._sender.setSenderName(title)
        self._picture = np.full((size[1], size[0], 4), 255, np.uint8)

    def send(self, pixels: Pixels) -> None:
        """Share a picture. Raises: Refused where it is not taken."""
        self._picture[:, :, :3] = pixels
        width, height = self._size
        if not self._sender.sendImage(self._picture, width, height, GL_RGBA, False, 0):
            raise Refused("Spout: the graphics card shares no textures")
        self._sender.setFrameSync(self._title)  # tells receivers that there is a picture

    def close(self) -> None:
        """Share nothing more."""
        self._sender.releaseSender()
        self._sender.closeOpenGL()
