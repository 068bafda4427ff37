"""A recording as a folder of numbered PNG pictures at a steady rate, and the sound beside them."""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from livebend.core.errors import Refused
from livebend.core.files import check_place, free_name
from livebend.flow import Pixels, Samples
from livebend.outputs.encoders import own_encoder
from livebend.outputs.sound_track import SoundTrack

PNG = "png"  # of CODECS
PART = ".part"  # what a picture's name ends in until it is whole


class PngPictures:
    """Write frame_000000.png … into the folder `path`, one every 1/fps s, and sound.wav.

    A picture that shows for longer is there again under the next names. Each is whole as soon as
    it has its name, and the sound plays up to where it is written: a crash loses one picture. A
    folder that holds anything is never written into: `path` is NAME-2, NAME-3 …
    `first` is the number of the first picture. `size` is (width, height) in pixels; pictures of
    another size are scaled. Used by one thread, but for `sync`. Raises, as every method does:
    Refused; NoEncoder.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: float,
        sample_rate: int | None,
        codec: str,
        *,
        live: bool,
        first: int = 0,
        threads: int | None = None,
    ) -> None:
        check_place(path.with_name(path.name + PART), "")
        self._encoder = own_encoder(codec, size, fps, live=live, threads=threads)
        self._fps, self._first, self._count, self._written = fps, first, 0, 0
        self._fresh: deque[Path] = deque(maxlen=10_000)  # what the disk may not hold yet
        self._last: Path | None = None
        self._sound: SoundTrack | None = None
        self.path = free_name(path, _is_used)
        with self._writing():
            self._made = not self.path.exists()
            self.path.mkdir(exist_ok=True)
            if sample_rate is not None:
                self._sound = SoundTrack(self.path / "sound.wav", sample_rate)

    @property
    def place(self) -> Path:
        """Where it is while it is written."""
        return self.path

    @property
    def end(self) -> int:
        """How many bytes are written."""
        return self._written + (self._sound.file.end if self._sound else 0)

    def picture(self, pixels: Pixels, start: float, duration: float) -> None:
        """Add a picture uint8 [H, W, 3] that shows from `start` seconds for `duration` seconds."""
        until = round((start + duration) * self._fps)
        if until <= self._count:
            return  # shorter than the rate has room for: the next one takes its place
        packets = self._encoder.encode(pixels, start, duration)
        with self._writing():
            first = self._put(b"".join(map(bytes, packets)))
            while self._count < until:
                self._repeat(first)

    def sound(self, samples: Samples) -> None:
        """Add samples float32 [channels, n] or [n] after those added before; see `stereo`."""
        if self._sound is not None:
            with self._writing():
                self._sound.add(samples)

    def sync(self) -> None:
        """Have the disk hold what is written; any thread, and may wait for long."""
        while self._fresh:
            with suppress(OSError), self._fresh.popleft().open("rb") as file:
                os.fsync(file.fileno())
        if self._sound is not None:
            self._sound.file.sync()

    def finish(self) -> None:
        """Finish the sound."""
        if self._sound is not None:
            with self._writing():
                self._sound.finish()

    def rescue(self) -> None:
        """After a fault: add nothing more."""
        if self._sound is not None:
            self._sound.leave()

    def abort(self) -> None:
        """Remove what was written."""
        self.rescue()
        for index in range(self._count):
            self._name(index).unlink(missing_ok=True)
        if self._sound is not None:
            self._sound.file.path.unlink(missing_ok=True)
        if self._made:
            with suppress(OSError):  # somebody has put something there
                self.path.rmdir()

    def _put(self, data: bytes) -> Path:
        """Write the next picture; under its own name it is whole."""
        file = self._name(self._count)
        part = file.with_name(file.name + PART)
        try:
            part.write_bytes(data)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        os.replace(part, file)
        self._count += 1
        self._written += len(data)
        self._fresh.append(file)
        return file

    def _repeat(self, file: Path) -> None:
        """Have a picture under the next name, too: the same file where the disk has links."""
        try:
            os.link(file, self._name(self._count))
            self._count += 1
        except OSError:
            self._put(file.read_bytes())

    def _name(self, index: int) -> Path:
        return self.path / f"frame_{self._first + index:06d}.png"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn a fault of a file into Refused with its reason."""
        try:
            yield
        except OSError as refusal:
            fault: Any = (self._sound and self._sound.file.fault) or refusal
            raise Refused(f"{self.path}: cannot be written: {fault.strerror}") from refusal


def check_pictures(folder: Path, option: str) -> None:
    """Refuse, before a render, a folder of pictures that cannot be written, or holds some; nothing
    is made. Raises: Refused."""
    if not folder.is_dir():
        check_place(folder, option)
    elif (old := next(folder.glob("frame_*.png"), None)) is not None:
        raise Refused(f"{folder}: holds frames already ({old.name}); expected none")


def _is_used(path: Path) -> bool:
    try:
        return path.exists() and (not path.is_dir() or any(path.iterdir()))
    except OSError:
        return True
