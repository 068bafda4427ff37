"""Pictures of a film or a camera, brought to about the size of the frame while they are decoded."""

from typing import Any

import numpy as np

from livebend.flow import Pixels


def pixels_of(frame: Any, size: tuple[int, int], aspect: float = 1.0) -> Pixels:
    """Return a decoded frame upright, as pixels that cover `size` (W, H): a larger one is averaged
    down to that, a smaller one stays as it is.

    aspect: width of its own pixels, for a height of 1.
    """
    wide, high = frame.width * aspect, float(frame.height)
    turns = round(frame.rotation / 90.0) % 4
    cover = size[::-1] if turns % 2 else size
    by = min(max(cover[0] / wide, cover[1] / high), 1.0)
    wide, high = max(round(wide * by), 1), max(round(high * by), 1)
    pixels: Pixels = frame.to_ndarray(format="rgb24", width=wide, height=high, interpolation="AREA")
    pixels = np.ascontiguousarray(np.rot90(pixels, turns))
    pixels.setflags(write=False)
    return pixels
