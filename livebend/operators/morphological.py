"""Operators that grow and shrink bright regions. x is [B, C, H, W], each channel on its own."""

from typing import Annotated

import torch.nn.functional as F
from torch import Tensor

from livebend.operators.registry import operator
from livebend.ranges import Range

Kernel = Annotated[int, Range(1, 9, "elements", whole=True)]


@operator("morphological", amounts=["size"])
def dilate(x: Tensor, *, size: Annotated[Kernel, "side of the flat square kernel"] = 1) -> Tensor:
    """Dilate: y(p) = max of x over a flat size×size square round p.

    An even square reaches one element further to the left and the top, as the paper's 4×4 does
    (padding l2 r1 t2 b1). Source: Dzwonczyk et al. 2024, figure 11.
    """
    before, after = size // 2, (size - 1) // 2
    padded = F.pad(x, (before, after, before, after), value=float("-inf"))
    return F.max_pool2d(padded, size, stride=1)


@operator("morphological", amounts=["size"])
def erode(x: Tensor, *, size: Annotated[Kernel, "side of the flat square kernel"] = 1) -> Tensor:
    """Erode: y = −dilate(−x), the minimum over the square.

    Source: Dzwonczyk et al. 2024, figure 12.
    """
    return -dilate(-x, size=size)
