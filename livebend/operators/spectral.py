"""Operators on the spatial spectrum. x is [B, C, H, W], each channel on its own."""

import math
from functools import lru_cache
from typing import Annotated

import torch
from torch import Tensor

from livebend.core.ranges import Range
from livebend.operators.registry import operator

BandGain = Annotated[float, Range(0, 4, soft=(0, 2))]
SMALL = 64  # sides up to which matrix products are faster than Fourier transforms
Edge = Annotated[float, Range(0.01, 1, "of Nyquist", curve="log", soft=(0.05, 0.7))]


@operator("spectral", amounts=["low", "middle", "high"])
def bands(
    x: Tensor,
    *,
    low: Annotated[BandGain, "gain of large shapes, the mean included"] = 1.0,
    middle: Annotated[BandGain, "gain between them"] = 1.0,
    high: Annotated[BandGain, "gain of fine detail"] = 1.0,
    low_edge: Annotated[Edge, "where low passes into middle"] = 0.1,
    high_edge: Annotated[Edge, "where middle passes into high"] = 0.4,
) -> Tensor:
    """Give three bands of the picture's spectrum each a gain: Y(f) = g(r)·X(f), r = |f|/Nyquist.

    g = g_l + (g_m − g_l)·s(r/e_l) + (g_h − g_m)·s(r/e_h), s(q) = q⁴/(1 + q⁴), so it does not ring.
    Source: an equaliser with Butterworth crossovers; FreeU, Si et al. 2023, has one hard band.
    """
    small = max(x.shape[-2:]) <= SMALL
    lower, upper = (
        _crossover(*x.shape[-2:], edge, small, x.device, x.dtype) for edge in (low_edge, high_edge)
    )
    gain = (lower * (middle - low)).add_(upper, alpha=high - middle).add_(low)
    return _in_hartley(x, gain) if small else _filtered(x, gain)


@operator("spectral", amounts=["gain"], matched=False)
def freeu_skip(
    x: Tensor,
    *,
    gain: Annotated[BandGain, "factor s on the low frequencies"] = 1.0,
    cut: Annotated[
        int, Range(1, 32, "cycles", whole=True, soft=(1, 8)), "low is −cut..cut − 1 cycles a side"
    ] = 1,
) -> Tensor:
    """Scale a box of low frequencies: y = Re IFFT(β·FFT(x)), β = s inside the box, else 1.

    Meant for the skip sites. Source: FreeU, Si et al. 2023, its Fourier filter.
    """
    box = _box(*x.shape[-2:], cut, x.device, x.dtype)
    return _filtered(x, 1.0 + (gain - 1.0) * box)


@operator("spectral", amounts=["gain"], matched=False)
def freeu_backbone(
    x: Tensor, *, gain: Annotated[BandGain, "factor b on the first half of the channels"] = 1.0
) -> Tensor:
    """Scale the first half of the channels: y_c = b·x_c for c < C/2, else x_c.

    Meant for the block outputs. Source: FreeU, Si et al. 2023, its backbone factor.
    """
    half = max(x.shape[1] // 2, 1)
    return torch.cat((x[:, :half] * gain, x[:, half:]), 1)


def _filtered(x: Tensor, gain: Tensor) -> Tensor:
    y: Tensor = torch.fft.irfft2(torch.fft.rfft2(x) * gain, s=x.shape[-2:])
    return y


def _in_hartley(x: Tensor, gain: Tensor) -> Tensor:
    """The same for a gain [H, W] that is one for f and its mirror images: y = h·(g ∘ (h·x·h))·h, h
    Hartley's matrix. Small pictures take half the time or less, above all those channels-last.

    Source: Bracewell 1983.
    """
    across, down = (_hartley(n, x.device, x.dtype) for n in (x.shape[3], x.shape[2]))
    if x.is_contiguous():
        spectrum = down @ (x @ across)
        return (down @ spectrum.mul_(gain)) @ across
    B, C, H, W = x.shape
    across, down = across.expand(B * H, W, W), down.expand(B, H, H)
    rows = torch.bmm(across, x.permute(0, 2, 3, 1).reshape(B * H, W, C))
    spectrum = torch.bmm(down, rows.view(B, H, W * C)).view(B, H, W, C).mul_(gain[..., None])
    rows = torch.bmm(down, spectrum.view(B, H, W * C)).view(B * H, W, C)
    return torch.bmm(across, rows).view(B, H, W, C).permute(0, 3, 1, 2)


@lru_cache(maxsize=32)
def _hartley(n: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """cas(2πjk/n)/√n, cas = cos + sin: symmetric, and its own inverse."""
    k = torch.arange(n, dtype=torch.float64)
    turns = torch.outer(k, k) % n * (2.0 * math.pi / n)
    return ((turns.cos() + turns.sin()) / math.sqrt(n)).to(device, dtype)


@lru_cache(maxsize=32)
def _radius(H: int, W: int, whole: bool, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Frequency of each bin of rfft2 as a fraction of Nyquist, [H, W/2 + 1]; `whole`: of fft2,
    [H, W]."""
    across = torch.fft.fftfreq(W) if whole else torch.fft.rfftfreq(W)
    return (2.0 * torch.hypot(torch.fft.fftfreq(H)[:, None], across)).to(device, dtype)


@lru_cache(maxsize=32)
def _crossover(
    H: int, W: int, edge: float, whole: bool, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """What passes above an edge, s(r/e) = r⁴/(r⁴ + e⁴), at each bin of `_radius`."""
    fourth = _radius(H, W, whole, device, dtype).pow(4)
    return fourth / (fourth + edge**4)


@lru_cache(maxsize=32)
def _box(H: int, W: int, cut: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """FreeU's box [H, W/2 + 1], averaged with its mirror image, which is what a real part does."""
    (h, h_mirrored), (w, w_mirrored) = _inside(H, cut), _inside(W, cut)
    box = 0.5 * (torch.outer(h, w) + torch.outer(h_mirrored, w_mirrored))
    return box[:, : W // 2 + 1].to(device, dtype)


def _inside(n: int, cut: int) -> tuple[Tensor, Tensor]:
    k = torch.fft.fftfreq(n, 1.0 / n).round()
    inside = ((k >= -cut) & (k < cut)).float()
    return inside, inside[-torch.arange(n) % n]
