"""Matrices on channels, rows and columns. x is [B, C, H, W].

A 4×4 matrix mixes channels 4k..4k+3 alike, as the four of a latent; the one to three channels that
are left over are mixed in the planes that they have.
"""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from livebend.core.ranges import Degrees, Range
from livebend.operators.registry import operator

Matrix = NDArray[np.float64]
PlaneAngle = Annotated[
    float, Range(-180, 180, "deg"), "turn from the first towards the second channel"
]
Entry = Annotated[
    float, Range(-2, 2, soft=(-1, 1)), "weight of the second number's channel in the first's"
]
HadamardAxis = Literal["channel", "row", "column"]
PLANES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
REVERSED = ((0, 2), (0, 3))  # the paper's R2 and R3 turn the other way


@operator("matrix", amounts=["angle"], matched=False)
def rotate6(x: Tensor, *, angle: Annotated[Degrees, "turn of all six planes"] = 0.0) -> Tensor:
    """Rotate four channels in all their planes: y = R01·R02·R03·R12·R13·R23·x, one angle for all.

    R02 and R03 turn the other way, as in the paper; 360° is exactly 0.
    Source: R6 of the follow-up to Dzwonczyk et al. 2024.
    """
    theta = math.radians(math.fmod(angle, 360.0))

    def build(n: int) -> Matrix:
        product = np.eye(n)
        for i, j in _planes(n):
            product = product @ _rotation(n, i, j, -theta if (i, j) in REVERSED else theta)
        return product

    return _in_fours(x, build)


@operator("matrix", amounts=["t01", "t02", "t03", "t12", "t13", "t23"], matched=False)
def matrix(
    x: Tensor,
    *,
    t01: PlaneAngle = 0.0,
    t02: PlaneAngle = 0.0,
    t03: PlaneAngle = 0.0,
    t12: PlaneAngle = 0.0,
    t13: PlaneAngle = 0.0,
    t23: PlaneAngle = 0.0,
) -> Tensor:
    """Mix four channels by any rotation there is: y = exp(A)·x, A_ji = −A_ij = t_ij.

    One angle alone is that plane's rotation; together none comes before another, and the matrix is
    orthogonal throughout. Source: the exponential map of SO(4), Hall 2015, chapter 2.
    """
    turns = dict(zip(PLANES, (t01, t02, t03, t12, t13, t23), strict=True))

    def build(n: int) -> Matrix:
        A = np.zeros((n, n))
        for i, j in _planes(n):
            A[j, i], A[i, j] = math.radians(turns[i, j]), -math.radians(turns[i, j])
        return np.asarray(torch.linalg.matrix_exp(torch.from_numpy(A)).numpy())

    return _in_fours(x, build)


ENTRIES = [f"m{i}{j}" for i in range(4) for j in range(4) if i != j] + ["m00", "m11", "m22", "m33"]


@operator("matrix", amounts=ENTRIES)
def mix_channels(
    x: Tensor,
    *,
    m00: Entry = 1.0,
    m01: Entry = 0.0,
    m02: Entry = 0.0,
    m03: Entry = 0.0,
    m10: Entry = 0.0,
    m11: Entry = 1.0,
    m12: Entry = 0.0,
    m13: Entry = 0.0,
    m20: Entry = 0.0,
    m21: Entry = 0.0,
    m22: Entry = 1.0,
    m23: Entry = 0.0,
    m30: Entry = 0.0,
    m31: Entry = 0.0,
    m32: Entry = 0.0,
    m33: Entry = 1.0,
    orthogonal: Annotated[bool, "take the nearest rotation or reflection instead"] = False,
) -> Tensor:
    """Mix four channels by any matrix: y_c = Σ_k m_ck·x_k, or by the orthogonal one nearest to it.

    The nearest one is U·Vᵀ of M = U·S·Vᵀ: it keeps lengths, so that only the turn is left.
    Source: the polar factor, Higham 1986.
    """
    entries = (
        (m00, m01, m02, m03),
        (m10, m11, m12, m13),
        (m20, m21, m22, m23),
        (m30, m31, m32, m33),
    )

    def build(n: int) -> Matrix:
        M: Matrix = np.array(entries, np.float64)[:n, :n]
        if not orthogonal:
            return M
        U, _, Vt = np.linalg.svd(M)
        return np.asarray(U @ Vt)

    return _in_fours(x, build)


@operator("matrix", matched=False)
def hadamard(
    x: Tensor, *, axis: Annotated[HadamardAxis, "what is mixed with one another"] = "channel"
) -> Tensor:
    """Mix everything along one axis with everything else: y = H·x/√n; twice is the identity.

    Where n is no power of two, its binary digits make blocks: 320 = 256 + 64.
    Source: Sylvester 1867; on latents, the operators after Dzwonczyk et al. 2024.
    """
    dim = {"channel": 1, "row": 2, "column": 3}[axis]
    H = _hadamard(x.shape[dim], x.device, x.dtype)
    return torch.movedim(torch.matmul(torch.movedim(x, dim, 3), H), 3, dim)


@operator("matrix", amounts=["amount"])
def matrix_exp(
    x: Tensor,
    *,
    amount: Annotated[
        float, Range(-4, 4, soft=(-1, 1)), "0 = as it is; above, what lines up grows"
    ] = 0.0,
) -> Tensor:
    """Take each channel as a matrix X and exponentiate it: Y = s·(exp(a·X/s) − I)/a, s = ‖X‖_F.

    Computed as X·φ₁(a·X/s), φ₁(M) = Σ M^k/(k + 1)!, by a series of eight terms and three doublings
    φ₁(2M) = φ₁(M) + M·φ₁(M)²/2; where H ≠ W, X is made square with zeros.
    Source: φ-functions and scaling after Higham 2008, chapter 10.
    """
    H, W = x.shape[-2:]
    X = F.pad(x, (0, max(H - W, 0), 0, max(W - H, 0)))
    size = X.square().sum((2, 3), keepdim=True).sqrt().clamp_min(1e-12)
    M = X * (amount / 8.0 / size)
    identity = torch.eye(X.shape[-1], device=x.device, dtype=x.dtype)
    phi = identity.expand_as(X)
    for k in range(9, 1, -1):
        phi = identity + (M @ phi) / k
    for doubling in (1.0, 2.0, 4.0):
        phi = phi + (0.5 * doubling) * (M @ phi) @ phi
    Y: Tensor = X @ phi
    return Y[..., :H, :W]


def _planes(n: int) -> Iterable[tuple[int, int]]:
    return ((i, j) for i, j in PLANES if j < n)


def _rotation(n: int, i: int, j: int, theta: float) -> Matrix:
    R = np.eye(n)
    c, s = math.cos(theta), math.sin(theta)
    R[i, i], R[i, j], R[j, i], R[j, j] = c, -s, s, c
    return R


def _in_fours(x: Tensor, build: Callable[[int], Matrix]) -> Tensor:
    """Mix channels 4k..4k+3 by build(4), and the n that are left over by build(n)."""
    fours = x.shape[1] // 4 * 4
    parts = [(4, x[:, :fours]), (x.shape[1] - fours, x[:, fours:])]
    return torch.cat([_mixed(part, build(n)) for n, part in parts if part.shape[1]], 1)


def _mixed(x: Tensor, m: Matrix) -> Tensor:
    """Products and a sum instead of a matrix product: entries 0 and 1 stay exact in any mode."""
    weights = torch.from_numpy(m).to(x.dtype).to(x.device, non_blocking=True)[..., None, None]
    groups = x.reshape(x.shape[0], -1, 1, len(m), *x.shape[-2:])
    return (weights * groups).sum(3).reshape(x.shape)


@lru_cache(maxsize=32)
def _hadamard(n: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    H = np.zeros((n, n))
    start = 0
    for digit in (1 << k for k in reversed(range(n.bit_length())) if n & (1 << k)):
        block: Matrix = np.ones((1, 1))
        while len(block) < digit:
            block = np.block([[block, block], [block, -block]])
        H[start : start + digit, start : start + digit] = block / math.sqrt(digit)
        start += digit
    return torch.from_numpy(H).to(device, dtype)
