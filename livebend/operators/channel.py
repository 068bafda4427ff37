"""Operators across channels. x is [B, C, H, W]; a channel index past the last one wraps round."""

import math
from typing import Annotated

import torch
from torch import Tensor

from livebend.core.ranges import Channel, Degrees, Range, Unit
from livebend.operators.coordinates import rolled
from livebend.operators.random_draws import Draw, Roll, shuffled
from livebend.operators.registry import operator

Weight = Annotated[float, Range(-2, 2, soft=(-1, 1))]
Shift = Annotated[float, Range(-64, 64, "channels", soft=(-4, 4))]


@operator("channel", amounts=["angle"], matched=False)
def rotate(
    x: Tensor,
    *,
    angle: Annotated[Degrees, "turn from channel i towards channel j"] = 0.0,
    i: Annotated[Channel, "first channel of the plane"] = 1,
    j: Annotated[Channel, "second channel of the plane"] = 2,
) -> Tensor:
    """Rotate one plane of channels: y_i = cos θ·x_i − sin θ·x_j, y_j = sin θ·x_i + cos θ·x_j.

    The paper's R1 is (i, j) = (1, 2), R4 is (0, 1); R2 is (2, 0) and R3 is (3, 0), which turn the
    other way. The angle is reduced by whole turns in double precision, so 360° is exactly 0.
    Source: Dzwonczyk et al. 2024, figures 1 to 5.
    """
    first, second = i % x.shape[1], j % x.shape[1]
    if first == second:
        return x.clone()
    theta = math.radians(math.fmod(angle, 360.0))
    c, s = math.cos(theta), math.sin(theta)
    a, b = x.select(1, first), x.select(1, second)
    y = x.clone()
    # Rounded as a plain loop rounds it: fused products differ in the last bit.
    torch.sub(c * a, s * b, out=y.select(1, first))
    torch.add(s * a, c * b, out=y.select(1, second))
    return y


@operator("channel", amounts=["angle"], matched=False)
def rotate_pairs(
    x: Tensor, *, angle: Annotated[Degrees, "turn of every plane (2k, 2k+1)"] = 0.0
) -> Tensor:
    """Rotate channels 2k and 2k+1 into one another, all pairs alike; an odd last one stays.

    Source: the plane rotation of Dzwonczyk et al. 2024 carried to sites of any width.
    """
    theta = math.radians(math.fmod(angle, 360.0))
    c, s = math.cos(theta), math.sin(theta)
    even = x.shape[1] // 2 * 2
    a, b = x[:, 0:even:2], x[:, 1:even:2]
    turned = torch.stack((c * a - s * b, s * a + c * b), 2).flatten(1, 2)
    return torch.cat((turned, x[:, even:]), 1)


@operator("channel", amounts=["amount"], matched=False)
def reflect(
    x: Tensor,
    *,
    amount: Annotated[Unit, "0 = as it is, 1 = mirrored"] = 0.0,
    channel: Annotated[Channel, "which channel is mirrored"] = 0,
) -> Tensor:
    """Mirror one channel, continuously: y_c = (1 − 2a)·x_c.

    Source: Dzwonczyk et al. 2024, figure 8 (there a = 1).
    """
    planes = list(x.unbind(1))
    index = channel % x.shape[1]
    planes[index] = planes[index] * (1.0 - 2.0 * amount)
    return torch.stack(planes, 1)


@operator("channel", amounts=["amount"], matched=False)
def negate(x: Tensor, *, amount: Annotated[Unit, "0 = as it is, 1 = mirrored"] = 0.0) -> Tensor:
    """Mirror every channel, continuously: y = (1 − 2a)·x; at 1/2 nothing is left.

    Source: Dzwonczyk et al. 2024, figure 8, on all channels.
    """
    return x * (1.0 - 2.0 * amount)


@operator("channel", amounts=["amount"], matched=False)
def swap(
    x: Tensor,
    *,
    amount: Annotated[Unit, "0 = as it is, 1 = exchanged"] = 0.0,
    i: Annotated[Channel, "one channel"] = 0,
    j: Annotated[Channel, "the other channel"] = 1,
) -> Tensor:
    """Exchange two channels: y_i = (1 − a)·x_i + a·x_j, y_j = (1 − a)·x_j + a·x_i.

    Source: a permutation matrix on channels, blended with the identity.
    """
    planes = list(x.unbind(1))
    first, second = i % len(planes), j % len(planes)
    a, b = planes[first], planes[second]
    planes[first], planes[second] = torch.lerp(a, b, amount), torch.lerp(b, a, amount)
    return torch.stack(planes, 1)


@operator("channel", amounts=["shift"], matched=False)
def cycle(
    x: Tensor, *, shift: Annotated[Shift, "how many places; round again past the last"] = 0.0
) -> Tensor:
    """Move every channel on: y_c = x_(c − n), taken round; between whole n the two are blended.

    Source: torch.roll as bending systems use it on channels, made continuous.
    """
    return rolled(x, shift, 1)


@operator("channel", matched=False)
def shuffle(x: Tensor, *, seed: Draw = 0, roll: Roll = 0.0) -> Tensor:
    """Put the channels into a random order: y_c = x_π(c), π a seeded permutation.

    Source: a permutation matrix on channels; see also Broad et al. 2021 on random channels.
    """
    return shuffled(x, seed, roll)


@operator("channel", amounts=["amount"])
def blur_channels(
    x: Tensor, *, amount: Annotated[Unit, "0 = as it is, 1 = all channels alike"] = 0.0
) -> Tensor:
    """Draw the channels towards their mean: y = ((1 − a)·I + (a/C)·11ᵀ)·x.

    Source: the channel mixing matrix, in its one-parameter form.
    """
    return torch.lerp(x, x.mean(1, keepdim=True).expand_as(x), amount)


@operator("channel", amounts=["amount"])
def couple(
    x: Tensor,
    *,
    amount: Annotated[Weight, "how much of the other is added"] = 0.0,
    i: Annotated[Channel, "channel that gets it"] = 0,
    j: Annotated[Channel, "channel that gives it"] = 1,
) -> Tensor:
    """Add one channel to another: y_i = x_i + a·x_j.

    One entry of a mixing matrix; several bends in turn make any matrix that can be undone.
    Source: the elementary matrices of Gaussian elimination.
    """
    planes = list(x.unbind(1))
    first, second = i % len(planes), j % len(planes)
    planes[first] = planes[first] + amount * planes[second]
    return torch.stack(planes, 1)
