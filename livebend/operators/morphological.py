"""Operators on small neighbourhoods. x is [B, C, H, W], each channel on its own."""

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from livebend.core.ranges import Range
from livebend.operators.registry import operator

Kernel = Annotated[
    int, Range(1, 9, "elements", whole=True, soft=(1, 5)), "side of the flat square kernel"
]


@operator("morphological", amounts=["size"])
def dilate(x: Tensor, *, size: Kernel = 1) -> Tensor:
    """Dilate: y(p) = max of x over a flat size×size square round p.

    An even square reaches one element further to the right and the bottom, as the paper's 4×4 does
    (l1 r2 t1 b2). Source: Dzwonczyk et al. 2024, figure 11.
    """
    return _maximum(x, (size - 1) // 2, size // 2)


@operator("morphological", amounts=["size"])
def erode(x: Tensor, *, size: Kernel = 1) -> Tensor:
    """Erode: y(p) = min of x over a flat size×size square round p.

    An even square reaches one element further to the left and the top, as the paper's 4×4 does
    (l2 r1 t2 b1): erode(x) = −dilate(−x) for odd ones only. Source: Dzwonczyk et al. 2024,
    figure 12.
    """
    return -_maximum(-x, size // 2, (size - 1) // 2)


@operator("morphological", amounts=["size"])
def opening(x: Tensor, *, size: Kernel = 1) -> Tensor:
    """Take away what is bright and smaller than the square: y = dilate(erode(x)).

    Dilation's even square is that of erosion mirrored, so that the picture does not shift.
    Source: Serra 1982, in grey values.
    """
    return dilate(erode(x, size=size), size=size)


@operator("morphological", amounts=["size"])
def closing(x: Tensor, *, size: Kernel = 1) -> Tensor:
    """Fill what is dark and smaller than the square: y = erode(dilate(x)).

    Source: Serra 1982, in grey values.
    """
    return erode(dilate(x, size=size), size=size)


@operator("morphological")
def gradient(x: Tensor, *, size: Kernel = 3) -> Tensor:
    """Keep the edges: y = dilate(x) − erode(x).

    Source: the morphological gradient, Rivest, Soille and Beucher 1993.
    """
    return dilate(x, size=size) - erode(x, size=size)


@operator("morphological")
def top_hat(
    x: Tensor,
    *,
    size: Kernel = 3,
    keep: Annotated[Literal["bright", "dark"], "which small spots remain"] = "bright",
) -> Tensor:
    """Keep small spots only: y = x − opening(x), or closing(x) − x for the dark ones.

    Source: the top-hat transforms, Meyer 1979.
    """
    return x - opening(x, size=size) if keep == "bright" else closing(x, size=size) - x


@operator("morphological")
def sobel(
    x: Tensor,
    *,
    times: Annotated[bool, "multiply x by it instead of putting it in its place"] = False,
) -> Tensor:
    """Find edges: y = G = sqrt(G_u² + G_v²), or x·G; G_u, G_v the 3×3 Sobel filters.

    The edge values go on outside. Source: Sobel and Feldman 1968.
    """
    p = F.pad(x, (1, 1, 1, 1), mode="replicate")
    tall = p[:, :, :-2] + 2.0 * p[:, :, 1:-1] + p[:, :, 2:]
    wide = p[..., :-2] + 2.0 * p[..., 1:-1] + p[..., 2:]
    G = torch.hypot(tall[..., 2:] - tall[..., :-2], wide[:, :, 2:] - wide[:, :, :-2])
    return x * G if times else G


def _maximum(x: Tensor, before: int, after: int) -> Tensor:
    """Maximum over `before` elements to the left and the top and `after` to the other sides.

    Rows first, then columns: a square's maximum is the maximum of its rows' maxima.
    """
    size = before + after + 1
    padded = F.pad(x, (before, after, before, after), value=float("-inf"))
    return F.max_pool2d(F.max_pool2d(padded, (1, size), stride=1), (size, 1), stride=1)
