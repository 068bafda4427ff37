"""Samplers: how noise becomes a picture in a few calls of the network.

Each is one short function in its paper's symbols. t is the training time 0..999, ᾱ the part of
the signal power left at t, σ = sqrt((1−ᾱ)/ᾱ) the noise per signal. Euler's x is scaled up by noise
("exploding": x = x0 + σ·ε), that of all others keeps its variance (x = √ᾱ·x0 + √(1−ᾱ)·ε).

PNDM and DPM++ read what the network made in earlier calls of the same picture. Nothing goes on from
picture to picture, so each is a function of its inputs like the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from livebend.core.errors import UnknownName

Prediction = Literal["epsilon", "v_prediction", "sample"]
Betas = Literal["scaled_linear", "linear"]
OwnSampler = Literal["euler", "ddim", "lcm", "pndm", "dpm++"]
Kind = Literal["trailing", "leading", "linspace", "lcm"]

BETA_START, BETA_END = 0.00085, 0.012  # Stable Diffusion's
ALMOST_ZERO = 2.0**-24  # ᾱ of pure noise for Euler, whose σ would be infinite
FEW = 15  # steps of DPM++ below which the last is of the first order
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


USUAL = {
    "euler": Spacing("trailing"), "ddim": Spacing("leading"), "lcm": Spacing("lcm"),
    "pndm": Spacing("leading"), "dpm++": Spacing("trailing"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noising:
    """The training-time noise schedule of a model, from its scheduler_config.json.

    zero_snr: at the last time nothing of the signal is left.
    final_one: ᾱ after the last step of DDIM, PNDM and DPM++ is 1 instead of ᾱ_0.
    karras: the steps of DPM++ are even in σ^(1/7) instead. Source: Karras et al. 2022, equation 5.
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
    karras: bool = False

    def alphas(self) -> Tensor:
        """ᾱ_t for every t, float32 [steps]. Source: Rombach et al. 2022, "scaled linear" betas; Ho
        et al. 2020, linear ones."""
        if self.betas == "linear":
            betas = torch.linspace(self.beta_start, self.beta_end, self.steps)
        else:
            betas = torch.linspace(self.beta_start**0.5, self.beta_end**0.5, self.steps) ** 2
        return torch.cumprod(1.0 - (withoutsignal(betas) if self.zero_snr else betas), 0)

    def spaced(self, sampler: str) -> Spacing:
        """The spacing of a sampler's times. Raises: UnknownName."""
        if sampler not in USUAL:
            raise UnknownName("sampler", sampler, USUAL)
        return self.spacing if sampler == self.sampler else USUAL[sampler]


def withoutsignal(betas: Tensor) -> Tensor:
    """Return betas [steps] whose √ᾱ is shifted to 0 at the last time and scaled back to its first
    value. Source: Lin et al. 2023, algorithm 1."""
    root = torch.cumprod(1.0 - betas, 0).sqrt()
    first, last = root[0].clone(), root[-1].clone()
    abar = ((root - last) * (first / (first - last))) ** 2
    return 1.0 - torch.cat([abar[:1], abar[1:] / abar[:-1]])


Stop = tuple[float, float, float]  # a boundary's t, σ and ᾱ


@dataclass(frozen=True, slots=True)
class Schedule:
    """The boundaries of a sampler's steps: boundary k is before network call k, the last one after
    all calls. `t`, `sigma` and `abar` (ᾱ) have one entry per boundary; t of the last is 0.

    few: whether the whole way from noise has few steps: see FEW.
    spans: of PNDM, the ᾱ that each call goes from, and to.
    """

    sampler: str
    t: tuple[float, ...]
    sigma: tuple[float, ...]
    abar: tuple[float, ...]
    start: float  # what noise of deviation 1 is multiplied by, to begin with
    few: bool = True
    spans: tuple[tuple[float, float], ...] = ()

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
        return self._last(distance.index(min(distance)))

    def _last(self, k: int) -> int:
        """The last boundary at the time of boundary k: PNDM calls the network twice at one, and
        goes on from the second."""
        return max(other for other, t in enumerate(self.t) if other >= k and t == self.t[k])

    def neighbours(self, depth: float) -> tuple[tuple[int, float], ...]:
        """The boundaries before and after depth 0..1 on the layer axis, each with its weight.

        w = (after − L)/(after − before) for the one before; an exact hit has weight 1.
        """
        layer, layers = depth * LAYERS, self.layers
        if layer <= layers[0]:
            return ((0, 1.0),)
        k = next(i for i, after in enumerate(layers) if after >= layer)
        w = (layers[k] - layer) / (layers[k] - layers[k - 1])
        after = self._last(k)
        return ((after, 1.0),) if w == 0.0 else ((k - 1, w), (after, 1.0 - w))


@lru_cache(maxsize=256)
def schedule(
    sampler: str, calls: int, noising: Noising, depths: tuple[float, ...] = ()
) -> Schedule:
    """Return the boundaries for `calls` network calls, with one more inserted at each of `depths`.

    The times are `noising.spaced(sampler)`, as diffusers has them. Raises: UnknownName.
    """
    spacing = noising.spaced(sampler)
    alphas = alphas_of(noising, sampler)
    sigmas = sigmas_of(alphas)
    grid = np.arange(len(sigmas))
    if noising.karras and sampler == noising.sampler:
        given = _karras(sigmas, calls)
    else:
        t = _times(spacing, calls) if sampler != "dpm++" else _times_of_dpm(spacing, calls)
        t = t if sampler == "euler" else [float(round(v)) for v in t]
        given = [(v, float(np.interp(v, grid, sigmas))) for v in t]
    inserted = (v for v in map(_time_of, depths) if v is not None)
    given += [(v, float(np.interp(v, grid, sigmas))) for v in inserted if _is_new(v, given)]
    given.sort(key=lambda pair: -pair[0])
    whole = sampler == "euler" or noising.final_one
    end = (0.0, 0.0, 1.0) if whole else (0.0, float(sigmas[0]), float(alphas[0]))
    stops = [(v, float(np.float32(s)), _abar(v, s, alphas)) for v, s in given]
    start = _start(stops[0][1], spacing) if sampler == "euler" else 1.0
    return planned(sampler, [*stops, end], start, few=len(stops) < FEW)


def planned(sampler: str, stops: Sequence[Stop], start: float, *, few: bool) -> Schedule:
    """Return the schedule that goes through stops; PNDM calls the network twice at the second."""
    ends = [abar for _, _, abar in stops]
    spans: tuple[tuple[float, float], ...] = ()
    if sampler == "pndm":
        spans = (*pairwise(ends[:2]), *pairwise(ends))
        stops = [*stops[:2], *stops[1:]] if len(stops) > 2 else stops
    t, sigma, abar = zip(*stops, strict=True)
    return Schedule(sampler, t, sigma, abar, start, few, spans)


@lru_cache(maxsize=16)
def alphas_of(noising: Noising, sampler: str) -> Tensor:
    """Return ᾱ at every training time, as a sampler has it, float32 [steps]; not to be changed."""
    alphas = noising.alphas()
    if noising.zero_snr and sampler in ("euler", "dpm++"):
        alphas[-1] = ALMOST_ZERO
    return alphas


def sigmas_of(alphas: Tensor) -> NDArray[Any]:
    """Return σ for ᾱ, float32 [steps]."""
    return ((1 - alphas) / alphas).sqrt().numpy()


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


def _times_of_dpm(spacing: Spacing, n: int) -> list[float]:
    """The training times of n steps of DPM++: of n + 1 without the last, where those would end at
    the picture."""
    if spacing.kind == "linspace":
        return [float(t) for t in np.linspace(0, 999, n + 1).round()[::-1][:-1]]
    if spacing.kind == "leading":
        return [float(t) for t in (np.arange(n + 1) * (1000 // (n + 1)))[::-1][:-1] + 1]
    return _times(spacing, n)


def _karras(sigmas: NDArray[Any], n: int) -> list[tuple[float, float]]:
    """(t, σ) of n steps even in σ^(1/7), the times rounded."""
    first, last = (float(s) ** (1 / 7) for s in (sigmas[-1], sigmas[0]))
    spread = (first + np.linspace(0, 1, n) * (last - first)) ** 7
    times = np.interp(np.log(spread), np.log(sigmas), np.arange(len(sigmas))).round()
    return [(float(t), float(s)) for t, s in zip(times, spread, strict=True)]


def _time_of(depth: float) -> float | None:
    """The training time of a depth strictly between noise and picture, else None."""
    t = FIRST_TIME - 1000.0 * depth
    return t if depth > 0.0 and t > 0.0 else None


def _is_new(t: float, given: Sequence[tuple[float, float]]) -> bool:
    return all(abs(t - other) >= 0.5 for other, _ in given)


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


def pndm_step(
    x: Tensor, outputs: Sequence[Tensor], abar: Tensor, abar_next: Tensor, prediction: Prediction
) -> Tensor:
    """x ← √(ᾱ'/ᾱ)·x − (ᾱ' − ᾱ)·e / (ᾱ·√(1−ᾱ') + √(ᾱ·(1−ᾱ)·ᾱ')), with e a mean of the outputs, the
    newest last. Source: Liu et al. 2022, equations 9 and 12."""
    e = multistep(outputs)
    if prediction != "epsilon":
        _, e = _split(x, e, abar, prediction)
    scale = (abar_next / abar) ** 0.5
    below = abar * (1 - abar_next) ** 0.5 + (abar * (1 - abar) * abar_next) ** 0.5
    return scale * x - (abar_next - abar) * e / below


def multistep(e: Sequence[Tensor]) -> Tensor:
    """The mean of outputs, the newest last, by Adams and Bashforth: of up to four."""
    if len(e) == 1:
        return e[0]
    if len(e) == 2:
        return (3 * e[-1] - e[-2]) / 2
    if len(e) == 3:
        return (23 * e[-1] - 16 * e[-2] + 5 * e[-3]) / 12
    return (1 / 24) * (55 * e[-1] - 59 * e[-2] + 37 * e[-3] - 9 * e[-4])


def clean(x: Tensor, output: Tensor, sigma: Tensor, prediction: Prediction) -> Tensor:
    """Return x0 from a variance-preserving x and the network's output for it."""
    a, s = signal(sigma)
    if prediction == "epsilon":
        return (x - s * output) / a
    return output if prediction == "sample" else a * x - s * output


def signal(sigma: Tensor) -> tuple[Tensor, Tensor]:
    """Return √ᾱ and √(1−ᾱ) for noise per signal."""
    a = 1 / ((sigma**2 + 1) ** 0.5)
    return a, sigma * a


def dpm_step(
    x: Tensor, x0: Tensor, before: Tensor | None, sigma: tuple[Tensor, Tensor, Tensor]
) -> Tensor:
    """x ← σ'/σ·x − α'·(e^−h − 1)·(D0 + D1/2), D0 = x0, D1 = (x0 − x0 before)/r.

    sigma: noise per signal before the last call, before this one, and after it.
    before: the x0 of the last call; None for a step of the first order.
    Source: Lu et al. 2022 (DPM-Solver++), algorithm 2.
    """
    (a1, s1), (a0, s0), (a, s) = (signal(value) for value in sigma)
    l1, l0, later = (torch.log(p) - torch.log(q) for p, q in ((a1, s1), (a0, s0), (a, s)))
    h = later - l0
    first = (s / s0) * x - (a * (torch.exp(-h) - 1.0)) * x0
    if before is None:
        return first
    slope = (1.0 / ((l0 - l1) / h)) * (x0 - before)
    return first - 0.5 * (a * (torch.exp(-h) - 1.0)) * slope


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
