"""What is fused computes what it stands for, at the borders too."""

import pytest
import torch
from torch import nn

from livebend.models.fused_upsample import FusedPair, fuse


def layers(bias=True):
    torch.manual_seed(3)
    inner = nn.Conv2d(5, 7, 3, padding=1, bias=False)
    return [
        nn.ReLU(),
        nn.Upsample(scale_factor=2.0),
        inner,
        nn.Conv2d(7, 3, 3, padding=1, bias=bias),
    ]


@pytest.mark.parametrize("size", [(2, 2), (2, 9), (8, 8), (13, 6)])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_a_folded_pair_is_the_three_layers_in_double_precision_to_the_last_digits(size, bias):
    plain = [layer.double() for layer in layers(bias)]
    fused = fuse(plain)
    assert [type(layer) for layer in fused] == [nn.ReLU, FusedPair]
    x = torch.randn(2, 5, *size, dtype=torch.float64)
    want = nn.Sequential(*plain)(x)
    assert (nn.Sequential(*fused)(x) - want).abs().max() < 1e-12


def test_only_two_plain_convolutions_after_a_doubling_are_folded():
    relu, up, inner, outer = layers()
    with_bias = nn.Conv2d(5, 7, 3, padding=1)
    strided = nn.Conv2d(7, 3, 3, padding=1, stride=2)
    for kept in (
        [outer],
        [relu, inner, outer],
        [relu, up, with_bias, outer],
        [relu, up, inner, strided],
        [relu, nn.Upsample(scale_factor=2.0, mode="bilinear"), inner, outer],
        [relu, nn.Upsample(scale_factor=3.0), inner, outer],
    ):
        assert fuse(kept) == kept
