"""An up-sampling and two convolutions fused into one convolution.

The decoder of a small AutoencoderTiny ends with conv3×3(conv3×3(up₂(x))), nothing between, at the
full size of the picture. That is linear, and each output depends on only 3×3 different inputs. So
it is one 3×3 convolution at half the size to four phases, which are then interleaved: a ninth of
the work. Only the outermost pixels differ, where the outer convolution sees its padding and not
what the inner one would make there: that is taken away again, by a row or column for each side.
Sums are taken in another order, so results differ in the last bits.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class FusedPair(nn.Module):
    """conv3×3(conv3×3(up₂(x))) as one convolution of x.

    Takes [B, in, h, w], h and w at least 2; gives [B, out, 2h, 2w].
    """

    def __init__(self, inner: nn.Conv2d, outer: nn.Conv2d) -> None:
        """`inner` must have no bias."""
        super().__init__()
        dtype = outer.weight.dtype
        bias = outer.weight.new_zeros(outer.out_channels) if outer.bias is None else outer.bias
        inside, sides, corners = _weights(inner.weight.double(), outer.weight.double())
        self.inside = nn.Buffer(inside.to(dtype, memory_format=torch.channels_last))
        self.rows = nn.Buffer(torch.cat(sides[:2]).to(dtype)[:, :, None])
        self.columns = nn.Buffer(torch.cat(sides[2:]).to(dtype)[..., None])
        self.corners = nn.Buffer(torch.cat(corners).to(dtype)[..., None, None])
        self.bias = nn.Buffer(bias.detach().repeat_interleave(4))

    def forward(self, x: Tensor) -> Tensor:
        """Compute as if there was no border, then correct the phases of the outermost places."""
        h, w = x.shape[2:]
        y = functional.conv2d(x, self.inside, self.bias, padding=1)
        top, bottom = functional.conv2d(_ends(x, 2), self.rows, padding=(0, 1)).chunk(2, 1)
        left, right = functional.conv2d(_ends(x, 3), self.columns, padding=(1, 0)).chunk(2, 1)
        corners = functional.conv2d(_ends(_ends(x, 2), 3), self.corners).chunk(4, 1)
        # A masked sum: every layout has it in one pass, where to replace a border costs copies.
        first_row, last_row = (_at(k, h, x)[:, None] for k in (0, h - 1))
        first, last = (_at(k, w, x) for k in (0, w - 1))
        top = top[:, :, :1] + first * corners[0][..., :1, :1] + last * corners[1][..., :1, 1:]
        bottom = bottom[:, :, 1:] + first * corners[2][..., 1:, :1] + last * corners[3][..., 1:, 1:]
        y = y + first_row * top + last_row * bottom + first * left[..., :1] + last * right[..., 1:]
        return functional.pixel_shuffle(y, 2)


def _ends(x: Tensor, dim: int) -> Tensor:
    """The first and the last of a dimension."""
    return torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, x.shape[dim] - 1, 1)], dim)


def _at(k: int, count: int, like: Tensor) -> Tensor:
    """1 at place k of `count`, else 0."""
    return (torch.arange(count, device=like.device) == k).to(like.dtype)


def fuse(layers: list[nn.Module]) -> list[nn.Module]:
    """Return a decoder's layers with the pair at their end fused, where there is one."""
    *before, up, inner, outer = [nn.Identity(), nn.Identity(), *layers]
    if not (_doubles(up) and _is_plain(inner) and _is_plain(outer) and inner.bias is None):
        return layers
    assert isinstance(inner, nn.Conv2d)
    assert isinstance(outer, nn.Conv2d)
    return [*before[2:], FusedPair(inner, outer)]


def _doubles(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Upsample) and (layer.mode, layer.scale_factor) == ("nearest", 2.0)


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer is a 3×3 convolution that keeps the size."""
    return (
        isinstance(layer, nn.Conv2d)
        and (layer.kernel_size, layer.stride, layer.padding) == ((3, 3), (1, 1), (1, 1))
        and (layer.dilation, layer.groups, layer.padding_mode) == ((1, 1), 1, "zeros")
    )


@torch.no_grad()
def _weights(inner: Tensor, outer: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Return the weights to the phases [4·out, in, 3, 3] inside; what they are too much by along
    the top, bottom, left and right [4·out, in, 3]; and what that leaves over in each corner
    [4·out, in], row by row.

    The two convolutions are linear, so the weights are their response to single points.
    """
    into, last = inner.shape[1], 4

    def response(row: int, column: int, *, bordered: bool) -> Tensor:
        """The phases [in, 4·out, 5, 5] of a point in each channel; without a border, the inner
        convolution goes on beyond the picture."""
        points = inner.new_zeros(into, into, last + 1, last + 1)
        points[range(into), range(into), row, column] = 1.0
        up = functional.interpolate(points, scale_factor=2.0, mode="nearest")
        wider, pad = (up, 1) if bordered else (functional.pad(up, (2, 2, 2, 2)), 0)
        made = functional.conv2d(functional.conv2d(wider, inner, padding=pad), outer, padding=pad)
        return functional.pixel_unshuffle(made, 2)

    def excess(row: int, column: int) -> Tensor:
        return response(row, column, bordered=True) - response(row, column, bordered=False)

    middle = last // 2
    near = slice(middle - 1, middle + 2)
    inside = response(middle, middle, bordered=False)[:, :, near, near]
    sides = [excess(row, middle)[:, :, row, near] for row in (0, last)]
    sides += [excess(middle, column)[:, :, near, column] for column in (0, last)]
    sides = [side.flip(2).transpose(0, 1) for side in sides]
    corners = [
        excess(row, column)[:, :, row, column].T - sides[i][..., 1] - sides[2 + j][..., 1]
        for i, row in enumerate((0, last))
        for j, column in enumerate((0, last))
    ]
    return inside.flip(2, 3).transpose(0, 1), sides, corners
