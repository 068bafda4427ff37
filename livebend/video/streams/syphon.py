"""Syphon: a texture of another program of a Mac, by syphon-python over Metal."""

import numpy as np
from numpy.typing import NDArray
from syphon import SyphonMetalClient, SyphonServerDirectory
from syphon.utils.numpy import copy_mtl_texture_to_image

from livebend.video.naming import chosen
from livebend.video.streams.kinds import Receiver

FINDING = 0.5  # s that servers have to answer


class SyphonReceiver(Receiver):
    """Receives one server, by its own name or its program's."""

    def __init__(self, which: str) -> None:
        """Raises: PictureError where there is no such server."""
        directory = SyphonServerDirectory()
        directory.run_loop_interval = FINDING
        servers = {f"{one.app_name} {one.name}".strip(): one for one in directory.servers}
        self._client = SyphonMetalClient(servers[chosen("Syphon server", which, list(servers))])

    def newest(self) -> NDArray[np.uint8] | None:
        if not self._client.is_valid:
            raise OSError("the server is gone, or silent")
        if not self._client.has_new_frame:
            return None
        return np.ascontiguousarray(copy_mtl_texture_to_image(self._client.new_frame_image))

    def close(self) -> None:
        self._client.stop()


receive = SyphonReceiver
