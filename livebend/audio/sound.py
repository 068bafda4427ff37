"""What a recording is: something that can be read from its beginning, any number of times.

A block of sound is float32 [channels, n]. What is analysed has one rate, RATE, whatever the rate of
the file or device: so windows, hops and bands mean the same seconds and hertz everywhere.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from livebend.flow import Samples

RATE = 44_100  # Hz, at which sound is analysed: that of the founding paper's music


class Tape(Protocol):
    """A recording being read. Used by one thread."""

    @property
    def sample_rate(self) -> int: ...

    def ahead(self, count: int) -> int:
        """Return how many of the next `count` samples there are: fewer only at the end."""

    def read(self, count: int) -> Samples:
        """Return the next samples, [channels, ≤ count]: fewer only at the end, then none."""

    def close(self) -> None: ...


class Sound(Protocol):
    """A recording."""

    @property
    def name(self) -> str:
        """Its name, as shown to the performer."""

    @property
    def seconds(self) -> float:
        """Its length, as far as it is known before everything is read."""

    def tape(self) -> Tape:
        """Begin to read it at RATE."""

    def original(self) -> Tape:
        """Begin to read it at its own rate."""


@dataclass(frozen=True, slots=True)
class MemorySound:
    """A recording in memory, `samples` [channels, n] or, of one channel, [n], at RATE."""

    samples: Samples
    name: str

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(self.samples.shape[-1] / RATE)

    def tape(self) -> "MemoryTape":
        """Begin to read it."""
        return MemoryTape(np.atleast_2d(self.samples))

    original = tape


class MemoryTape:
    """Reads samples in memory, [channels, n], as views of them."""

    sample_rate = RATE

    def __init__(self, samples: Samples) -> None:
        self._samples, self._read = samples, 0

    def ahead(self, count: int) -> int:
        """Return how many of the next `count` samples there are."""
        return int(min(count, self._samples.shape[1] - self._read))

    def read(self, count: int) -> Samples:
        """Return the next samples, [channels, ≤ count]."""
        block = self._samples[:, self._read : self._read + count]
        self._read += block.shape[1]
        return block

    def close(self) -> None:
        """Nothing to do."""


def filled(block: Samples, count: int) -> Samples:
    """Return the block [channels, ≤ count] with silence behind it, [channels, count]."""
    missing = count - block.shape[1]
    return block if missing == 0 else np.pad(block, ((0, 0), (0, missing)))


def joined(blocks: list[Samples]) -> Samples:
    """Return blocks one after another; those of fewer channels are widened, see `widened`."""
    if len(blocks) == 1:
        return blocks[0]
    channels = max(len(block) for block in blocks)
    return np.concatenate([widened(block, channels) for block in blocks], axis=1)


def widened(block: Samples, channels: int) -> Samples:
    """Return the block on at least so many channels, as loud as before: one becomes the first two
    of them, more stay where they are and the others are silent."""
    if len(block) == 1 < channels:
        block = np.repeat(block, 2, axis=0)
    return np.pad(block, ((0, max(channels - len(block), 0)), (0, 0)))


def stereo(block: Samples) -> Samples:
    """Return a block [channels, n] or [n] as [2, n], to be played.

    Six and eight channels are 5.1 and 7.1: centre and low frequencies go to both sides. Of others
    the odd ones, counted from 1, go left and the even ones right.
    """
    block = np.atleast_2d(block)
    if len(block) <= 2:
        return widened(block, 2)
    weights = np.zeros((2, len(block)), np.float32)
    weights[0, ::2] = weights[1, 1::2] = 1.0
    if len(block) in (6, 8):
        weights[:, 2:4] = 0.5**0.5
        weights[0, 4::2] = weights[1, 5::2] = 0.5**0.5
    mixed: Samples = weights @ block
    return mixed
