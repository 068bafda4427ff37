"""Operators that treat every element alike. x is [B, C, H, W]; amounts are in x's own units."""

from typing import Annotated

import torch
from torch import Tensor

from livebend.core.ranges import Gain, Level, Range, Sigma, Unit
from livebend.operators.registry import operator

Near = Annotated[float, Range(0, 4, "sigma", scales=True, soft=(0, 2))]
Around = Annotated[float, Range(-4, 4, "sigma", scales=True, soft=(-2, 2))]
Scale = Annotated[float, Range(0.1, 10, "sigma", curve="log", scales=True, soft=(0.25, 4))]
Loss = Annotated[float, Range(0, 2, soft=(0, 1))]
Exponent = Annotated[float, Range(0.25, 4, curve="log", soft=(0.5, 2))]


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
    """Turn values over: y = k − x, with k = 1/r; at 1 it is the 1 − x of other systems.

    Source: Dzwonczyk et al. 2024, figure 10.
    """
    return pivot - x


@operator("pointwise")
def binary(x: Tensor, *, level: Annotated[Around, "what is 1 lies above this"] = 0.0) -> Tensor:
    """Make two values of all: y = 1 where x > r, else 0.

    Source: Broad et al. 2021 (binary threshold).
    """
    return (x > level).to(x.dtype)


@operator("pointwise", amounts=["level"])
def soft_threshold(x: Tensor, *, level: Annotated[Near, "how far all come in"] = 0.0) -> Tensor:
    """Draw everything towards zero by one step: y = sign(x)·max(|x| − r, 0).

    Source: soft thresholding, Donoho 1995.
    """
    return x.sign() * (x.abs() - level).clamp_min(0.0)


@operator("pointwise", amounts=["level", "loss"])
def shrink(
    x: Tensor,
    *,
    level: Annotated[Near, "what is kept reaches this"] = 0.0,
    loss: Annotated[Loss, "what the rest loses, as a part of itself"] = 0.0,
) -> Tensor:
    """Drop what is near zero and shrink the rest: y = 0 where |x| < r, else x·(1 − l).

    With l = r it is the one-parameter form; above 1 the rest is turned over.
    Source: the thresholds after Dzwonczyk et al. 2024, figure 6.
    """
    return torch.where(x.abs() < level, torch.zeros_like(x), x * (1.0 - loss))


@operator("pointwise", amounts=["level"])
def sigmoid_keep(x: Tensor, *, level: Annotated[Near, "middle of the slope"] = 0.0) -> Tensor:
    """Keep what is far from zero, softly: y = x·sigmoid(6·(|x| − s)/s).

    Source: the smooth form of Dzwonczyk et al. 2024, figure 6.
    """
    s = _amount(x, level).clamp_min(1e-6)
    return x * torch.sigmoid(6.0 * (x.abs() - s) / s)


@operator("pointwise")
def clamp(x: Tensor, *, limit: Annotated[Scale, "farthest from zero"] = 2.0) -> Tensor:
    """Hold values within a limit: y = max(−l, min(l, x)).

    Source: hard clipping, as in a waveshaper.
    """
    limits = _amount(x, limit)
    return torch.clamp(x, -limits, limits)


@operator("pointwise")
def fold(x: Tensor, *, limit: Annotated[Scale, "where values turn back"] = 1.0) -> Tensor:
    """Fold values back at a limit: y = l − |((x + l) mod 4l) − 2l|, a triangle wave of x.

    Source: the wavefolder of analogue synthesis, in its ideal form.
    """
    lengths = _amount(x, limit)
    return lengths - (torch.remainder(x + lengths, 4.0 * lengths) - 2.0 * lengths).abs()


@operator("pointwise", amounts=["step"])
def quantise(x: Tensor, *, step: Annotated[Near, "distance between values"] = 0.0) -> Tensor:
    """Leave only multiples of a step: y = q·round(x/q).

    Source: the uniform mid-tread quantiser.
    """
    q = _amount(x, step)
    return torch.where(q > 0.0, q * torch.round(x / q.clamp_min(1e-6)), x)


@operator("pointwise", amounts=["amount"])
def absolute(x: Tensor, *, amount: Annotated[Unit, "1 = nothing below zero"] = 0.0) -> Tensor:
    """Turn what is below zero over: y = (1 − a)·x + a·|x|.

    Source: full-wave rectification.
    """
    return torch.lerp(x, x.abs(), amount)


@operator("pointwise", amounts=["exponent"])
def power(
    x: Tensor,
    *,
    exponent: Annotated[Exponent, "above 1 spreads values, below 1 evens them out"] = 1.0,
    scale: Annotated[Scale, "value that stays where it is"] = 1.0,
) -> Tensor:
    """Raise the size of values to a power: y = sign(x)·s·(|x|/s)^p.

    Source: the companding power law.
    """
    s = _amount(x, scale)
    return x.sign() * s * (x.abs() / s) ** exponent


@operator("pointwise")
def log(x: Tensor, *, scale: Annotated[Scale, "below this nearly straight"] = 1.0) -> Tensor:
    """Compress values: y = sign(x)·s·log(1 + |x|/s).

    Source: µ-law companding (ITU-T G.711), without its constants.
    """
    s = _amount(x, scale)
    return x.sign() * s * torch.log1p(x.abs() / s)


@operator("pointwise")
def exp(x: Tensor, *, scale: Annotated[Scale, "what makes a factor e"] = 1.0) -> Tensor:
    """Exponentiate values: y = s·exp(min(x/s, 8)).

    Source: the exponential among the bending systems' operators, held against overflow.
    """
    s = _amount(x, scale)
    return s * torch.exp((x / s).clamp_max(8.0))


def _amount(x: Tensor, value: float) -> Tensor:
    """An amount as a tensor: bending may already have made it one, [B, 1, 1, 1], in units of σ."""
    return value if isinstance(value, Tensor) else x.new_full((1, 1, 1, 1), value)
