"""Frames of plain colours, a live recording of them, and what is read back from a film."""

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np

from livebend.flow import Frame
from livebend.outputs.display import Display, View
from livebend.outputs.film_take import Film
from livebend.outputs.live_recording import LiveRecording
from tests.fakes.osc import wait_for

RATE = 48_000
COLOURS = np.array([(220, 40, 40), (40, 200, 60), (50, 60, 210), (230, 220, 60)], np.uint8)


def frame_of(index: int, fps: float = 20.0, size: tuple[int, int] = (64, 48)) -> Frame:
    width, height = size
    pixels = np.broadcast_to(COLOURS[index // 5 % 4], (height, width, 3)).copy()
    pixels.setflags(write=False)
    return Frame(pixels, index, (index + 1) / fps, (index + 1) / fps, index / fps)


def pictures(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as film:
        return [
            (float(f.pts * f.time_base), f.to_ndarray(format="rgb24")) for f in film.decode(video=0)
        ]


class Recorded:
    """A live recording with its ends: what it reports, and a switch."""

    def __init__(
        self, path: Path, fps: float = 20.0, rate: int | None = None, size=(64, 48)
    ) -> None:
        self.display, self.said = Display(View(record=True)), []
        self.recording = LiveRecording(Film(path, size, fps, rate), self.display, self._notify)
        self._changed = threading.Condition()

    def _notify(self, text: str, level: str) -> None:
        with self._changed:
            self.said.append((level, text))
            self._changed.notify_all()

    def wait(self, what: str) -> str:
        """Wait until a report contains a text; return it."""

        def found() -> str:
            return next((text for _, text in self.said if what in text), "")

        with self._changed:
            assert self._changed.wait_for(found, 10), (what, self.said)
            return found()

    def feed(self, frames: Iterable[Frame], *, sound: bool = False) -> None:
        """Give frames, each after the sound of its period, without dropping any."""
        for frame in frames:
            if sound:
                block = np.full(round((frame.time - frame.sound_time) * RATE), 0.5, np.float32)
                self.recording.hear(block, frame.time)
            wait_for(lambda: self.recording._room._value > 0 or not self.display.view.record)
            self.recording.write(frame)

    def killed(self, seconds: float) -> Path:
        """Return a copy of the film as a kill would leave it after so many seconds."""
        wait_for(lambda: (take := self.recording._take) and take.seconds >= seconds - 1e-6)
        wait_for(self.recording._items.empty)
        part = self.recording._take.movie.file.path
        return Path(shutil.copy(part, part.with_name(f"killed{part.suffixes[0]}")))
