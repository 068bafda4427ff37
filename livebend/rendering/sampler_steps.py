"""A sampler round the network's calls, remembered like everything else. Owned by one thread."""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from livebend.device.memory import Memory, Versioned
from livebend.device.transfer import send
from livebend.models.checkpoint import Model
from livebend.models.sampler import (
    Schedule,
    clean,
    ddim_step,
    dpm_step,
    euler_step,
    lcm_step,
    pndm_step,
    signal,
)

Normal = Callable[[torch.Generator], Tensor]
Calls = list[tuple[Versioned, Versioned]]  # x before each call of a picture, what was made of it


class SamplerSteps:
    """What happens between the noise, the network's calls, and the decoder."""

    def __init__(self, memory: Memory, model: Model, normal: Normal) -> None:
        """`normal` draws latents of the network's size."""
        self._memory, self._model, self._normal = memory, model, normal
        self._scaling = _scalar(model.scaling)

    def enter(
        self, noise: Versioned, plan: Schedule, picture: Versioned | None = None
    ) -> Versioned:
        """Return where a plan begins, for a variance-preserving noise: at the noise, or at the
        latent of a picture with as much of it as the plan begins with."""
        if picture is not None:
            return self._noised(picture, noise, plan)
        if plan.sampler != "euler":
            return noise
        start = plan.start
        scale = _scalar(start)
        return self._memory.derive("sampler", (noise,), (start,), lambda n: n * scale, -1)

    def _noised(self, latent: Versioned, noise: Versioned, plan: Schedule) -> Versioned:
        if not plan.calls:
            return latent
        sampler, sigma, abar = plan.sampler, _scalar(plan.sigma[0]), _scalar(plan.abar[0])

        def noised(z: Tensor, n: Tensor) -> Tensor:
            if sampler == "euler":
                return z + n * sigma
            kept, added = signal(sigma) if sampler == "dpm++" else (abar**0.5, (1 - abar) ** 0.5)
            return kept * z + added * n

        key = (sampler, plan.sigma[0], plan.abar[0])
        return self._memory.derive("sampler", (latent, noise), key, noised, -1)

    def sample(self, x: Versioned, plan: Schedule, k: int, *, twice: bool) -> Versioned:
        """Return what the network reads of x at boundary k; `twice` where it is guided."""
        scale = _spread(plan.sigma[k]) if plan.sampler == "euler" else None
        dtype = self._model.dtype

        def prepared(h: Tensor) -> Tensor:
            h = torch.cat([h, h]) if twice else h
            return (h if scale is None else h / scale).to(dtype)

        return self._memory.derive("sampler.input", (x,), (plan.sigma[k], twice), prepared, k)

    def step(
        self,
        x: Versioned,
        output: Versioned,
        plan: Schedule,
        k: int,
        noise: Versioned,
        guidance: float | None,
        calls: Calls,
    ) -> Versioned:
        """Return x after call k, whose output may be two, to be guided between. `calls` are those
        before it, which a sampler of several steps reads and adds to."""
        if plan.sampler == "pndm":
            return self._pndm(x, output, plan, k, guidance, calls)
        if plan.sampler == "dpm++":
            return self._dpm(x, output, plan, k, guidance, calls)
        key = (plan.sampler, plan.t[k], plan.sigma[k], plan.sigma[k + 1], noise.version, guidance)

        def step(x: Tensor, output: Tensor) -> Tensor:
            return self._stepped(x, _guided(output, guidance), plan, k)

        return self._memory.derive("sampler", (x, output), key, step, k)

    def _pndm(
        self, x: Versioned, output: Versioned, plan: Schedule, k: int, guidance: float | None,
        calls: Calls,
    ) -> Versioned:  # fmt: skip
        """The second call is at the end of the first step, which is then taken again by the mean of
        both; the later ones read up to three before them, without that one."""
        e = self._memory.derive(
            "sampler.output", (output,), (guidance,), lambda h: _guided(h, guidance), k
        )
        calls.append((x, e))
        made = [value for _, value in calls]
        read = made if k < 2 else [made[0], *made[2:]][-4:]
        x = calls[0][0] if k == 1 else x
        abar = plan.spans[k]
        prediction, ends = self._model.noising.prediction, [_scalar(value) for value in abar]

        def step(x: Tensor, *e: Tensor) -> Tensor:
            means = [(e[1] + e[0]) / 2] if k == 1 else e
            return pndm_step(x, means, ends[0], ends[1], prediction)

        return self._memory.derive("sampler", (x, *read), (plan.sampler, k, *abar), step, k)

    def _dpm(
        self, x: Versioned, output: Versioned, plan: Schedule, k: int, guidance: float | None,
        calls: Calls,
    ) -> Versioned:  # fmt: skip
        """Of the second order but for the first step, and the last where steps are few or end at no
        noise."""
        prediction, sigma = self._model.noising.prediction, plan.sigma

        def cleaned(x: Tensor, output: Tensor) -> Tensor:
            return clean(x, _guided(output, guidance), _scalar(sigma[k]), prediction)

        key = (sigma[k], guidance)
        x0 = self._memory.derive("sampler.output", (x, output), key, cleaned, k)
        calls.append((x, x0))
        last = k + 1 == plan.calls and (plan.few or sigma[-1] == 0.0)
        read = (x, x0) if k == 0 or last else (x, x0, calls[-2][1])
        around = sigma[max(k - 1, 0)], sigma[k], sigma[k + 1]
        first, here, after = map(_scalar, around)

        def step(x: Tensor, x0: Tensor, before: Tensor | None = None) -> Tensor:
            return dpm_step(x, x0, before, (first, here, after))

        return self._memory.derive("sampler", read, (plan.sampler, *around), step, k)

    def latent(self, x: Versioned) -> Versioned:
        """Return what the decoder reads of a finished x."""
        scaling, dtype = self._scaling, self._model.dtype
        return self._memory.derive("sampler.out", (x,), (), lambda h: (h / scaling).to(dtype), 0)

    def _stepped(self, x: Tensor, output: Tensor, plan: Schedule, k: int) -> Tensor:
        prediction = self._model.noising.prediction
        if plan.sampler == "euler":
            return euler_step(x, output, plan.sigma[k], plan.sigma[k + 1], prediction)
        abar, abar_next = (_scalar(value) for value in plan.abar[k : k + 2])
        if plan.sampler == "ddim":
            return ddim_step(x, output, abar, abar_next, prediction)
        return lcm_step(
            x,
            output,
            t=plan.t[k],
            abar=abar,
            abar_next=abar_next,
            noise=self._added_noise(x.device, k) if k + 1 < plan.calls else None,
            prediction=prediction,
        )

    def _added_noise(self, device: torch.device, k: int) -> Tensor:
        """The noise that LCM adds after call k: always the same, so that a walk stays smooth."""
        return send(self._normal(torch.Generator().manual_seed(7919 * (k + 1))), device)


def _guided(output: Tensor, guidance: float | None) -> Tensor:
    """ε = ε_u + g·(ε_c − ε_u), float32. Source: Ho and Salimans 2022, equation 6."""
    h = output.float()
    if guidance is None:
        return h
    uncond, cond = h.chunk(2)
    return uncond + guidance * (cond - uncond)


@lru_cache(maxsize=1024)
def _scalar(value: float) -> Tensor:
    """A constant of a schedule in float32, as diffusers has it."""
    return torch.tensor(value)


@lru_cache(maxsize=1024)
def _spread(sigma: float) -> Tensor:
    """sqrt(σ² + 1), by which Euler's x is divided for the network."""
    return (_scalar(sigma) ** 2 + 1) ** 0.5
