"""Coordinates of the elements of a picture, and reading a picture at other coordinates."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor


@lru_cache(maxsize=64)
def plane(H: int, W: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return u [1, W], to the right, and v [H, 1], downwards: −1..1 along the longer side.

    Both are 0 in the middle and in the same units, so a circle in (u, v) is one in the picture.
    """
    longer = max(H, W)
    u = (2.0 * torch.arange(W, dtype=torch.float64) + 1.0 - W) / longer
    v = (2.0 * torch.arange(H, dtype=torch.float64) + 1.0 - H) / longer
    return u[None].to(device, dtype), v[:, None].to(device, dtype)


def sample(x: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Read x [B, C, H, W] at (u, v) [H, W] of `plane`: bilinear, mirrored at the edges."""
    B, _, H, W = x.shape
    longer = max(H, W)
    across, down = u.expand(H, W) * (longer / W), v.expand(H, W) * (longer / H)
    grid = torch.stack((across, down), -1).expand(B, H, W, 2)
    return F.grid_sample(x, grid, "bilinear", padding_mode="reflection", align_corners=False)


def rolled(x: Tensor, shift: float, dim: int) -> Tensor:
    """Roll x along one axis; for a fraction of an element, neighbours are blended."""
    whole = math.floor(shift)
    part = shift - whole
    first = torch.roll(x, whole, dim)
    return first if part == 0.0 else torch.lerp(first, torch.roll(x, whole + 1, dim), part)
