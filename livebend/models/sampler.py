"""Samplers: how noise becomes a picture in a few calls of the network.

Each is one short function in its paper's symbols. t is the training time 0..999, ᾱ the part of
the signal power left at t, σ = sqrt((1−ᾱ)/ᾱ) the noise per signal. Euler's x is scaled up by noise
("exploding": x = x0 + σ·ε), DDIM's and LCM's keep their variance (x = √ᾱ·x0 + √(1−ᾱ)·ε).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from livebend.core.errors import UnknownName

Prediction = Literal["epsilon", "v_prediction"]

LAYERS = 50  # the founding paper calls its 50 DDIM steps layers; t = 981 − 20·layer
FIRST_TIME = 981.0


@dataclass(frozen=True, slots=True)
class Noising:
    """The training-time noise schedule of a model, from its scheduler_config.json."""

    beta_start: float = 0.00085
    beta_end: float = 0.012
    steps: int = 1000
    prediction: Prediction = "epsilon"

    def alphas(self) -> Tensor:
        """ᾱ_t for every t, float32 [steps]. Source: Rombach et al. 2022, "scaled linear" betas."""
        roots = torch.linspace(self.beta_start**0.5, self.beta_end**0.5, self.steps)
        return torch.cumprod(1.0 - roots**2, 0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The boundaries of a sampler's steps: boundary k is before network call k, the last one after
    all calls. `t`, `sigma` and `abar` (ᾱ) have one entry per boundary; t of the last is 0.
    """

    sampler: str
    t: tuple[float, ...]
    sigma: tuple[float, ...]
    abar: tuple[float, ...]

    @property
    def calls(self) -> int:
        """How many network calls there are."""
        return len(self.t) - 1

    @property
    def layers(self) -> tuple[float, ...]:
        """The paper's layer of every boundary: 0 = noise … 50 = finished."""
        inner = [max(0.0, (FIRST_TIME - t) * LAYERS / 1000.0) for t in self.t[:-1]]
        return (*inner, float(LAYERS))

    def nearest(self, depth: float) -> int:
        """The boundary nearest to depth 0..1 on the layer axis; 0 is the noise itself."""
        if depth <= 0.0:
            return 0
        distance = [abs(layer - depth * LAYERS) for layer in self.layers]
        return distance.index(min(distance))

    def neighbours(self, depth: float) -> tuple[tuple[int, float], ...]:
        """The boundaries before and after depth 0..1 on the layer axis, each with its weight.

        w = (after − L)/(after − before) for the one before; an exact hit has weight 1.
        """
        layer, layers = depth * LAYERS, self.layers
        if layer <= layers[0]:
            return ((0, 1.0),)
        k = next(i for i, after in enumerate(layers) if after >= layer)
        w = (layers[k] - layer) / (layers[k] - layers[k - 1])
        return ((k, 1.0),) if w == 0.0 else ((k - 1, w), (k, 1.0 - w))


@lru_cache(maxsize=256)
def schedule(
    sampler: str, calls: int, noising: Noising, depths: tuple[float, ...] = ()
) -> Schedule:
    """Return the boundaries for `calls` network calls, with one more inserted at each of `depths`.

    Euler takes trailing times t = round(1000·k/n) − 1, DDIM leading ones with offset 1, LCM its own
    50-step grid, as diffusers does. Source: Lin et al. 2023, table 2. Raises: UnknownName.
    """
    times = {"euler": _trailing, "ddim": _leading, "lcm": _lcm}
    if sampler not in times:
        raise UnknownName("sampler", sampler, times)
    t = [float(v) for v in times[sampler](calls)]
    t += [v for v in (_time_of(d) for d in depths) if v is not None and _is_new(v, t)]
    t.sort(reverse=True)
    alphas = noising.alphas()
    sigmas = ((1 - alphas) / alphas).sqrt().numpy()
    grid = np.arange(len(sigmas))
    sigma = [float(np.float32(np.interp(v, grid, sigmas))) for v in t]
    abar = [_abar(v, s, alphas) for v, s in zip(t, sigma, strict=True)]
    end = (0.0, 1.0) if sampler == "euler" else (float(sigmas[0]), float(alphas[0]))
    return Schedule(sampler, (*t, 0.0), (*sigma, end[0]), (*abar, end[1]))


def _abar(t: float, sigma: float, alphas: Tensor) -> float:
    return float(alphas[int(t)]) if t.is_integer() else 1.0 / (1.0 + sigma**2)


Times = NDArray[np.float64]


def _trailing(n: int) -> Times:
    times: Times = np.arange(1000, 0, -1000 / n).round() - 1
    return times


def _leading(n: int) -> Times:
    return (np.arange(n, dtype=np.float64) * (1000 // n))[::-1] + 1


def _lcm(n: int) -> Times:
    origin: Times = (np.arange(1, 51, dtype=np.float64) * 20 - 1)[::-1]
    chosen: Times = origin[np.floor(np.linspace(0, 50, n, endpoint=False)).astype(int)]
    return chosen


def _time_of(depth: float) -> float | None:
    """The training time of a depth strictly between noise and picture, else None."""
    t = FIRST_TIME - 1000.0 * depth
    return t if depth > 0.0 and t > 0.0 else None


def _is_new(t: float, times: Sequence[float]) -> bool:
    return all(abs(t - other) >= 0.5 for other in times)


# ---- one step --------------------------------------------------------------------------------


def euler_step(
    x: Tensor, output: Tensor, sigma: float, sigma_next: float, prediction: Prediction
) -> Tensor:
    """x ← x + (x − D)/σ · (σ' − σ), with D the network's guess of the clean latent.

    Source: Karras et al. 2022, algorithm 1 without its second order.
    """
    s, step, out, skip = _euler(sigma, sigma_next, x.dtype)
    D = x - s * output if prediction == "epsilon" else output * out + x / skip
    return (x - D).div_(s).mul_(step).add_(x)


@lru_cache(maxsize=1024)
def _euler(sigma: float, sigma_next: float, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """σ, σ' − σ, and for a v-prediction −σ/√(σ² + 1) and σ² + 1, as diffusers computes them."""
    s, after = (torch.tensor(value, dtype=dtype) for value in (sigma, sigma_next))
    return s, after - s, -s / (s**2 + 1) ** 0.5, s**2 + 1


def ddim_step(
    x: Tensor, output: Tensor, abar: Tensor, abar_next: Tensor, prediction: Prediction
) -> Tensor:
    """x ← √ᾱ'·x0 + √(1−ᾱ')·ε, eta 0. Source: Song et al. 2021, equation 12."""
    x0, eps = _split(x, output, abar, prediction)
    return abar_next**0.5 * x0 + (1 - abar_next) ** 0.5 * eps


def lcm_step(
    x: Tensor,
    output: Tensor,
    *,
    t: float,
    abar: Tensor,
    abar_next: Tensor,
    noise: Tensor | None,
    prediction: Prediction,
) -> Tensor:
    """x ← √ᾱ'·f + √(1−ᾱ')·z with f = c_out·x0 + c_skip·x; without z after the last call.

    Source: Luo et al. 2023, equations 9 and 10; z is held still from frame to frame.
    """
    x0, _ = _split(x, output, abar, prediction)
    scaled = t * 10.0
    c_skip: float = 0.25 / (scaled**2 + 0.25)
    c_out: float = scaled / (scaled**2 + 0.25) ** 0.5
    f = c_out * x0 + c_skip * x
    if noise is None:
        return f
    return abar_next.sqrt() * f + (1 - abar_next).sqrt() * noise


def _split(
    x: Tensor, output: Tensor, abar: Tensor, prediction: Prediction
) -> tuple[Tensor, Tensor]:
    """Return (x0, ε) from a variance-preserving x and the network's output for it."""
    a, s = abar**0.5, (1 - abar) ** 0.5
    if prediction == "epsilon":
        return (x - s * output) / a, output
    return a * x - s * output, a * output + s * x
