"""From a decoder's image to the pixels of a frame."""

import torch
from torch import Tensor
from torch.nn import functional


def to_pixels(image: Tensor, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return −1..1 [1, 3, h, w] as uint8 [H, W, 3] of `size` (H, W), rounded as diffusers rounds,
    and the sum of its magnitudes, float32 [], which is finite where all of it is.

    An image of another size is enlarged first. Only tensors made here are written to.
    """
    x = image.float()
    total = torch.linalg.vector_norm(x, 1)
    if tuple(x.shape[2:]) != tuple(size):
        x = functional.interpolate(x.contiguous(), size, mode="bilinear")
    x = x.permute(0, 2, 3, 1)[0]  # first: engines that compute channels-last turn nothing then
    x = (x * 0.5).add_(0.5).clamp_(0.0, 1.0).mul_(255.0).round_()
    return x.to(torch.uint8).contiguous(), total
