"""Operators that act in one part of the tensor. x is [B, C, H, W]."""

import math
from typing import Annotated, Literal

import torch
from torch import Tensor

from livebend.core.ranges import Range, Sigma, Unit
from livebend.operators.coordinates import plane
from livebend.operators.registry import operator

BandAxis = Literal["row", "column", "channel"]


@operator("local", amounts=["amount"], matched=False)
def add_band(
    x: Tensor,
    *,
    amount: Annotated[Sigma, "what is added"] = 0.0,
    axis: Annotated[BandAxis, "whether rows, columns or channels make the band"] = "row",
    position: Annotated[Unit, "where it lies, 0..1 from the first to the last and round again"] = (
        0.5
    ),
    width: Annotated[Unit, "0 = a single one, 1 = all"] = 0.0,
) -> Tensor:
    """Add a constant to a band of rows, columns or channels: y = x + r·m.

    m_k = 1 + w·n/2 − |k − p·n| held within 0..1, the distance taken round the n rows: at width 0
    and p = 32/64 exactly row 32, and what moves glides instead of jumping.
    Source: Dzwonczyk et al. 2024, figure 7 (one row of the latent).
    """
    dim = {"channel": 1, "row": 2, "column": 3}[axis]
    n = x.shape[dim]
    whole = math.floor(position * n)
    k = torch.arange(-whole, n - whole, device=x.device, dtype=x.dtype)  # small numbers stay exact
    gap = (torch.remainder(k + n // 2, n) - n // 2 - (position * n - whole)).abs()
    gap = torch.minimum(gap, n - gap)
    mask = (1.0 + width * n / 2 - gap).clamp(0.0, 1.0)
    return x + amount * mask.reshape([n if d == dim else 1 for d in range(4)])


@operator("local", amounts=["amount"], matched=False)
def add_bump(
    x: Tensor,
    *,
    amount: Annotated[Sigma, "what is added at its top"] = 0.0,
    right: Annotated[Unit, "where it stands, from left to right"] = 0.5,
    down: Annotated[Unit, "where it stands, from top to bottom"] = 0.5,
    size: Annotated[
        float, Range(0.02, 2, "of the picture", curve="log", soft=(0.05, 1)), "its radius"
    ] = 0.2,
) -> Tensor:
    """Add a Gaussian bump to all channels: y = x + r·exp(−d²/(2 s²)), d the distance to its top.

    Lengths are in units of the longer side. Source: Broad et al. 2021, the spatially confined
    transforms, with a soft edge.
    """
    H, W = x.shape[-2:]
    u, v = plane(H, W, x.device, x.dtype)
    longer = max(H, W)
    across = (u - (2.0 * right - 1.0) * W / longer) / (2.0 * size)
    along = (v - (2.0 * down - 1.0) * H / longer) / (2.0 * size)
    return x + amount * torch.exp(-0.5 * (across.square() + along.square()))
