"""Pictures that come in, drawn by tests, and sources of them."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from livebend.flow import InputFrame, Pixels


def garden(height: int = 64, width: int = 64, seed: int = 1) -> Pixels:
    """A picture [H, W, 3] with slopes, edges and grain, another for each seed."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    sky = np.stack([0.3 + 0.5 * y, 0.5 + 0.2 * x, 0.9 - 0.6 * y], -1)
    sun = np.hypot(x - chance.uniform(0.2, 0.7), y - 0.3) < 0.15
    sky[sun] = (1.0, 0.8, 0.3)
    grain = chance.normal(0, 0.05, (height, width, 1))
    return ((sky + grain).clip(0, 1) * 255).astype(np.uint8)


class StillSource:
    """One picture for ever, or one after another, each for a second."""

    def __init__(self, *pictures: Pixels) -> None:
        self._pictures: Sequence[Pixels] = pictures
        self.asked: list[float] = []

    def at(self, time: float) -> InputFrame:
        self.asked.append(time)
        number = min(int(time), len(self._pictures) - 1)
        return InputFrame(self._pictures[number], number)

    def close(self) -> None:
        """Do nothing."""


def write_film(path: Path, count: int, fps: int = 10, size: tuple[int, int] = (96, 64)) -> Path:
    """Write a film whose picture k can be told by `number_of`; `size` is (W, H)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"qp": "0", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        for k in range(count):
            pixels = np.full((*size[::-1], 3), 20 + 20 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    return path


def number_of(shot: InputFrame) -> int:
    """Return which picture of such a film it is."""
    return round((float(shot.pixels.mean()) - 20.0) / 20.0)
