"""Measure how much paintings look like their drawings: sharpness, texture, likeness."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .eyes import Eyes, distance

GREY = (0.299, 0.587, 0.114)
OCTAVES = 3
PATCH, PATCHES, DIRECTIONS = 7, 64, 128
"""Side of a patch, patches of a picture, and directions that they are compared along."""
CHUNK = 10


def grey(pictures: Tensor) -> Tensor:
    """Mix the colours of pictures (n, 3, h, w) to (n, 1, h, w)."""
    return (pictures * pictures.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True)


def octaves(pictures: Tensor) -> list[Tensor]:
    """Split the grey picture by size of detail, the finest first (Burt & Adelson 1983)."""
    left, found = grey(pictures), []
    for _ in range(OCTAVES):
        low = functional.avg_pool2d(left, 2)
        found.append(left - functional.interpolate(low, scale_factor=2, mode="bilinear"))
        left = low
    return found


def _patches(band: Tensor, rng: torch.Generator) -> Tensor:
    """Cut patches out of a band (n, 1, h, w) at random places (n · patches, side²)."""
    n, _, h, w = band.shape
    ys, xs = (torch.randint(0, side - PATCH + 1, (n * PATCHES, 1, 1), generator=rng)
              for side in (h, w))  # fmt: skip
    which = torch.arange(n).repeat_interleave(PATCHES)[:, None, None]
    off = torch.arange(PATCH)
    return band[which, 0, ys + off[:, None], xs + off].flatten(1)


def texture(made: Sequence[Tensor], drawn: Sequence[Tensor]) -> float:
    """Compare the patches of octaves as crowds: their sliced Wasserstein distance, in thousandths,
    averaged over octaves (Karras et al. 2018). Patches are cut at the same places of both."""
    rng = torch.Generator().manual_seed(0)
    gaps = []
    for ours, theirs in zip(made, drawn, strict=True):
        state = rng.get_state()
        mine = _patches(ours, rng)
        rng.set_state(state)
        directions = torch.randn(PATCH * PATCH, DIRECTIONS, generator=rng)
        directions /= directions.norm(dim=0)
        rng.set_state(state)
        other = _patches(theirs, rng)
        sorted_ = [(patches @ directions).sort(0).values for patches in (mine, other)]
        gaps.append((sorted_[0] - sorted_[1]).abs().mean())
    return round(float(torch.stack(gaps).mean()) * 1000, 2)


def _strength(bands: Sequence[Tensor]) -> Tensor:
    """Measure the root mean square of each octave."""
    return torch.stack([band.square().mean().sqrt() for band in bands])


@torch.no_grad()
def measure(made: Tensor, drawn: Tensor, eyes: Eyes) -> dict[str, float]:
    """Compare paintings with their drawings (n, 3, h, w) in −1..1.

    `octave 1` and `octave 2` are the strength of the finest details and of those twice as large, as
    shares of the drawings'; `looks` is the eyes' distance and `texture` that of patches: 0 where
    nothing tells them apart.
    """
    made = made.clamp(-1, 1)
    looks = [
        distance(eyes(ours), eyes(theirs))
        for ours, theirs in zip(made.split(CHUNK), drawn.split(CHUNK), strict=True)
    ]
    ours, theirs = octaves(made), octaves(drawn)
    shares = (_strength(ours) / _strength(theirs)).tolist()
    error = ((made - drawn) / 2).square().mean((1, 2, 3))
    return {
        "psnr": round(float((-10 * error.clamp(min=1e-9).log10()).mean()), 2),
        "octave 1": round(shares[0], 3),
        "octave 2": round(shares[1], 3),
        "looks": round(float(torch.cat(looks).mean()), 4),
        "texture": texture(ours, theirs),
    }
