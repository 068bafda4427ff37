"""What the frames of a segment go through: the limit of flashes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
import pygame
from numpy.typing import NDArray

from livebend.core.errors import Refused
from livebend.core.files import write_file
from livebend.flow import Frame, Output, Pixels
from livebend.outputs.drawing import surface_of
from livebend.outputs.strobe_limit import POINTS, SIDE, FlashLimit, between, points_of

POINTS_SHAPE = (POINTS**2, SIDE, SIDE, 3)  # of a frame, uint8


class SegmentFlashes:
    """Shows frames that flash no more than is safe, as if all before the segment had been seen.

    Where it is not known yet what the segments before showed, frames pass as they are. Either way
    their points are kept, from which that is found later: see `flashes`.
    """

    def __init__(
        self, outputs: Sequence[Output], points: Path, limit: FlashLimit | None, last: Path | None
    ) -> None:
        """`limit` goes on from the segment before, `last` is the file of its last picture.

        Raises: Refused where points cannot be written.
        """
        self._outputs, self._path, self._limit, self._before = outputs, points, limit, last
        self._last: Pixels | None = None
        self._frames = 0
        self.limited: dict[str, float] = {}
        self._file: BinaryIO = _opened(points)

    def write(self, frame: Frame) -> None:
        """Show a frame, or a part of the way to it. Raises: Refused."""
        pixels, points = frame.pixels, points_of(frame.pixels)
        try:
            self._file.write(points.tobytes())
        except OSError as why:
            raise Refused(f"{self._path}: cannot be written: {why.strerror}") from why
        part = 1.0 if self._limit is None else self._limit.part(points, frame.time)
        if part < 1.0:
            self.limited[str(self._frames)] = part
            pixels = between(self._last_picture(), pixels, part)
            frame = replace(frame, pixels=pixels)
        self._last = pixels
        self._frames += 1
        for output in self._outputs:
            output.write(frame)

    def close(self) -> None:
        """Finish the file of points. Raises: Refused."""
        try:
            self._file.close()
        except OSError as why:
            raise Refused(f"{self._path}: cannot be written: {why.strerror}") from why

    def save_last(self, file: Path) -> None:
        """Save the last picture. Raises: Refused."""
        if self._last is not None:
            try:
                pygame.image.save(surface_of(self._last), str(file))
            except (pygame.error, OSError) as why:
                raise Refused(f"{file}: cannot be written: {why}") from why

    def _last_picture(self) -> Pixels:
        if self._last is None:
            assert self._before is not None
            surface = pygame.image.load(str(self._before))
            self._last = pygame.surfarray.array3d(surface).swapaxes(0, 1)
        return self._last


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("wb")
    except OSError as why:
        raise Refused(f"{file}: cannot be written: {why.strerror}") from why


def save_state(file: Path, limit: FlashLimit, limited: Mapping[str, float]) -> None:
    """Save the state of the limit of flashes, and what it limited in the segment up to there.
    Raises: OSError."""
    numbers = np.array([int(number) for number in limited], np.int64)
    parts = np.array(list(limited.values()), np.float64)
    arrays: dict[str, Any] = {"numbers": numbers, "parts": parts, **limit.state()}
    made = BytesIO()
    np.savez(made, **arrays)
    write_file(file, lambda part: part.write_bytes(made.getvalue()))


def read_state(file: Path) -> tuple[FlashLimit, dict[str, float]] | None:
    """Return a state and what was limited, as they were saved; None where there is none."""
    try:
        with np.load(file) as read:
            values: dict[str, NDArray[Any]] = dict(read)
    except (OSError, ValueError, EOFError, BadZipFile):
        return None
    numbers, parts = values.pop("numbers"), values.pop("parts")
    limited = {str(n): float(part) for n, part in zip(numbers, parts, strict=True)}
    return FlashLimit.resumed(values), limited


def limited_in(points: Path, limit: FlashLimit, times: Sequence[float]) -> dict[str, float]:
    """Return what is limited in a segment's frames at these times, in s; `limit` goes through them.

    Raises: OSError or ValueError where points are missing.
    """
    frames = np.fromfile(points, np.uint8).reshape(len(times), *POINTS_SHAPE)
    parts = [limit.part(one, time) for one, time in zip(frames, times, strict=True)]
    return {str(number): part for number, part in enumerate(parts) if part < 1.0}
