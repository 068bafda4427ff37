"""Attack and release in seconds, the same at every frame rate."""

import math


def followed(value: float, target: float, dt: float, attack: float, release: float) -> float:
    """Move `value` towards `target` for `dt` s: y' = x + a (y − x), a = exp(−dt/τ).

    τ is `attack` upwards and `release` downwards, in s; 0 jumps. Two steps of dt/2 equal one of dt.
    """
    tau = attack if target > value else release
    keep = math.exp(-dt / tau) if tau > 0 else 0.0
    return target + keep * (value - target)
