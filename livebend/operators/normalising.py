"""Operators that move values to a given mean, size or span. x is [B, C, H, W]."""

from typing import Annotated, Literal

import torch
from torch import Tensor

from livebend.core.ranges import Range, Unit
from livebend.operators.registry import operator

MeanAxis = Literal["all", "channel", "row", "column"]
Target = Annotated[float, Range(-6, 6, "sigma", scales=True, soft=(-2, 2))]
Spread = Annotated[float, Range(0, 6, "sigma", scales=True, soft=(0, 2))]

DIMS: dict[str, tuple[int, ...]] = {"all": (1, 2, 3), "channel": (1,), "row": (2,), "column": (3,)}


@operator("normalising", amounts=["amount"], matched=False)
def subtract_mean(
    x: Tensor,
    *,
    amount: Annotated[Unit, "0 = as it is, 1 = the mean is gone"] = 0.0,
    axis: Annotated[MeanAxis, "over what the mean is taken: everything, or one axis"] = "all",
) -> Tensor:
    """Subtract the mean over one axis, or over all: y = x − a·mean(x).

    Source: Dzwonczyk et al. 2024, figures 11 and 12 (after dilate or erode, a = 1).
    """
    return x - amount * x.mean(DIMS[axis], keepdim=True)


@operator("normalising", matched=False)
def divide_by_max(x: Tensor) -> Tensor:
    """Bring the farthest value to 1: y = x/max|x|, sample by sample.

    Source: the normalisations of the bending systems studied.
    """
    return x / x.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)


@operator("normalising")
def unit_channels(x: Tensor) -> Tensor:
    """Bring every place to length 1 across channels: y(p) = x(p)/‖x(p)‖₂.

    Source: the normalisations of the bending systems studied.
    """
    return x / x.square().sum(1, keepdim=True).sqrt().clamp_min(1e-12)


@operator("normalising", amounts=["amount"], matched=False)
def standardise(
    x: Tensor,
    *,
    amount: Annotated[Unit, "0 = as it is, 1 = moved there fully"] = 0.0,
    mean: Annotated[Target, "mean to reach"] = 0.0,
    deviation: Annotated[Spread, "deviation to reach"] = 1.0,
    each: Annotated[Literal["channel", "all"], "channels one by one, or all together"] = "channel",
) -> Tensor:
    """Move mean and deviation to given ones: y = x + a·((x − μ)/σ·d + m − x).

    Source: adaptive instance normalisation, Huang and Belongie 2017, equation 8.
    """
    dims = (2, 3) if each == "channel" else (1, 2, 3)
    sigma, mu = torch.std_mean(x, dims, correction=0, keepdim=True)
    return x + amount * ((x - mu) / sigma.clamp_min(1e-6) * deviation + mean - x)


@operator("normalising", matched=False)
def rescale(
    x: Tensor,
    *,
    low: Annotated[Target, "where the smallest value goes"] = -2.0,
    high: Annotated[Target, "where the largest value goes"] = 2.0,
) -> Tensor:
    """Stretch the values over a span: y = a + (b − a)·(x − min x)/(max x − min x).

    Source: the normalisations of the bending systems studied.
    """
    lowest, highest = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    return low + (high - low) * ((x - lowest) / (highest - lowest).clamp_min(1e-12))
