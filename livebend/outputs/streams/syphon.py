"""Syphon: a texture for other programs of a Mac, by syphon-python over Metal."""

import numpy as np
from syphon import SyphonMetalServer
from syphon.utils.numpy import copy_image_to_mtl_texture
from syphon.utils.raw import create_mtl_texture

from livebend.flow import Pixels


class SyphonSender:
    """A server that shares one texture."""

    def __init__(self, title: str, size: tuple[int, int], _fps: float) -> None:
        self._server = SyphonMetalServer(title)
        self._texture = create_mtl_texture(self._server.device, *size)
        self._picture = np.full((size[1], size[0], 4), 255, np.uint8)

    def send(self, pixels: Pixels) -> None:
        """Share a picture."""
        self._picture[:, :, :3] = pixels
        copy_image_to_mtl_texture(self._picture, self._texture)
        self._server.publish_frame_texture(self._texture, is_flipped=True)  # its first row is above

    def close(self) -> None:
        """Share nothing more."""
        self._server.stop()
