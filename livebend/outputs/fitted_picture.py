"""The picture at the size of a stream or a film: enlarged sharply, whole with bars, or filling
it."""

import av
import numpy as np

from livebend.flow import Pixels
from livebend.outputs.sdl_window import placed
from livebend.outputs.wall.settings import Fit


def as_shown(pixels: Pixels, size: tuple[int, int], level: float, fit: Fit) -> Pixels:
    """Return a picture uint8 [H, W, 3] at (width, height) and at a level 0..1 of its light.

    fit: "fill" cuts its edges, "stretch" changes its shape; with any other all of it is there, with
        black bars.
    """
    if level <= 0.0:
        return np.zeros((size[1], size[0], 3), np.uint8)
    if (pixels.shape[1], pixels.shape[0]) != size:
        made = {"fill": _covering, "stretch": _scaled}.get(fit, _whole)
        pixels = made(pixels, size)
    if level >= 1.0:
        return pixels
    return (pixels * np.float32(level)).astype(np.uint8)


def _covering(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The middle of a picture that has the shape of a size, at that size."""
    height, width, _ = pixels.shape
    part = placed(size, (width, height), cover=False)
    left, top = max(part.left, 0), max(part.top, 0)
    return _scaled(pixels[top : top + max(part.height, 1), left : left + max(part.width, 1)], size)


def _whole(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """All of a picture within a size; the rest is black."""
    height, width, _ = pixels.shape
    part = placed((width, height), size, cover=False)
    made = np.zeros((size[1], size[0], 3), np.uint8)
    if part.width and part.height:
        made[part.top : part.bottom, part.left : part.right] = _scaled(pixels, part.size)
    return made


def _scaled(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    made: Pixels = frame.reformat(*size, format="rgb24", interpolation="LANCZOS").to_ndarray()
    return made
