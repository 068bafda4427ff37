"""Operators that treat every element alike. x is [B, C, H, W]; amounts are in x's own units."""

from typing import Annotated

import torch
from torch import Tensor

from livebend.operators.registry import operator
from livebend.ranges import Gain, Level, Sigma


@operator("pointwise", amounts=["amount"], matched=False)
def add(x: Tensor, *, amount: Annotated[Sigma, "what is added everywhere"] = 0.0) -> Tensor:
    """Add a constant: y = x + r.

    Source: Dzwonczyk et al. 2024, figure 7 (there on one row of the latent).
    """
    return x + amount


@operator("pointwise", amounts=["gain"], matched=False)
def multiply(x: Tensor, *, gain: Annotated[Gain, "factor"] = 1.0) -> Tensor:
    """Multiply by a constant: y = r·x; 0 ablates.

    Source: Broad et al. 2021, table 1.
    """
    return x * gain


@operator("pointwise", amounts=["level"])
def threshold(x: Tensor, *, level: Annotated[Level, "what is kept reaches this"] = 0.0) -> Tensor:
    """Keep what is far from zero: y = x where |x| ≥ r, else 0.

    Source: Dzwonczyk et al. 2024, figure 6.
    """
    return torch.where(x.abs() >= level, x, torch.zeros_like(x))


@operator("pointwise")
def inversion(x: Tensor, *, pivot: Annotated[Level, "k = 1/r"] = 1.0) -> Tensor:
    """Turn values over: y = k − x, with k = 1/r.

    Source: Dzwonczyk et al. 2024, figure 10.
    """
    return pivot - x
