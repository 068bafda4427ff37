"""An up-sampling and two convolutions as one.

The decoder of a small AutoencoderTiny ends with conv3×3(conv3×3(up₂(x))), nothing between, at the
full size of the picture. That is linear, and each output sees only 3×3 different inputs, so it is
one 3×3 convolution at half the size to four phases, which are then interleaved: a ninth of the
work. Only the outermost ring of pixels, where the inner convolution's own padding shows, is
computed as it stands. Sums are taken in another order, so results differ in the last bits.
"""

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional


class FoldedPair(nn.Module):
    """conv3×3(conv3×3(up₂(x))) as one convolution of x.

    Takes [B, in, h, w], h and w at least 2; gives [B, out, 2h, 2w].
    """

    def __init__(self, inner: nn.Conv2d, outer: nn.Conv2d) -> None:
        """`inner` must have no bias."""
        super().__init__()
        self.inner, self.outer = inner, outer
        bias = outer.weight.new_zeros(len(outer.weight)) if outer.bias is None else outer.bias
        self.bias = nn.Buffer(bias.detach().repeat_interleave(4))
        weight = fold_pair(inner.weight, outer.weight)
        self.weight = nn.Buffer(weight.contiguous(memory_format=torch.channels_last))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the picture, then its border as it stands."""
        y = functional.pixel_shuffle(functional.conv2d(x, self.weight, self.bias, padding=1), 2)
        top, bottom = self._plain(torch.cat([x[:, :, :2], x[:, :, -2:]])).chunk(2)
        left, right = self._plain(torch.cat([x[..., :2], x[..., -2:]])).chunk(2)
        y = torch.cat([top[:, :, :1], y[:, :, 1:-1], bottom[:, :, -1:]], 2)
        return torch.cat([left[..., :1], y[..., 1:-1], right[..., -1:]], 3)

    def _plain(self, x: Tensor) -> Tensor:
        up = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        made: Tensor = self.outer(self.inner(up))
        return made


def fold(layers: list[nn.Module]) -> list[nn.Module]:
    """Fold the pair at the end of a decoder's layers, where there is one."""
    *before, up, inner, outer = [nn.Identity(), nn.Identity(), *layers]
    if not (_doubles(up) and _is_plain(inner) and _is_plain(outer) and inner.bias is None):
        return layers
    assert isinstance(inner, nn.Conv2d)
    assert isinstance(outer, nn.Conv2d)
    return [*before[2:], FoldedPair(inner, outer)]


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
def fold_pair(inner: Tensor, outer: Tensor) -> Tensor:
    """Fold a nearest up-sampling by two and two 3×3 convolutions into one.

    Weights (mid, in, 3, 3) and (out, mid, 3, 3) make one 5×5 at the high resolution. Phase a of
    output row 2y + a reads by its tap d the up-sampled row 2y + a + d − 2, which is input row
    y + ⌊(a + d − 2)/2⌋; taps that read the same row are summed. Returns (4·out, in, 3, 3), ordered
    as a pixel shuffle reads them.
    """
    both = functional.conv2d(inner.transpose(0, 1), outer.flip(2, 3), padding=2).transpose(0, 1)
    out, into = both.shape[:2]
    folded = both.new_zeros(out, 2, 2, into, 3, 3)
    for a, b, dy, dx in product(range(2), range(2), range(5), range(5)):
        row, column = (a + dy - 2) // 2 + 1, (b + dx - 2) // 2 + 1
        folded[:, a, b, :, row, column] += both[:, :, dy, dx]
    return folded.reshape(4 * out, into, 3, 3)
