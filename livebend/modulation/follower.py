"""Attack and release in seconds, the same at every frame rate."""

import math


def followed(value: float, target: float, dt: float, attack: float, release: float) -> float:
    """Return y after dt: y' = x + a (y − x), a = exp(−dt/τ), y = `value`, x = `target`.

    dt: s; two steps of dt/2 equal one of dt.
    attack, release: τ upwards and downwards, s; 0 jumps.
    """
    tau = attack if target > value else release
    keep = math.exp(-dt / tau) if tau > 0 else 0.0
    return target + keep * (value - target)
