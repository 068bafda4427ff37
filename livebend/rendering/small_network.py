"""The same network at a smaller size, for lighter frames, which are shown enlarged.

A seed stays the same picture: its noise is the full one's lowest cosines, which lay out a picture.
What bends made before, and noise that is drawn for them, belongs to its size, so trails begin anew
at a change of size.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from livebend.core.errors import OutOfRange
from livebend.rendering.governor import SCALE
from livebend.rendering.network import Network


def cosines(count: int) -> Tensor:
    """Return the orthonormal cosine transform [count, count], float64, lowest frequency first.

    Source: Ahmed, Natarajan and Rao 1974, equation 1.
    """
    k = torch.arange(count, dtype=torch.float64)
    made = torch.cos(math.pi / count * torch.outer(k, k + 0.5)) * math.sqrt(2.0 / count)
    made[0] /= math.sqrt(2.0)
    return made


@lru_cache(maxsize=16)
def _fewer(count: int, fewer: int) -> Tensor:
    """The matrix [fewer, count] that keeps the lowest cosines; its rows are orthonormal."""
    return (cosines(fewer).T @ cosines(count)[:fewer]).float()


def cut(noise: Tensor, height: int, width: int) -> Tensor:
    """Return noise [..., height, width] of the lowest cosines of noise [..., H, W]: standard normal
    where that was."""
    return _fewer(noise.shape[-2], height) @ noise @ _fewer(noise.shape[-1], width).T


class SmallNetwork(Network):
    """The same model, engine and memory at SCALE of the size; its pixels are of the full one."""

    def __init__(self, network: Network) -> None:
        """Raises: OutOfRange where the size would be too small."""
        step = network.model.factor
        width, height = (round(side * SCALE / step) * step for side in network.shown)
        self._whole = network.shape
        super().__init__(network.model, width, height, network.setup, shown=network.shown)

    def _normal(self, generator: torch.Generator) -> Tensor:
        return cut(torch.randn(self._whole, generator=generator), *self.shape[2:])


def open_small_network(network: Network, *, guided: bool = False) -> SmallNetwork | None:
    """Return the network at a smaller size, ready to paint, or None where it would be too small or
    its engine would fall back. Slow, and before a show."""
    try:
        made = SmallNetwork(network)
    except OutOfRange:
        return None
    before = network.engine.fallbacks
    if network.engine.prepares:
        made.prepare(guided=guided)
    return made if network.engine.fallbacks == before else None
