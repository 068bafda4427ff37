"""Operators that push every place in one direction across the channels. x is [B, C, H, W].

y = x + a·d, d a direction of deviation 1 across the channels, a in deviations of the site.
"""

import math
from typing import Annotated, Literal

import torch
from torch import Tensor

from livebend.core.ranges import Range
from livebend.operators.random_draws import Draw, Roll, normal
from livebend.operators.registry import operator

Push = Annotated[
    float, Range(-3, 3, "sigma", scales=True, soft=(-2, 2)), "how far; below 0 the other way"
]
Cross = Annotated[
    float, Range(-1, 2, soft=(0, 1)), "0 = the first prompt, 1 = the second; past both beyond"
]
Component = Annotated[int, Range(0, 3, whole=True), "which component, the widest first"]
DOUBLINGS = 3  # 3·2³ = 24 iterations: a component twice as wide as the next is exact to float32


@operator("direction", amounts=["amount"], matched=False)
def direction(
    x: Tensor,
    *,
    amount: Push = 0.0,
    of: Annotated[Literal["site", "random"], "what varies most at the site, or a draw"] = "site",
    component: Component = 0,
    seed: Draw = 0,
    roll: Roll = 0.0,
) -> Tensor:
    """Push every place along one direction: y = x + a·d/std(d).

    d is a principal component of the channels over the places, found by power iteration from the
    seed's draw and so of its sign, or that draw itself. At `unet.mid` it is a step in h-space.
    Source: Kwon et al. 2023 (h-space); Härkönen et al. 2020 (principal directions).
    """
    draw = normal(x[:, :, :1, :1], seed, roll)
    d = draw if of == "random" else _principal(x, draw.flatten(1), component)[..., None, None]
    return x + amount * _unit(d)


@operator("direction", amounts=["amount"], matched=False)
def prompt_direction(
    x: Tensor,
    *,
    amount: Push = 0.0,
    toward: Tensor | None = None,
) -> Tensor:
    """Push the text from the first prompt towards the second, and past it: y = x + a·d/std(d).

    d = E(prompt.to) − E(prompt.text), [B, C, 1, T]; without a second prompt nothing moves. It acts
    at `unet.text` and `unet.text.BLOCK`.
    Source: arithmetic of embeddings, Mikolov et al. 2013; Gal et al. 2022.
    """
    if toward is None:
        return x.clone()
    d = toward / toward.std((1, 2, 3), correction=0, keepdim=True).clamp_min(1e-6)
    return x + amount * d


@operator("direction", amounts=["amount"], matched=False)
def second_prompt(x: Tensor, *, amount: Cross = 0.0, toward: Tensor | None = None) -> Tensor:
    """Put the second prompt in the place of the first: y = x + a·d, d their difference.

    At `unet.text.BLOCK` that block alone reads the other prompt; without a second prompt nothing
    moves. Source: a prompt for each layer, Voynov et al. 2023 (extended textual inversion).
    """
    return x.clone() if toward is None else x + amount * toward


def _unit(d: Tensor) -> Tensor:
    """d [B, C, 1, 1] scaled to deviation 1 across channels; ones for a single channel."""
    if d.shape[1] == 1:
        return torch.ones_like(d)
    rest = d - d.mean(1, keepdim=True)
    size = torch.linalg.vector_norm(rest, dim=1, keepdim=True)
    unit: Tensor = d * (math.sqrt(d.shape[1]) / size.clamp_min(1e-6))
    return unit


def _principal(x: Tensor, start: Tensor, component: int) -> Tensor:
    """Principal component [B, C] of the channels of x, its product with `start` positive.

    v ← (X·Xᵀ)²⁴·v, X the centred x as [C, H·W]; the power is taken by squaring, and of Xᵀ·X where
    there are fewer places than channels. Wider components are first subtracted from X.
    Source: power iteration with deflation, Golub and Van Loan 2013, section 8.2.
    """
    X = x.flatten(2)
    X = X - X.mean(2, keepdim=True)
    first = start.expand(x.shape[0], -1)[..., None]
    for left in range(min(component, x.shape[1] - 1), -1, -1):
        if X.shape[2] < X.shape[1]:
            G, start = torch.bmm(X.mT, X), torch.bmm(X.mT, first)
            v = _unit_length(torch.bmm(X, _iterated(G, start)))
        else:
            v = _unit_length(_iterated(torch.bmm(X, X.mT), first))
        X = X - v @ (v.mT @ X) if left else X
    return v[..., 0]


def _iterated(G: Tensor, v: Tensor) -> Tensor:
    """Return G²⁴·v [B, n, 1] times some number. G has no eigenvalue below 0 and is scaled to length
    1, so its largest is at least 1/√n, and that to the 8th does not underflow in float32."""
    G = _unit_length(G)
    for _ in range(DOUBLINGS):
        G = torch.bmm(G, G)
    G = _unit_length(G)
    for _ in range(3):
        v = torch.bmm(G, v)
    return v


def _unit_length(x: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
    unit: Tensor = x / length.clamp_min(1e-30)
    return unit
