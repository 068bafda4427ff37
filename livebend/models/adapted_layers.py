"""Layers with LoRAs beside their weights, whose strengths may differ in every frame.

    y = W·x + B·(s·(A·x))        A [r, in], B [out, r] times α/r, s the strength

W is never changed, so a strength is an input like any other: nothing is compiled again when it
moves, on any backend. Of a convolution, A has its kernel and B is one of 1×1.
Source: Hu et al. 2021, equation 3.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Ranks = tuple[tuple[str, int], ...]  # of the LoRAs on a layer, by name


class Factors(NamedTuple):
    """The factors of one LoRA on one layer: `down` A [r, in, …], `up` B [out, r, …], α/r in it."""

    down: Tensor
    up: Tensor


class Strengths(threading.local):
    """The strengths that the layers of a network compute with while it runs, for each thread."""

    def __init__(self) -> None:
        self._now: Mapping[str, Tensor] = {}
        self._scales: dict[Ranks, Tensor | None] = {}

    @contextmanager
    def at(self, now: Mapping[str, Tensor]) -> Iterator[None]:
        """Compute with strengths [1] by the names of LoRAs inside; others are 0."""
        before, self._now, self._scales = self._now, now, {}
        try:
            yield
        finally:
            self._now, self._scales = before, {}

    def scale(self, ranks: Ranks) -> Tensor | None:
        """Return what the low-rank values [r] of LoRAs are multiplied by; None where all are 0."""
        if ranks not in self._scales:
            self._scales[ranks] = self._scale(ranks)
        return self._scales[ranks]

    def _scale(self, ranks: Ranks) -> Tensor | None:
        given = [s for name, _ in ranks if (s := self._now.get(name)) is not None]
        if all(s is zero(s.device, s.dtype) for s in given):
            return None
        every = [self._now.get(n, zero(given[0].device, given[0].dtype)) for n, _ in ranks]
        if len(every) == 1:
            return every[0]
        return torch.cat([s.expand(r) for s, (_, r) in zip(every, ranks, strict=True)])


@cache
def zero(device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the strength 0 [1]: always the same tensor, so that a layer recognises it without
    reading its value, and computes nothing for it."""
    with torch.inference_mode(False):
        return torch.zeros(1, device=device, dtype=dtype)


class AdaptedLayer(nn.Module):
    """A linear layer or a convolution with LoRAs, by name."""

    down: Tensor
    up: Tensor

    def __init__(self, base: nn.Module, loras: Mapping[str, Factors], strengths: Strengths) -> None:
        super().__init__()
        self.base, self.strengths = base, strengths
        self.ranks: Ranks = tuple((name, len(f.down)) for name, f in loras.items())
        self.register_buffer("down", torch.cat([f.down for f in loras.values()]))
        self.register_buffer("up", torch.cat([f.up for f in loras.values()], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of x with its LoRAs at the strengths of the moment."""
        y: Tensor = self.base(x)
        scale = self.strengths.scale(self.ranks)
        return y if scale is None else y + self._side(x, scale)

    def _side(self, x: Tensor, scale: Tensor) -> Tensor:
        if isinstance(self.base, nn.Linear):
            return F.linear(F.linear(x, self.down) * scale, self.up)
        base: Any = self.base
        low = base._conv_forward(x, self.down, None)
        return F.conv2d(low * scale[:, None, None], self.up)


def is_adaptable(module: nn.Module) -> bool:
    """Whether a module can have LoRAs."""
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1)


def adapt(net: nn.Module, layers: Mapping[str, Mapping[str, Factors]]) -> None:
    """Put LoRAs beside the layers of a network: by the layer's path, then by their names."""
    strengths = Strengths()
    for path, loras in layers.items():
        net.set_submodule(path, AdaptedLayer(net.get_submodule(path), loras, strengths))


class Loras(NamedTuple):
    """The LoRAs on layers inside some modules: their names, and what sets their strengths."""

    names: tuple[str, ...]
    strengths: Strengths


def loras_in(*modules: nn.Module | None) -> Loras:
    """Return the LoRAs on layers inside modules of one network."""
    inside = (part for module in modules if module is not None for part in module.modules())
    layers = [part for part in inside if isinstance(part, AdaptedLayer)]
    names = {name for layer in layers for name, _ in layer.ranks}
    return Loras(tuple(sorted(names)), layers[0].strengths if layers else Strengths())
