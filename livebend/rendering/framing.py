"""A picture that comes in, brought to the size of the frame: cut or fitted, turned, zoomed."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from livebend.device.transfer import send
from livebend.flow import Pixels
from livebend.scene.values import InputPicture


def levels(pixels: Pixels, device: torch.device) -> Tensor:
    """Return pixels uint8 [h, w, 3] as levels 0..1 [1, 3, h, w], float32, channels last, as
    diffusers has them."""
    return levels_of(send(torch.tensor(pixels), device))  # a copy: pixels may not be written to


def levels_of(pixels: Tensor) -> Tensor:
    """Return pixels that are on their device as `levels`."""
    return pixels[None].permute(0, 3, 1, 2).float() / 255.0


def framed(picture: Tensor, size: tuple[int, int], how: InputPicture) -> Tensor:
    """Return levels 0..1 [1, 3, h, w] as the network's picture [1, 3, H, W], −1..1.

    One of the frame's size that is not moved stays what it is, bit for bit. Where a pixel of the
    frame covers several of the picture, those are averaged; between pixels it is bilinear. What is
    beyond the edges is mirrored or, where `how.fit` is fit, black.
    """
    (h, w), (H, W) = picture.shape[2:], size
    across, down = _shown(w / W, h / H, how.fit)
    across, down = across * how.zoom, down * how.zoom
    placed = (across, down, how.angle % 360.0, how.x, how.y)
    if (h, w) == (H, W) and placed == (1.0, 1.0, 0.0, 0.0, 0.0):
        x = picture.flip(3) if how.mirror else picture
    else:
        x = _sampled(picture, size, placed, -1.0 if how.mirror else 1.0, how.fit)
    return 2.0 * x - 1.0


def _shown(wide: float, high: float, fit: str) -> tuple[float, float]:
    """The sides of the whole picture in those of the frame, for its own sides in those."""
    if fit == "stretch":
        return 1.0, 1.0
    by = min(wide, high) if fit == "fill" else max(wide, high)
    return wide / by, high / by


def _sampled(
    x: Tensor, size: tuple[int, int], placed: tuple[float, ...], side: float, fit: str
) -> Tensor:
    """The point p of the frame shows R(−angle)·(p − shift) of the picture, in pixels of the frame,
    in parts of what the picture is wide and high there."""
    (h, w), (H, W) = x.shape[2:], size
    across, down, angle, right, below = placed
    covered = int(min(w / (W * across), h / (H * down)))  # pixels of x for one, along each side
    if covered > 1:
        x = F.avg_pool2d(x, covered)
    theta = math.radians(angle)
    c, s, ratio = math.cos(theta), math.sin(theta), W / H
    tx, ty = -2.0 * right, -2.0 * below
    rows = [
        [side * v / across for v in (c, -s / ratio, c * tx - s / ratio * ty)],
        [v / down for v in (s * ratio, c, s * ratio * tx + c * ty)],
    ]
    matrix = send(torch.tensor([rows], dtype=x.dtype), x.device)
    grid = F.affine_grid(matrix, [1, 3, H, W], align_corners=False)
    padding = "zeros" if fit == "fit" else "reflection"
    return F.grid_sample(x, grid, "bilinear", padding_mode=padding, align_corners=False)
