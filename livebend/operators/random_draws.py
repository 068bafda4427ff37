"""Seeded draws: selections, noise and smooth fields that hold still until they are re-rolled.

The draw of a seed is the same on every device: it is made on the CPU and kept. `roll` moves on from
it: a whole number n gives the draw of seed + n, a fraction the cross-fade of its two neighbours.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Literal

import torch
from torch import Tensor

from livebend.core.ranges import Degrees, Range, Seed
from livebend.device.transfer import send
from livebend.operators.coordinates import plane

Over = Literal["elements", "channels", "rows", "columns"]
Roll = Annotated[
    float,
    Range(0, 64, soft=(0, 8)),
    "moves on to the next seeds; between two of them, a cross-fade",
]
Draw = Annotated[Seed, "which draw"]
CloudSize = Annotated[
    float, Range(0.05, 4, "of the picture", curve="log", soft=(0.1, 1)), "size of one cloud"
]
Phase = Annotated[Degrees, "moves it; a whole turn comes back to its start"]

WAVES = 24  # in a smooth field: enough to hide that they are waves
STREAM = 2**33  # added to a seed for a second draw that must differ from the first


def selection(x: Tensor, over: Over, fraction: float, seed: int, roll: float) -> Tensor:
    """Return a mask 0..1, [1, C, H, W] or broadcastable to it, of a fixed random part of x.

    As the fraction grows, more is added one after another and nothing is dropped; channels, rows
    and columns fade in, elements appear at once.
    """
    _, C, H, W = x.shape
    shape = {
        "elements": (1, C, H, W),
        "channels": (1, C, 1, 1),
        "rows": (1, 1, H, 1),
        "columns": (1, 1, 1, W),
    }[over]
    count = fraction * math.prod(shape)
    count = math.floor(count) if over == "elements" else count

    def draw(number: int) -> Tensor:
        return (count - _order(shape, number, x.device, x.dtype)).clamp(0.0, 1.0)

    return _faded(draw, seed, roll, _straight)


def normal(x: Tensor, seed: int, roll: float) -> Tensor:
    """Return standard normal noise [1, C, H, W]; its deviation stays 1 in a cross-fade."""
    shape = (1, *x.shape[1:])
    return _faded(lambda n: _normal(shape, n, x.device, x.dtype), seed, roll, _circular)


def shuffled(x: Tensor, seed: int, roll: float) -> Tensor:
    """Return x with its channels in a random order."""
    shape = (x.shape[1],)

    def draw(number: int) -> Tensor:
        return x.index_select(1, _order(shape, number, x.device, torch.int64))

    return _faded(draw, seed, roll, _straight)


def clouds(x: Tensor, seed: int, roll: float, size: float, phase: float) -> Tensor:
    """Return a smooth random field [H, W] of the size of x: see `cloudy`."""
    u, v = plane(*x.shape[-2:], x.device, x.dtype)
    return cloudy(u, v, seed, roll, size, phase)


def cloudy(u: Tensor, v: Tensor, seed: int, roll: float, size: float, phase: float) -> Tensor:
    """Return a smooth random field [H, W] of mean 0 and deviation about 1: a sum of plane waves.

    f(p) = sqrt(2/K)·Σ_k cos(π n (a_k, b_k)·p + φ_k − phase), p = (u, v) in −1..1 along the longer
    side, wave vectors (a_k, b_k) between 1/4 and 1 long, n = 1/size. The phase repeats after a
    whole turn. Source: random Fourier features, Rahimi and Recht 2007, algorithm 1.
    """
    shift = math.radians(math.fmod(phase, 360.0))

    def draw(number: int) -> Tensor:
        a, b, start = _waves(number, u.device, u.dtype).unbind(0)
        waves = torch.cos((math.pi / size) * (a * u + b * v) + (start - shift))
        return waves.sum(0) * math.sqrt(2.0 / WAVES)

    return _faded(draw, seed, roll, _circular)


def _faded(
    draw: Callable[[int], Tensor],
    seed: int,
    roll: float,
    weights: Callable[[float], tuple[float, float]],
) -> Tensor:
    whole = math.floor(roll)
    if roll == whole:
        return draw(seed + whole)
    first, second = weights(roll - whole)
    return first * draw(seed + whole) + second * draw(seed + whole + 1)


def _straight(part: float) -> tuple[float, float]:
    return 1.0 - part, part


def _circular(part: float) -> tuple[float, float]:
    return math.cos(part * math.pi / 2), math.sin(part * math.pi / 2)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@lru_cache(maxsize=16)
def _order(shape: tuple[int, ...], seed: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    order = torch.randperm(math.prod(shape), generator=_generator(seed))
    return send(order.reshape(shape).to(dtype), device)


@lru_cache(maxsize=16)
def _normal(shape: tuple[int, ...], seed: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    return send(torch.randn(shape, generator=_generator(seed)).to(dtype), device)


@lru_cache(maxsize=64)
def _waves(seed: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Wave vectors and phases [3, K, 1, 1] of a smooth field."""
    turn, length, start = torch.rand((3, WAVES), generator=_generator(seed), dtype=torch.float64)
    length = 0.25 + 0.75 * length
    a, b = length * torch.cos(math.tau * turn), length * torch.sin(math.tau * turn)
    return send(torch.stack((a, b, math.tau * start))[..., None, None].to(dtype), device)
