"""Keep drawn pictures on disk: shards of 500 in the work folder, drawn once, resumable."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .canvas import SQUARE, Size
from .drawings import sample

SHARD = 500
HELD_OUT = 10_000_000
"""Seeds from here on are never trained on."""


def _name(index: int, held_out: bool) -> str:
    return f"{'held' if held_out else 'train'}_{index:04d}"


def shard_path(work: Path, index: int, held_out: bool = False) -> Path:
    """Name a shard's file."""
    return work / "pictures" / f"{_name(index, held_out)}.npy"


def pairs_path(work: Path, index: int, held_out: bool = False) -> Path:
    """Name the file of what a shard's pictures become: latents, their noise and choices."""
    return work / "pairs" / f"{_name(index, held_out)}.pt"


def first_seed(work: Path) -> int:
    """Return the seed of the first drawing to train on: 0 unless training went on from weights that
    had seen some."""
    path = work / "first_seed"
    return int(path.read_text()) if path.exists() else 0


def begin_at(work: Path, seed: int) -> None:
    """Draw from a seed on, unless something was drawn in the work folder already."""
    if not (work / "pictures").exists():
        (work / "first_seed").write_text(f"{seed}\n")


def shard_seeds(work: Path, index: int, held_out: bool = False) -> range:
    """List a shard's seeds."""
    start = index * SHARD + (HELD_OUT if held_out else first_seed(work))
    return range(start, start + SHARD)


def draw_shard(work: Path, index: int, held_out: bool = False, size: Size = SQUARE) -> Path:
    """Draw a shard (500, h, w, 3) uint8 unless it is there; return its path."""
    path = shard_path(work, index, held_out)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shard = np.stack([sample(seed, size)[0] for seed in shard_seeds(work, index, held_out)])
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


def _draw_each(work: Path, shards: Sequence[tuple[int, bool]], parent: int) -> None:
    """Draw shards one after the other, unless they are paired, for as long as the parent lives."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for index, held_out in shards:
        if os.getppid() == parent and not pairs_path(work, index, held_out).exists():
            draw_shard(work, index, held_out)


def start_drawing(
    work: Path, shards: Sequence[tuple[int, bool]], processes: int
) -> list[BaseProcess]:
    """Draw shards (index, whether it is held out) in processes of their own; return those."""
    turns = [shards[turn::processes] for turn in range(processes)]
    drawers = [
        multiprocessing.Process(target=_draw_each, args=(work, turn, os.getpid()), daemon=True)
        for turn in turns
        if turn
    ]
    for drawer in drawers:
        drawer.start()
    return list(drawers)
