"""A recording in memory, decoded from a file of any format."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livebend.core.errors import SoundError
from livebend.flow import Samples


@dataclass(frozen=True, slots=True)
class Sound:
    """A mono recording."""

    samples: Samples
    sample_rate: int  # Hz
    name: str  # as shown to the performer

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.sample_rate

    def block(self, index: int, hop: int, *, loop: bool) -> Samples:
        """Return hop number `index`, float32 [hop]; past the end, from the beginning again where
        `loop`, else silence."""
        start, total = index * hop, len(self.samples)
        if start + hop <= total:
            return self.samples[start : start + hop]
        if loop and total:
            return self.samples[np.arange(start, start + hop) % total]
        block = np.zeros(hop, np.float32)
        left = self.samples[start:]
        block[: len(left)] = left
        return block


def read_sound(path: str | Path) -> Sound:
    """Decode a file of any format that PyAV opens, its channels averaged, at its own rate.

    A file that is cut off gives what comes before the cut.
    Raises: SoundError, naming the file and the cause, also where nothing could be decoded.
    """
    import av  # noqa: PLC0415 - heavy, and not needed for a device

    path = Path(path)
    if not path.is_file():
        raise SoundError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise SoundError(f"{path}: has no sound in it")
            sample_rate = int(container.streams.audio[0].rate)
            blocks = _decode(container)
    except (av.FFmpegError, OSError, ValueError) as fault:
        raise SoundError(f"{path}: cannot be read as sound: {_cause(fault)}") from fault
    if not blocks:
        raise SoundError(f"{path}: cannot be read as sound: nothing in it could be decoded")
    samples = np.nan_to_num(np.concatenate(blocks), nan=0.0, posinf=0.0, neginf=0.0)
    return Sound(samples, sample_rate, path.name)


def _decode(container: "av.container.InputContainer") -> list[Samples]:  # type: ignore[name-defined]  # noqa: F821
    import av  # noqa: PLC0415

    stream = container.streams.audio[0]
    resampler = av.AudioResampler(format="fltp", rate=stream.rate)
    blocks: list[Samples] = []
    try:
        for frame in container.decode(stream):
            blocks += (_mono(part) for part in resampler.resample(frame))
        blocks += (_mono(part) for part in resampler.resample(None))
    except av.FFmpegError:
        if not blocks:
            raise
    return blocks


def _mono(frame: "av.AudioFrame") -> Samples:  # type: ignore[name-defined]  # noqa: F821
    mono: Samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)
    return mono


def _cause(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
