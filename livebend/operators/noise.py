"""Operators that add or remove at random, held still by a seed. x is [B, C, H, W]."""

from typing import Annotated

from torch import Tensor

from livebend.core.ranges import Range, Sigma, Unit
from livebend.operators.random_draws import (
    STREAM,
    CloudSize,
    Draw,
    Over,
    Phase,
    Roll,
    clouds,
    normal,
    selection,
)
from livebend.operators.registry import operator

Noise = Annotated[float, Range(-4, 4, "sigma", scales=True, soft=(-2, 2))]


@operator("noise", amounts=["amount"])
def add_sparse(
    x: Tensor,
    *,
    amount: Annotated[Sigma, "what is added"] = 0.0,
    fraction: Annotated[Unit, "how much of x is chosen"] = 0.05,
    over: Annotated[Over, "what is chosen: elements, or whole channels, rows, columns"] = (
        "elements"
    ),
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Add a constant to a fixed random part: y = x + r·m, m in {0, 1}.

    Source: Dzwonczyk et al. 2024, figure 9 (5 % of the elements).
    """
    return x + amount * selection(x, over, fraction, seed, roll)


@operator("noise", amounts=["amount"])
def ablate(
    x: Tensor,
    *,
    amount: Annotated[Unit, "0 = as it is, 1 = gone"] = 0.0,
    fraction: Annotated[Unit, "how much of x is chosen"] = 0.25,
    over: Annotated[Over, "what is chosen: elements, or whole channels, rows, columns"] = (
        "channels"
    ),
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Silence a fixed random part: y = x·(1 − a·m), m in {0, 1}.

    Source: Broad et al. 2021 (ablation).
    """
    return x * (1.0 - amount * selection(x, over, fraction, seed, roll))


@operator("noise", amounts=["amount"])
def add_noise(
    x: Tensor,
    *,
    amount: Annotated[Noise, "deviation of the noise"] = 0.0,
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Add white noise: y = x + a·n, n standard normal and the same for every row of the batch.

    Source: Dzwonczyk et al. 2024, the noise walk's fixed draws, carried to any site.
    """
    return x + amount * normal(x, seed, roll)


@operator("noise", amounts=["amount"])
def add_clouds(
    x: Tensor,
    *,
    amount: Annotated[Noise, "deviation of the clouds"] = 0.0,
    size: CloudSize = 0.3,
    phase: Phase = 0.0,
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Add random clouds to all channels alike: y = x + a·n(p), n a smooth field of deviation 1.

    Source: low-frequency noise; the field after Rahimi and Recht 2007, algorithm 1.
    """
    return x + amount * clouds(x, seed + STREAM, roll, size, phase)
