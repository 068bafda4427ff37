"""Syphon: a texture of another program of a Mac, by syphon-python over Metal."""

from collections.abc import Iterator
from typing import Any, Self

import av
import numpy as np
from syphon import SyphonMetalClient, SyphonServerDirectory
from syphon.utils.numpy import copy_mtl_texture_to_image

from livebend.core.clock import now, sleep
from livebend.video.naming import chosen
from livebend.video.streams.kinds import SILENT

FINDING = 0.5  # s that servers have to answer
PAUSE = 0.004  # s between looks for a new picture


class SyphonReceiver:
    """Receives one server, by its own name or its program's."""

    def __init__(self, which: str) -> None:
        """Raises: PictureError where there is no such server."""
        directory = SyphonServerDirectory()
        directory.run_loop_interval = FINDING
        servers = {f"{one.app_name} {one.name}".strip(): one for one in directory.servers}
        self._client = SyphonMetalClient(servers[chosen("Syphon server", which, list(servers))])

    def decode(self, *, video: int = 0) -> Iterator[Any]:  # noqa: ARG002 - as PyAV's files have it
        """Yield pictures as they come. Raises: OSError where none comes for SILENT seconds."""
        heard = now()
        while self._client.is_valid and now() - heard < SILENT:
            if not self._client.has_new_frame:
                sleep(PAUSE)
                continue
            heard = now()
            picture = np.ascontiguousarray(copy_mtl_texture_to_image(self._client.new_frame_image))
            yield av.VideoFrame.from_ndarray(picture, format="rgba")
        raise OSError("the server is gone, or silent")

    def close(self) -> None:
        """Receive nothing more."""
        self._client.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


receive = SyphonReceiver
