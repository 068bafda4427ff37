"""A sound file of any format, decoded while it is read: a long one costs no more than a short."""

import os
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from livebend.audio.joined_files import Source, parts_of
from livebend.audio.resampler import FILTER, samples_of
from livebend.audio.sound import RATE, joined
from livebend.core.errors import SoundError
from livebend.flow import Samples

SHORTEST = 0.05  # s: one video frame at 20 a second
RATES = (4_000, 768_000)  # Hz
CHANNELS = 64
LOUDEST = 100.0  # samples beyond are clipped: 40 dB above full scale
COUNTED = 32 << 20  # bytes: a file up to this size has its packets counted to know its length
PROBED = 2000  # packets that stand for all of a larger file that does not say its length


class SoundFile:
    """A sound file; every `tape` of it is decoded anew."""

    def __init__(self, path: str | Path) -> None:
        """Open it and decode its beginning.

        Raises: SoundError, naming the file and the cause, where nothing or too little of it can be
        decoded.
        """
        self.path = Path(path)
        self.name = self.path.name
        if not os.path.isfile(path):
            kind = "is a folder" if os.path.isdir(path) else "no such file"
            raise SoundError(f"{path}: {kind}")
        with reading(self.path):
            self.sample_rate = self._check_beginning()
            self.seconds = _seconds(self.path)

    def tape(self) -> "FileTape":
        """Begin to decode it at RATE."""
        return FileTape(self.path, RATE)

    def original(self) -> "FileTape":
        """Begin to decode it at the rate of its beginning."""
        return FileTape(self.path, self.sample_rate)

    def _check_beginning(self) -> int:
        """Return the rate that it begins with."""
        tape = FileTape(self.path, None)
        try:
            least = tape.ahead(1) and round(SHORTEST * tape.sample_rate)
            found = tape.ahead(least) if least else 0
            rate = tape.sample_rate
        finally:
            tape.close()
        if not found:
            raise SoundError(
                f"{self.path}: cannot be read as sound: {tape.fault or 'there is none in it'}"
            )
        if found < least:
            raise SoundError(
                f"{self.path}: {found / rate * 1000:.0f} ms of sound are too few; expected at "
                f"least {SHORTEST * 1000:.0f} ms"
            )
        return rate


class FileTape:
    """Decodes a file in order. What is broken in it is left out, and what is cut off ends it.

    sample_rate: Hz, of what `read` gives; at first 0 where none was asked for: then that of the
        first sound in the file.
    fault: the last fault of the decoder, or "".
    """

    def __init__(self, path: Path, sample_rate: int | None) -> None:
        self._path, self.sample_rate, self.fault = path, sample_rate or 0, ""
        self._blocks = self._decode()
        self._waiting: deque[Samples] = deque()
        self._count = 0

    def ahead(self, count: int) -> int:
        """Return how many of the next `count` samples there are. Raises: SoundError."""
        while self._count < count and (block := next(self._blocks, None)) is not None:
            self._waiting.append(block)
            self._count += block.shape[1]
        return min(count, self._count)

    def read(self, count: int) -> Samples:
        """Return the next samples, [channels, ≤ count]. Raises: SoundError."""
        left = count = self.ahead(count)
        blocks = [np.zeros((1, 0), np.float32)] if not count else []
        while left:
            block = self._waiting.popleft()
            if block.shape[1] > left:
                self._waiting.appendleft(block[:, left:])
                block = block[:, :left]
            blocks.append(block)
            left -= block.shape[1]
        self._count -= count
        return joined(blocks)

    def close(self) -> None:
        """Close the file."""
        self._blocks.close()

    def _decode(self) -> Generator[Samples]:
        with reading(self._path):
            for source in parts_of(self._path):
                yield from self._part(source)

    def _part(self, source: Source) -> Iterator[Samples]:
        import av  # noqa: PLC0415 - heavy, and not needed for a device

        try:
            container = _opened(source)
        except (av.FFmpegError, ValueError) as fault:
            self.fault = _cause(fault)
            return
        with container:
            if not container.streams.audio:
                self.fault = "it has no sound in it"
                return
            yield from self._converted(container)

    def _converted(self, container: Any) -> Iterator[Samples]:
        """Yield the sound of a part at the tape's rate; its own may change on the way."""
        import av  # noqa: PLC0415

        resampler, kind = None, None
        for frame in self._frames(container):
            if kind != (kind := (frame.sample_rate, frame.layout.name, frame.format.name)):
                _check(frame)
                if resampler is not None:
                    yield from map(_clean, resampler.resample(None))
                self.sample_rate = self.sample_rate or frame.sample_rate
                resampler = av.AudioResampler("flt", rate=self.sample_rate, options=FILTER)
            yield from map(_clean, resampler.resample(frame))  # type: ignore[union-attr]
        if resampler is not None:
            yield from map(_clean, resampler.resample(None))

    def _frames(self, container: Any) -> Iterator[Any]:
        import av  # noqa: PLC0415

        packets = container.demux(container.streams.best("audio"))
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
            except av.FFmpegError as fault:
                self.fault = _cause(fault)
                return
            try:
                yield from packet.decode()
            except av.FFmpegError as fault:
                self.fault = _cause(fault)


def _opened(source: Source) -> Any:
    import av  # noqa: PLC0415

    return av.open(source, metadata_errors="replace")


def _check(frame: Any) -> None:
    low, high = RATES
    if not low <= frame.sample_rate <= high:
        raise ValueError(f"{frame.sample_rate} samples a second; expected {low} to {high}")
    if frame.layout.nb_channels > CHANNELS:
        raise ValueError(f"{frame.layout.nb_channels} channels; expected 1 to {CHANNELS}")


def _clean(frame: Any) -> Samples:
    """Return a frame's samples, [channels, n], finite and at most LOUDEST."""
    samples = samples_of(frame)
    if not np.isfinite(np.dot(samples.ravel(), samples.ravel())) or np.abs(samples).max() > LOUDEST:
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        samples = samples.clip(-LOUDEST, LOUDEST)
    return samples


def _seconds(path: Path) -> float:
    """Return the length of a file: counted where it is small, as it says where it is large, and
    else from the rate of its first packets."""
    size = path.stat().st_size
    if size <= COUNTED:
        return sum(_counted(_opened(source))[0] for source in parts_of(path))
    with _opened(next(parts_of(path))) as container:
        if container.duration:
            return float(container.duration) / 1e6
        seconds, length = _counted(container, PROBED)
        return seconds * size / max(length, 1)


def _counted(container: Any, most: int | None = None) -> tuple[float, int]:
    """Return the seconds and the bytes of a part's packets, or of the first `most` of them."""
    import av  # noqa: PLC0415

    begin = end = None
    length = count = 0
    with container:
        stream = container.streams.best("audio")
        try:
            for packet in container.demux(stream) if stream else ():
                if packet.pts is not None:
                    begin = packet.pts if begin is None else begin
                    end = max(end or 0, packet.pts + (packet.duration or 0))
                length, count = length + packet.size, count + 1
                if count == most:
                    break
        except av.FFmpegError:
            most = count  # cut off: what came before counts
        base = stream.time_base if stream else 0
    return float(((end or 0) - (begin or 0)) * base), length


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the faults of files and decoders into a SoundError that names the file."""
    import av  # noqa: PLC0415

    try:
        yield
    except (av.FFmpegError, OSError, ValueError, LookupError) as fault:
        raise SoundError(f"{path}: cannot be read as sound: {_cause(fault)}") from fault


def _cause(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
