"""Measure how the embedded model answers: to bends at every site, to a walk, to other seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from . import judge
from .drawings import Label, draw
from .noise import draw_noise
from .words import plain_caption

Paint = Callable[[list[str], Tensor, int], Tensor]
"""(prompts, noise (n, 4, 32, 32), steps) to pictures (n, 3, 256, 256) in −1..1."""

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
    last, found = None, []
    for k in range(count + 1):
        phi = 2 * math.pi * k / count
        x = (still + 0.3 * (math.cos(phi) * east + math.sin(phi) * north)) / math.sqrt(1.09)
        picture = paint([prompt], x[None], steps)
        if last is not None:
            found.append(float((picture - last).abs().mean()))
        last = picture
    change = torch.tensor(found)
    return round(float(change.quantile(0.95) / change.median()), 2)


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
