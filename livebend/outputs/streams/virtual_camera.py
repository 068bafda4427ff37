"""A camera that other programs choose like one of the machine's, by pyvirtualcam.

Windows and macOS have OBS's virtual camera, Linux the module v4l2loopback.
"""

import sys

import numpy as np
import pyvirtualcam

from livebend.core.errors import Refused, one_line
from livebend.flow import Pixels

NEEDS = {
    "linux": "load v4l2loopback: sudo modprobe v4l2loopback",
    "darwin": "install OBS, and start and stop its virtual camera once",
    "win32": "install OBS, which brings its virtual camera",
}


class VirtualCamera:
    """A camera of this machine."""

    def __init__(self, _title: str, size: tuple[int, int], fps: float) -> None:
        """Raises: Refused where there is none to play on."""
        try:
            self._camera = pyvirtualcam.Camera(*size, fps)
        except (RuntimeError, ValueError, OSError) as why:
            what = NEEDS.get(sys.platform, one_line(why))
            raise Refused(f"virtual camera: {what}") from why

    def send(self, pixels: Pixels) -> None:
        """Show a picture."""
        self._camera.send(np.ascontiguousarray(pixels))

    def close(self) -> None:
        """Give the camera back."""
        self._camera.close()
