"""Schedules that begin part of the way, at a picture: image to image, as diffusers calls it.

    strength s of n steps = the last s·n of them

Where s·n is whole, that is what diffusers' pipeline takes. It rounds others down, so that a model
of one step would know strength 1 alone. Here the first of the steps then begins between two
boundaries, as far from the one as from the other: strength is a fader without steps, for a model of
one step as well. Source: Meng et al. 2022 (SDEdit), algorithm 1.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from livebend.models.sampler import (
    Noising,
    Schedule,
    Stop,
    alphas_of,
    planned,
    schedule,
    sigmas_of,
)

ROUNDING = 1e-9  # of s·n, up to which it is whole


@lru_cache(maxsize=256)
def begun(
    sampler: str, calls: int, noising: Noising, depths: tuple[float, ...], strength: float
) -> Schedule:
    """Return the end of `sampler.schedule` that repaints a picture with `strength`, 0..1.

    At 1 that is all of it, at 0 no network call at all. Raises: UnknownName.
    """
    whole = schedule(sampler, calls, noising, depths)
    passed = calls - calls * strength  # steps that are left out
    if abs(passed - round(passed)) < ROUNDING:
        passed = float(round(passed))
    if passed <= 0.0:
        return whole
    plain = schedule(sampler, calls, noising)
    k = int(passed)
    if sampler == "pndm" and k == passed < calls and whole == plain:
        return _rest_of_pndm(whole, k)
    *inner, end = _stops(whole)
    if passed >= calls:
        return planned(sampler, [end], whole.start, few=whole.few)
    first = _between(plain, k, passed - k, noising)
    later = [stop for stop in inner if stop[0] < first[0]]
    return planned(sampler, [first, *later, end], whole.start, few=whole.few)


def _stops(plan: Schedule) -> list[Stop]:
    """The boundaries of a schedule, each once."""
    stops = list(zip(plan.t, plan.sigma, plan.abar, strict=True))
    return [*stops[:2], *stops[3:]] if plan.sampler == "pndm" and plan.calls > 1 else stops


def _between(plan: Schedule, k: int, w: float, noising: Noising) -> Stop:
    """The boundary k or, for w above 0, a point as far (0..1) on the way to the next."""
    t, after = plan.t[k : k + 2]
    if w == 0.0 or t == after:
        return t, plan.sigma[k], plan.abar[k]
    t += w * (after - t)
    sigmas = sigmas_of(alphas_of(noising, "euler"))
    sigma = float(np.float32(np.interp(t, np.arange(len(sigmas)), sigmas)))
    return t, sigma, 1.0 / (1.0 + sigma**2)


def _rest_of_pndm(plan: Schedule, k: int) -> Schedule:
    """PNDM's schedule from entry k of its times on, as diffusers takes it.

    Its second call goes over the step of the first once more, wherever it begins. Of the second
    time, which is there twice, the latter alone is left from k = 2 on: x is then one step less far
    than the calls after the second take it to be.
    """
    ends = [abar for _, _, abar in _stops(plan)]
    spans = []
    for call in range(plan.calls - k):
        at = max(k + call - 1, min(k + call, 1))  # of the boundaries, each once
        begin = at - 1 if call == 1 else at
        spans.append((ends[begin], ends[begin + 1]))
    t, sigma, abar = plan.t[k:], plan.sigma[k:], plan.abar[k:]
    return replace(plan, t=t, sigma=sigma, abar=abar, spans=tuple(spans))
