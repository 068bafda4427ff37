"""Measure how the embedded model answers: to bends at every site, to a walk, to other seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn

from . import judge
from .drawings import Label, draw
from .noise import draw_noise
from .words import plain_caption

Paint = Callable[[list[str] | Tensor, Tensor, int], Tensor]
"""(prompts or their embeddings (n, T, C), noise (n, 4, h, w), steps) to pictures (n, 3, 8h, 8w) in
−1..1."""

QUARTER = math.pi / 2
STEP = math.pi / 32


def turn_pairs(x: Tensor, angle: float) -> Tensor:
    """Rotate each pair of channels by an angle."""
    a, b = x[:, 0::2], x[:, 1::2]
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], 2).flatten(1, 2)


@contextmanager
def bent(module: nn.Module, bend: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Bend a module's output while the context lasts."""

    def hook(_: nn.Module, __: object, output: Tensor | tuple[Tensor, ...]) -> object:
        return (bend(output[0]), *output[1:]) if isinstance(output, tuple) else bend(output)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def turned(paint: Paint, module: nn.Module, angles: Sequence[float], noise: Tensor,
           prompts: list[str], steps: int = 1) -> Tensor:  # fmt: skip
    """Paint with a module's channel pairs turned by each angle: (angles, n, 3, h, w)."""
    pictures = []
    for angle in angles:
        with bent(module, lambda x, angle=angle: turn_pairs(x, angle)):
            pictures.append(paint(prompts, noise, steps))
    return torch.stack(pictures)


def changes(pictures: Tensor) -> Tensor:
    """Measure the mean |Δ| (0..1) from each picture to the next: (n − 1,)."""
    return (pictures[1:] - pictures[:-1]).abs().flatten(1).mean(1) / 2


def answer(paint: Paint, module: nn.Module, noise: Tensor, prompts: list[str]) -> dict[str, float]:
    """Measure a site's answer: the mean |Δ| of a quarter turn, and how evenly it comes about.

    `evenness` is the largest change between neighbouring angles of π/32, over a whole turn, as a
    multiple of the median one.
    """
    still, quarter = turned(paint, module, (0.0, QUARTER), noise, prompts)
    angles = [STEP * k for k in range(round(2 * math.pi / STEP) + 1)]
    steps = changes(turned(paint, module, angles, noise[:1], prompts[:1])[:, 0])
    return {
        "quarter": round(float((quarter - still).abs().mean() / 2), 4),
        "evenness": round(float(steps.max() / steps.median()), 2),
    }


def walk(paint: Paint, prompt: str, noises: Tensor, count: int, steps: int = 1) -> float:
    """Walk once round n0 + 0.3·(cos φ·n1 + sin φ·n2) in `count` frames, as a live show does.

    Returns the 95th percentile of the change from frame to frame as a multiple of the median.
    """
    still, east, north = noises

    def at(k: int) -> Tensor:
        phi = 2 * math.pi * k / count
        x = (still + 0.3 * (math.cos(phi) * east + math.sin(phi) * north)) / math.sqrt(1.09)
        return paint([prompt], x[None], steps)

    return popping(at(k) for k in range(count + 1))


def fade(paint: Paint, one: Tensor, other: Tensor, noise: Tensor, count: int = 96) -> float:
    """Cross from one prompt's embedding (1, T, C) to another's, evenly, in `count` frames."""
    shares = (k / count for k in range(count + 1))
    return popping(paint(one.lerp(other, share), noise, 1) for share in shares)


def popping(pictures: Iterable[Tensor]) -> float:
    """Measure how unevenly a film goes on: the 95th percentile of the change from frame to frame,
    as a multiple of the median one. The film is never held as a whole."""
    change = torch.tensor([float((b - a).abs().mean()) for a, b in pairwise(pictures)])
    return round(float(change.quantile(0.95) / change.median()), 2)


def border(pictures: Tensor, wide: int = 4) -> float:
    """Compare how rough pictures are at their border and inside: the mean step between neighbours
    along the outermost `wide` rows and columns, over that along all others; about 1 where a border
    cannot be told."""
    across = (pictures[..., 1:] - pictures[..., :-1]).abs().mean((0, 1))
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().mean((0, 1))
    outer = [across[:wide], across[-wide:], down[:, :wide].T, down[:, -wide:].T]
    inner = [across[wide:-wide], down[:, wide:-wide].T]
    ends, middle = (
        torch.cat([part.flatten() for part in parts]).mean() for parts in (outer, inner)
    )
    return round(float(ends / middle), 2)


def diversity(
    paint: Paint, reader: judge.Judge, concepts: Sequence[str], count: int, steps: int
) -> dict[str, float]:
    """Compare how far apart a prompt's pictures lie with how far apart its drawings do."""
    shares = {}
    for concept in concepts:
        label, seeds = Label(concept), range(6_000_000, 6_000_000 + count)
        noise = [draw_noise(seed) for seed in seeds]
        drawn = torch.stack([torch.from_numpy(draw(label, eps)) for eps in noise])
        drawn = drawn.permute(0, 3, 1, 2).float() / 127.5 - 1
        stacked = torch.stack([torch.from_numpy(eps) for eps in noise])
        made = paint([plain_caption(label)] * count, stacked, steps)
        none = torch.zeros(count, len(judge.KINDS), dtype=torch.long)
        of_drawings, of_pictures = (judge.spread(judge.read(reader, p, none)[0])
                                    for p in (drawn, made))  # fmt: skip
        shares[concept] = round(of_pictures / of_drawings, 2)
    return shares
