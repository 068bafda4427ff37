"""An up-sampling and two convolutions fused into one convolution.

The decoder of a small AutoencoderTiny ends with conv3×3(conv3×3(up₂(x))), nothing between, at the
full size of the picture. That is linear, and each output depends on only 3×3 different inputs. So
it is one 3×3 convolution at half the size to four phases, which are then interleaved: a ninth of
the work. In the outermost ring of pixels the inner convolution's padding gives other weights: there
an output depends on 2×3 inputs, and in a corner on 2×2. Sums are taken in another order, so results
differ in the last bits.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class FusedPair(nn.Module):
    """conv3×3(conv3×3(up₂(x))) as one convolution of x.

    Takes [B, in, h, w], h and w at least 2; gives [B, out, 2h, 2w]. The four phases of a place are
    in the order of its pixels, row by row, and everything stays channels-last to the end: another
    order would cost more than the computation itself.
    """

    def __init__(self, inner: nn.Conv2d, outer: nn.Conv2d) -> None:
        """`inner` must have no bias."""
        super().__init__()
        into, out, dtype = inner.in_channels, outer.out_channels, outer.weight.dtype
        bias = outer.weight.new_zeros(out) if outer.bias is None else outer.bias
        inside, edges, corners = _weights(inner.weight.double(), outer.weight.double())
        inside = inside.view(into, 3, 3, 4 * out).permute(3, 0, 1, 2).to(dtype)
        self.inside = nn.Buffer(inside.contiguous(memory_format=torch.channels_last))
        self.edges, self.corners = nn.Buffer(edges.to(dtype)), nn.Buffer(corners.to(dtype))
        self.bias = nn.Buffer(bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """Compute the whole picture, then replace its outermost ring."""
        y = functional.conv2d(x, self.inside, self.bias.repeat(4), padding=1).permute(0, 2, 3, 1)
        top, bottom, left, right = self._edges(x)
        y = _with_rows(y, top, bottom)
        y = _with_columns(y, left, right)
        n, h, w, _ = y.shape
        phases = y.reshape(n, h, w, 2, 2, -1).transpose(2, 3)
        return phases.reshape(n, 2 * h, 2 * w, -1).permute(0, 3, 1, 2)

    def _edges(self, x: Tensor) -> tuple[Tensor, ...]:
        """The outermost pixels [B, 2h or 2w, out]: top, bottom, left and right; the corners are
        right in left and right only."""
        h, w = x.shape[2:]
        top, bottom, left, right = self._along(x)
        ends = (x[..., :2, :2], x[..., -2:, :2], x[..., :2, -2:], x[..., -2:, -2:])
        seen = torch.stack([end.flatten(1) for end in ends])
        corner = (torch.bmm(seen, self.corners) + self.bias)[:, :, None]
        left = torch.cat([corner[0], left[:, 1 : 2 * h - 1], corner[1]], 1)
        right = torch.cat([corner[2], right[:, 1 : 2 * h - 1], corner[3]], 1)
        return top[:, : 2 * w], bottom[:, : 2 * w], left, right

    def _along(self, x: Tensor) -> Tensor:
        """The four sides [4, B, longest, out], without regard to corners."""
        longest = max(x.shape[2:])
        upright = x.transpose(2, 3)
        sides = (x[..., :2, :], x[..., -2:, :], upright[..., :2, :], upright[..., -2:, :])
        padded = [functional.pad(s, (1, 1 + longest - s.shape[-1])) for s in sides]
        strips = torch.stack(padded).permute(0, 1, 4, 2, 3)
        seen = torch.stack([strips[:, :, k : k + longest] for k in range(3)], -1)
        made = torch.bmm(seen.reshape(4, len(x) * longest, -1), self.edges)
        return made.view(4, len(x), 2 * longest, -1) + self.bias


def _with_rows(y: Tensor, top: Tensor, bottom: Tensor) -> Tensor:
    """Put pixels [B, 2w, out] into the phases [B, h, w, 4·out] of the first and the last row."""
    n, _, w, count = y.shape
    half = count // 2
    first = torch.cat([top.reshape(n, 1, w, half), y[:, :1, :, half:]], 3)
    last = torch.cat([y[:, -1:, :, :half], bottom.reshape(n, 1, w, half)], 3)
    return torch.cat([first, y[:, 1:-1], last], 1)


def _with_columns(y: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Put pixels [B, 2h, out] into the phases [B, h, w, 4·out] of the first and the last column."""
    n, h, _, count = y.shape
    own = y.reshape(n, h, -1, 2, 2, count // 4)
    first = torch.stack([left.reshape(n, h, 2, -1), own[:, :, 0, :, 1]], 3)
    last = torch.stack([own[:, :, -1, :, 0], right.reshape(n, h, 2, -1)], 3)
    first, last = first.reshape(n, h, 1, count), last.reshape(n, h, 1, count)
    return torch.cat([first, y[:, :, 1:-1], last], 2)


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
def _weights(inner: Tensor, outer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the weights inside [in·9, 4·out], along each edge [4, in·6, 2·out], and in each corner
    [4, in·4, out]; edges and corners in the order of `_edges`.

    The two convolutions are linear, so the weights are their response to single points.
    """

    def made(points: Tensor) -> Tensor:
        up = functional.interpolate(points, scale_factor=2.0, mode="nearest")
        y = functional.conv2d(functional.conv2d(up, inner, padding=1), outer, padding=1)
        return y.permute(0, 2, 3, 1)

    into = inner.shape[1]
    y = made(_points(into, 3, 3, inner, pad=(1, 1, 1, 1)))
    inside = y[:, 4:6, 4:6].flatten(1)
    strip = _points(into, 2, 3, inner, pad=(1, 1))
    across, upright = made(strip), made(strip.mT).transpose(1, 2)
    edges = [y[:, row, 4:6].flatten(1) for y in (across, upright) for row in (0, -1)]
    y = made(_points(into, 2, 2, inner))
    corners = [y[:, row, column] for column in (0, -1) for row in (0, -1)]
    return inside, torch.stack(edges), torch.stack(corners)


def _points(count: int, height: int, width: int, like: Tensor, pad: tuple[int, ...] = ()) -> Tensor:
    """Return pictures [count·height·width, count, …], each 1 at one place of one channel."""
    total = count * height * width
    points = torch.eye(total, dtype=like.dtype, device=like.device)
    return functional.pad(points.view(total, count, height, width), pad)
