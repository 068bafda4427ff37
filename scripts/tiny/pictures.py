"""Keep drawn pictures on disk: shards of 500 in the work folder, drawn once, resumable."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .drawings import sample

SHARD = 500
HELD_OUT = 10_000_000
"""Seeds from here on are never trained on."""


def shard_path(work: Path, index: int, held_out: bool = False) -> Path:
    """Name a shard's file."""
    return work / "pictures" / f"{'held' if held_out else 'train'}_{index:04d}.npy"


def shard_seeds(index: int, held_out: bool = False) -> range:
    """List a shard's seeds."""
    start = index * SHARD + (HELD_OUT if held_out else 0)
    return range(start, start + SHARD)


def draw_shard(work: Path, index: int, held_out: bool = False, size: int = 256) -> Path:
    """Draw a shard (500, size, size, 3) uint8 unless it is there; return its path."""
    path = shard_path(work, index, held_out)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shard = np.stack([sample(seed, size)[0] for seed in shard_seeds(index, held_out)])
        part = path.with_suffix(f".part{os.getpid()}.npy")
        np.save(part, shard)
        part.rename(path)
    return path


def open_shards(work: Path, held_out: bool = False) -> list[NDArray[np.uint8]]:
    """Open the shards drawn so far, from 0 up, as memory maps."""
    shards: list[NDArray[np.uint8]] = []
    while (path := shard_path(work, len(shards), held_out)).exists():
        shards.append(np.load(path, mmap_mode="r"))
    return shards
