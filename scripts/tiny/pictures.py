"""Keep drawn pictures on disk: shards of 500 in the work folder, drawn once, resumable.

All pictures of a shard have one size; those to train on have several by turns.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from enum import StrEnum
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import SQUARE, Size
from .drawings import sample

SHARD = 500
WIDE, SMALL_WIDE, UPRIGHT = Size(448, 256), Size(320, 192), Size(256, 448)
SIZES = (SQUARE, WIDE, SQUARE, UPRIGHT, SQUARE, SMALL_WIDE, SQUARE, SQUARE)
"""Sizes of the shards to train on, by turns. Their latents can be halved three times, as the UNet
does, and WIDE's are the square's with more beside them."""
STEP, LEAST = 16, 176
"""Pixels that sides to train on are multiples of, so that latents can be halved, and have at least,
so that a window of the finish fits."""


class Split(StrEnum):
    """What shards are for, as their files are named. Only the first are ever trained on."""

    TRAIN = "train"
    HELD = "held"
    WIDE = "wide"

    @property
    def size(self) -> Size:
        """The size of held-out pictures."""
        return WIDE if self == Split.WIDE else SQUARE


HELD_OUT = {Split.HELD: 10_000_000, Split.WIDE: 20_000_000}
"""Their first seeds; from the lowest of them on no seed is trained on."""


class Shard(NamedTuple):
    """Pictures to draw: which of a split's shards, and their size."""

    split: Split
    index: int
    size: Size


def training_size(text: str) -> Size:
    """Read a size that can be trained on.

    Raises:
        ValueError: It is none.
    """
    size = Size.parse(text)
    if any(side % STEP or side < LEAST for side in size):
        raise ValueError(f"size {size}: expected multiples of {STEP} from {LEAST} up")
    return size


def shard_path(work: Path, index: int, split: Split = Split.TRAIN) -> Path:
    """Name a shard's file."""
    return work / "pictures" / f"{split}_{index:04d}.npy"


def pairs_path(work: Path, index: int, split: Split = Split.TRAIN) -> Path:
    """Name the file of what a shard's pictures become: latents, their noise and choices."""
    return work / "pairs" / f"{split}_{index:04d}.pt"


def first_seed(work: Path) -> int:
    """Return the seed of the first drawing to train on: 0 unless training went on from weights that
    had seen some."""
    path = work / "first_seed"
    return int(path.read_text()) if path.exists() else 0


def begin_at(work: Path, seed: int) -> None:
    """Draw from a seed on, unless something was drawn in the work folder already."""
    if not (work / "pictures").exists():
        (work / "first_seed").write_text(f"{seed}\n")


def shard_seeds(work: Path, index: int, split: Split = Split.TRAIN) -> range:
    """List a shard's seeds."""
    start = index * SHARD + (first_seed(work) if split == Split.TRAIN else HELD_OUT[split])
    return range(start, start + SHARD)


def draw_shard(work: Path, shard: Shard) -> Path:
    """Draw a shard (500, h, w, 3) uint8 unless it is there, of whatever size; return its path."""
    path = shard_path(work, shard.index, shard.split)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        seeds = shard_seeds(work, shard.index, shard.split)
        pictures = np.stack([sample(seed, shard.size)[0] for seed in seeds])
        part = path.with_suffix(f".part{os.getpid()}.npy")
        np.save(part, pictures)
        part.rename(path)
    return path


def open_shards(work: Path, split: Split = Split.TRAIN) -> list[NDArray[np.uint8]]:
    """Open the shards drawn so far, from 0 up, as memory maps."""
    shards: list[NDArray[np.uint8]] = []
    while (path := shard_path(work, len(shards), split)).exists():
        shards.append(np.load(path, mmap_mode="r"))
    return shards


def _draw_each(work: Path, shards: Sequence[Shard], parent: int) -> None:
    """Draw shards one after the other, unless they are paired, for as long as the parent lives."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for shard in shards:
        if os.getppid() == parent and not pairs_path(work, shard.index, shard.split).exists():
            draw_shard(work, shard)


def start_drawing(work: Path, shards: Sequence[Shard], processes: int) -> list[BaseProcess]:
    """Draw shards in processes of their own; return those."""
    turns = [shards[turn::processes] for turn in range(processes)]
    drawers = [
        multiprocessing.Process(target=_draw_each, args=(work, turn, os.getpid()), daemon=True)
        for turn in turns
        if turn
    ]
    for drawer in drawers:
        drawer.start()
    return list(drawers)
