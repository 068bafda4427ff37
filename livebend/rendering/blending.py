"""A picture laid over a painted frame, after the network."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

BLENDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mix": lambda _, b: b,
    "add": torch.add,
    "screen": lambda a, b: 1.0 - (1.0 - a) * (1.0 - b),
    "multiply": torch.mul,
    "difference": lambda a, b: (a - b).abs(),
}


def blended(pixels: Tensor, picture: Tensor, mix: float, blend: str) -> Tensor:
    """Return pixels uint8 [H, W, 3] with a picture [1, 3, h, w], −1..1, over them.

    mix: 0 = the pixels, 1 = all of the blend: mix is the picture itself, add a + b, screen
        1 − (1 − a)(1 − b), multiply a·b, difference abs(a − b).
    """
    size = pixels.shape[:2]
    if tuple(picture.shape[2:]) != tuple(size):
        picture = F.interpolate(picture, size, mode="bilinear")
    a, b = pixels.float() / 255.0, picture[0].permute(1, 2, 0) * 0.5 + 0.5
    y = torch.lerp(a, BLENDS[blend](a, b).clamp(0.0, 1.0), mix)
    return (y * 255.0).round().to(torch.uint8).contiguous()
