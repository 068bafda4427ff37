"""Pair every drawing's latents with the noise that it was drawn from: what the denoiser learns."""

from __future__ import annotations

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
from .drawings import Label, draw_label
from .network import reduced
from .noise import Noise, draw_noise
from .pictures import pairs_path, shard_path, shard_seeds

CHUNK = 20
"""Pictures that are encoded together."""
PATIENCE = 60.0
"""Seconds of a core that encoding takes at a time: training begins before all is encoded."""


class Pair(NamedTuple):
    """Latents (n, 4, h, w), their noise, and the choices (n, slots) that the drawings read from it:
    of a shard in half precision, of a batch in single."""

    latents: Tensor
    noise: Tensor
    choices: Tensor


class Pairs:
    """Shards of pairs and their labels, in the processor's memory: files that are mapped into it,
    so that all processes share what has been read of them."""

    def __init__(self) -> None:
        self.shards: list[Pair] = []
        self.labels: list[Label] = []

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, shard: Pair, labels: Sequence[Label]) -> None:
        """Add a shard; all have as many pairs, but for the last."""
        self.shards.append(shard)
        self.labels.extend(labels)

    def pick(self, rows: Tensor) -> Pair:
        """Gather a batch by its rows (B,)."""
        size = len(self.shards[0].latents)
        places = [divmod(row, size) for row in rows.tolist()]
        found = ([part[row].float() for part in self.shards[shard]] for shard, row in places)
        return Pair(*(torch.stack(part) for part in zip(*found, strict=True)))


class PairsOnGpu(Pairs):
    """The same, in the memory of a GPU, where a batch is gathered in one go."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self._all: Pair | None = None

    def add(self, shard: Pair, labels: Sequence[Label]) -> None:
        super().add(shard, labels)
        self._all = None

    def pick(self, rows: Tensor) -> Pair:
        if self._all is None:
            parts = (torch.cat(part) for part in zip(*self.shards, strict=True))
            self._all = Pair(*(part.to(self.device) for part in parts))
        rows = rows.to(self.device, non_blocking=True)
        return Pair(*(part[rows].float() for part in self._all))


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
    """Encode pictures (n, 256, 256, 3) to latents (n, 4, 32, 32) in half precision.

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


def pair_shard(work: Path, index: int, vae: AutoencoderTiny, held_out: bool = False) -> None:
    """Encode a shard that has been drawn, and write it with its noise and choices."""
    latents = encode(vae, np.load(shard_path(work, index, held_out), mmap_mode="r"))
    noise = [draw_noise(seed) for seed in shard_seeds(work, index, held_out)]
    choices = torch.from_numpy(np.stack([Noise(eps).normals() for eps in noise]))
    pair = Pair(latents, torch.from_numpy(np.stack(noise)).half(), choices)
    path = pairs_path(work, index, held_out)
    path.parent.mkdir(exist_ok=True)
    torch.save(pair._asdict(), path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _unpaired(work: Path, held_out: bool) -> Iterator[int]:
    """List this process's turn of the shards that are drawn and not yet paired."""
    index = 0
    while (drawn := shard_path(work, index, held_out).exists()) or pairs_path(
        work, index, held_out
    ).exists():
        turn = index % parallel.world() == parallel.rank()
        if turn and drawn and not pairs_path(work, index, held_out).exists():
            yield index
        index += 1


def pair_shards(work: Path, vae: AutoencoderTiny, keep: int) -> None:
    """Pair what has been drawn since; only the first `keep` shards' pictures stay.

    Held-out pictures all stay. Where there is much to do, what training can begin without is left
    for the next time.
    """
    began = time.process_time()
    for index in _unpaired(work, held_out=True):
        pair_shard(work, index, vae, held_out=True)
    for index in _unpaired(work, held_out=False):
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


def load_pairs(work: Path, pairs: Pairs, held_out: bool = False) -> Pairs:
    """Add the shards that were paired since, from where `pairs` ends up to the first gap."""
    index = len(pairs.shards)
    while (path := pairs_path(work, index, held_out)).exists():
        pairs.add(_open(path), [draw_label(seed) for seed in shard_seeds(work, index, held_out)])
        index += 1
    return pairs
