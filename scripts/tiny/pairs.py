"""Pair every drawing's latents with the noise that it was drawn from: what the denoiser learns."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from . import parallel
from .canvas import SQUARE, size_of
from .drawings import Label, draw_label
from .network import reduced
from .noise import Noise, draw_noise
from .pictures import HELD_OUT, Split, pairs_path, shard_path, shard_seeds

CHUNK = 20
"""Pictures that are encoded together."""
PLACES = SQUARE.grid[0] * SQUARE.grid[1]
"""Latents of a square picture."""
PATIENCE = 60.0
"""Seconds of a core that encoding takes at a time: training begins before all is encoded."""


Grid = tuple[int, int]
"""Rows and columns of latents."""


def grid_of(latents: Tensor) -> Grid:
    """Return the grid of latents (n, 4, h, w)."""
    rows, columns = latents.shape[2:]
    return rows, columns


class Pair(NamedTuple):
    """Latents (n, 4, h, w), their noise, and the choices (n, slots) that the drawings read from it:
    of a shard in half precision, of a batch in single."""

    latents: Tensor
    noise: Tensor
    choices: Tensor


class Pairs:
    """Shards of pairs and their labels, in the processor's memory: files that are mapped into it,
    so that all processes share what has been read of them.

    `grids` lists the rows of the pairs of each grid; a batch is of one.
    """

    def __init__(self) -> None:
        self.shards: list[Pair] = []
        self.labels: list[Label] = []
        self.grids: dict[Grid, Tensor] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, shard: Pair, labels: Sequence[Label]) -> None:
        """Add a shard; all have as many pairs, but for the last."""
        rows = torch.arange(len(self), len(self) + len(labels))
        grid = grid_of(shard.latents)
        self.grids[grid] = torch.cat([self.grids.get(grid, rows[:0]), rows])
        self.shards.append(shard)
        self.labels.extend(labels)

    def draw(self, batch: int, chance: int, below: int | None = None) -> Tensor:
        """Draw rows of pairs of one grid (B,), of the first `below` ones where that is told.

        Of a larger grid fewer are drawn, so that all cost as `batch` squares do, and the more
        often: each pair comes as often as any other. Which grid it is follows from `chance` alone,
        so that processes agree on it.
        """
        last = len(self) if below is None else below
        rows = {grid: every[every < last] for grid, every in self.grids.items()}
        weights = [len(some) * grid[0] * grid[1] for grid, some in rows.items()]
        grid = random.Random(chance).choices(list(rows), weights)[0]
        count = max(1, round(batch * PLACES / (grid[0] * grid[1])))
        return rows[grid][torch.randint(len(rows[grid]), (count,))]

    def pick(self, rows: Tensor) -> Pair:
        """Gather a batch by its rows (B,), all of one grid."""
        size = len(self.shards[0].latents)
        places = [divmod(row, size) for row in rows.tolist()]
        found = ([part[row].float() for part in self.shards[shard]] for shard, row in places)
        return Pair(*(torch.stack(part) for part in zip(*found, strict=True)))


class PairsOnGpu(Pairs):
    """The same, in the memory of a GPU, where a batch is gathered in one go."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self._all: dict[Grid, Pair] = {}

    def add(self, shard: Pair, labels: Sequence[Label]) -> None:
        super().add(shard, labels)
        self._all.pop(grid_of(shard.latents), None)

    def _gathered(self, grid: Grid) -> Pair:
        """Keep all pairs of a grid as one."""
        if grid not in self._all:
            shards = [shard for shard in self.shards if grid_of(shard.latents) == grid]
            parts = (torch.cat(part) for part in zip(*shards, strict=True))
            self._all[grid] = Pair(*(part.to(self.device) for part in parts))
        return self._all[grid]

    def pick(self, rows: Tensor) -> Pair:
        shard = self.shards[int(rows[0]) // len(self.shards[0].latents)]
        grid = grid_of(shard.latents)
        at = torch.searchsorted(self.grids[grid], rows).to(self.device, non_blocking=True)
        return Pair(*(part[at].float() for part in self._gathered(grid)))


def halved(pair: Pair, deviation: float) -> Pair:
    """Halve the resolution: latents of unit variance, and noise that is N(0, I) and still paired.

    The sum of 2×2 noises over 2 is normal again and keeps the lowest cosines, so a picture's
    choices read the same from it.
    """
    small = functional.avg_pool2d(pair.latents, 2) / deviation
    return Pair(small, functional.avg_pool2d(pair.noise, 2) * 2, pair.choices)


def halved_deviation(shard: Pair) -> float:
    """Measure the deviation of latents at half resolution."""
    return float(functional.avg_pool2d(shard.latents.float(), 2).std())


@torch.no_grad()
def encode(vae: AutoencoderTiny, pictures: NDArray[np.uint8]) -> Tensor:
    """Encode pictures (n, h, w, 3) to latents (n, 4, h / 8, w / 8) in half precision.

    By products in bfloat16, in half the time: that adds 0.005 % to the latents' power, a thousandth
    of what the denoiser misses.
    """
    device = next(vae.parameters()).device
    chunks = []
    for start in range(0, len(pictures), CHUNK):
        chunk = torch.from_numpy(np.array(pictures[start : start + CHUNK])).to(device)
        chunk = chunk.permute(0, 3, 1, 2).float() / 127.5 - 1
        with reduced(device):
            encoded = vae.encoder(chunk.contiguous(memory_format=torch.channels_last))
        chunks.append(encoded.half().cpu())
    return torch.cat(chunks).contiguous()


def pair_shard(work: Path, index: int, vae: AutoencoderTiny, split: Split = Split.TRAIN) -> None:
    """Encode a shard that has been drawn, and write it with its noise and choices."""
    pictures = np.load(shard_path(work, index, split), mmap_mode="r")
    latents, size = encode(vae, pictures), size_of(pictures[0])
    noise = [draw_noise(seed, size) for seed in shard_seeds(work, index, split)]
    choices = torch.from_numpy(np.stack([Noise(eps).normals() for eps in noise]))
    pair = Pair(latents, torch.from_numpy(np.stack(noise)).half(), choices)
    path = pairs_path(work, index, split)
    path.parent.mkdir(exist_ok=True)
    torch.save(pair._asdict(), path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _unpaired(work: Path, split: Split) -> Iterator[int]:
    """List this process's turn of the shards that are drawn and not yet paired."""
    index = 0
    while (drawn := shard_path(work, index, split).exists()) or pairs_path(
        work, index, split
    ).exists():
        turn = index % parallel.world() == parallel.rank()
        if turn and drawn and not pairs_path(work, index, split).exists():
            yield index
        index += 1


def pair_shards(work: Path, vae: AutoencoderTiny, keep: int) -> None:
    """Pair what has been drawn since; only the first `keep` shards' pictures stay.

    Held-out pictures all stay. Where there is much to do, what training can begin without is left
    for the next time.
    """
    began = time.process_time()
    for split in HELD_OUT:
        for index in _unpaired(work, split):
            pair_shard(work, index, vae, split)
    for index in _unpaired(work, Split.TRAIN):
        if index >= parallel.world() and time.process_time() - began > PATIENCE:
            break
        pair_shard(work, index, vae)
        if index >= keep:
            shard_path(work, index).unlink()
    parallel.wait()


def check_pairs(work: Path, vae: AutoencoderTiny) -> None:
    """Refuse pairs in the work folder that another encoder made."""
    path, pictures = pairs_path(work, 0), shard_path(work, 0)
    if path.exists() and pictures.exists():
        made = encode(vae, np.load(pictures, mmap_mode="r")[:4])
        if (made.float() - _open(path).latents[:4].float()).abs().mean() > 0.05:
            raise SystemExit(f"{path.parent}: made by another encoder; remove that folder")


def _open(path: Path) -> Pair:
    """Map a shard of pairs into memory."""
    return Pair(**torch.load(path, weights_only=True, mmap=True))


def load_pairs(work: Path, pairs: Pairs, split: Split = Split.TRAIN) -> Pairs:
    """Add the shards that were paired since, from where `pairs` ends up to the first gap."""
    index = len(pairs.shards)
    while (path := pairs_path(work, index, split)).exists():
        pairs.add(_open(path), [draw_label(seed) for seed in shard_seeds(work, index, split)])
        index += 1
    return pairs
