"""Samplers: how noise becomes a picture in a few calls of the network.

Each is one short function in its paper's symbols. t is the training time 0..999, ᾱ the part of
the signal power left at t, σ = sqrt((1−ᾱ)/ᾱ) the noise per signal. Euler's x is scaled up by noise
("exploding": x = x0 + σ·ε), DDIM's and LCM's keep their variance (x = √ᾱ·x0 + √(1−ᾱ)·ε).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from livebend.core.errors import UnknownName

Prediction = Literal["epsilon", "v_prediction", "sample"]
Betas = Literal["scaled_linear", "linear"]
OwnSampler = Literal["euler", "ddim", "lcm"]
Kind = Literal["trailing", "leading", "linspace", "lcm"]

BETA_START, BETA_END = 0.00085, 0.012  # Stable Diffusion's
ALMOST_ZERO = 2.0**-24  # ᾱ of pure noise for Euler, whose σ would be infinite
LAYERS = 50  # the founding paper calls its 50 DDIM steps layers; t = 981 − 20·layer
FIRST_TIME = 981.0


@dataclass(frozen=True, slots=True)
class Spacing:
    """Where the times of n steps lie among the training times.

    trailing: round(1000·k/n) − 1 for k = n … 1.
    leading: k·(1000 // n) + 1 for k = n − 1 … 0.
    linspace: n times from 999 to 0, which need not be whole.
    lcm: n of the `origin` times 1000/origin·k − 1 that a consistency model was distilled on.

    Source: Lin et al. 2023, table 2; Luo et al. 2023, section 4.3.
    """

    kind: Kind
    origin: int = 50


USUAL = {"euler": Spacing("trailing"), "ddim": Spacing("leading"), "lcm": Spacing("lcm")}


@dataclass(frozen=True, slots=True)
class Noising:
    """The training-time noise schedule of a model, from its scheduler_config.json.

    zero_snr: at the last time nothing of the signal is left.
    final_one: ᾱ after DDIM's last step is 1 instead of ᾱ_0.
    sampler, spacing: the model's own; another sampler has its usual times.
    """

    beta_start: float = BETA_START
    beta_end: float = BETA_END
    steps: int = 1000
    prediction: Prediction = "epsilon"
    betas: Betas = "scaled_linear"
    zero_snr: bool = False
    final_one: bool = False
    sampler: OwnSampler = "euler"
    spacing: Spacing = USUAL["euler"]

    def alphas(self) -> Tensor:
        """ᾱ_t for every t, float32 [steps]. Source: Rombach et al. 2022, "scaled linear" betas; Ho
        et al. 2020, linear ones."""
        if self.betas == "linear":
            betas = torch.linspace(self.beta_start, self.beta_end, self.steps)
        else:
            betas = torch.linspace(self.beta_start**0.5, self.beta_end**0.5, self.steps) ** 2
        return torch.cumprod(1.0 - (without_signal(betas) if self.zero_snr else betas), 0)

    def spaced(self, sampler: str) -> Spacing:
        """The spacing of a sampler's times. Raises: UnknownName."""
        if sampler not in USUAL:
            raise UnknownName("sampler", sampler, USUAL)
        return self.spacing if sampler == self.sampler else USUAL[sampler]


def without_signal(betas: Tensor) -> Tensor:
    """Return betas [steps] whose √ᾱ is shifted to 0 at the last time and scaled back to its first
    value. Source: Lin et al. 2023, algorithm 1."""
    root = torch.cumprod(1.0 - betas, 0).sqrt()
    first, last = root[0].clone(), root[-1].clone()
    abar = ((root - last) * (first / (first - last))) ** 2
    return 1.0 - torch.cat([abar[:1], abar[1:] / abar[:-1]])


@dataclass(frozen=True, slots=True)
class Schedule:
    """The boundaries of a sampler's steps: boundary k is before network call k, the last one after
    all calls. `t`, `sigma` and `abar` (ᾱ) have one entry per boundary; t of the last is 0.
    """

    sampler: str
    t: tuple[float, ...]
    sigma: tuple[float, ...]
    abar: tuple[float, ...]
    start: float  # what noise of deviation 1 is multiplied by, to begin with

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

    The times are `noising.spaced(sampler)`, as diffusers has them. Raises: UnknownName.
    """
    spacing = noising.spaced(sampler)
    t = _times(spacing, calls)
    t = t if sampler == "euler" else [float(round(v)) for v in t]
    t += [v for v in (_time_of(d) for d in depths) if v is not None and _is_new(v, t)]
    t.sort(reverse=True)
    alphas = noising.alphas()
    if noising.zero_snr and sampler == "euler":
        alphas[-1] = ALMOST_ZERO
    sigmas = ((1 - alphas) / alphas).sqrt().numpy()
    grid = np.arange(len(sigmas))
    sigma = [float(np.float32(np.interp(v, grid, sigmas))) for v in t]
    abar = [_abar(v, s, alphas) for v, s in zip(t, sigma, strict=True)]
    whole = sampler == "euler" or noising.final_one
    end = (0.0, 1.0) if whole else (float(sigmas[0]), float(alphas[0]))
    start = _start(sigma[0], spacing) if sampler == "euler" else 1.0
    return Schedule(sampler, (*t, 0.0), (*sigma, end[0]), (*abar, end[1]), start)


def _start(sigma: float, spacing: Spacing) -> float:
    """σ, where the first time is the noise itself; √(σ² + 1) where a part of a signal is left."""
    return float((torch.tensor(sigma) ** 2 + 1) ** 0.5) if spacing.kind == "leading" else sigma


def _abar(t: float, sigma: float, alphas: Tensor) -> float:
    return float(alphas[int(t)]) if t.is_integer() else 1.0 / (1.0 + sigma**2)


def _times(spacing: Spacing, n: int) -> list[float]:
    """The training times of n steps, falling."""
    made: NDArray[Any]
    if spacing.kind == "trailing":
        made = np.arange(1000, 0, -1000 / n).round() - 1
    elif spacing.kind == "leading":
        made = (np.arange(n) * (1000 // n))[::-1] + 1
    elif spacing.kind == "linspace":
        made = np.linspace(0, 999, n, dtype=np.float32)[::-1]
    else:
        origin = (np.arange(1, spacing.origin + 1) * (1000 // spacing.origin) - 1)[::-1]
        made = origin[np.floor(np.linspace(0, len(origin), n, endpoint=False)).astype(int)]
    return [float(t) for t in made]


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
    return (x - _clean(x, output, s, out, skip, prediction)).div_(s).mul_(step).add_(x)


def _clean(
    x: Tensor, output: Tensor, s: Tensor, out: Tensor, skip: Tensor, prediction: Prediction
) -> Tensor:
    if prediction == "sample":
        return output
    return x - s * output if prediction == "epsilon" else output * out + x / skip


@lru_cache(maxsize=1024)
def _euler(sigma: float, sigma_next: float, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """σ, σ' − σ, and for a v-prediction −σ/√(σ² + 1) and σ² + 1, as diffusers computes them."""
    s, after = (torch.tensor(value, dtype=dtype) for value in (sigma, sigma_next))
    return s, after - s, -s / (s**2 + 1) ** 0.5, s**2 + 1


def ddim_step(
    x: Tensor,
    output: Tensor,
    abar: Tensor,
    abar_next: Tensor,
    prediction: Prediction,
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
    if prediction == "sample":
        return output, (x - a * output) / s
    return a * x - s * output, a * output + s * x
