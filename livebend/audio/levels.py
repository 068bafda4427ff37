"""Loudness, whole and by band, and spectral flux on a scale of 0..1."""

import math
from typing import NamedTuple

ENVELOPE = 0.015  # s, time constant of the levels


class LevelsNow(NamedTuple):
    """Root mean squares; low² + mid² + high² = rms², nearly. A full-scale sine has 0.707."""

    rms: float
    low: float
    mid: float
    high: float


class Levels:
    """Envelopes of the mean square, one pole of 15 ms, of the sound and of its three bands."""

    def __init__(self, dt: float) -> None:
        self._keep = math.exp(-dt / ENVELOPE)
        self._squares = [0.0] * 4

    def step(self, power: float, low: float, mid: float, high: float) -> LevelsNow:
        """Return the levels after a hop of mean square `power`, with those of its bands."""
        pairs = zip((power, low, mid, high), self._squares, strict=True)
        self._squares = [new + self._keep * (old - new) for new, old in pairs]
        return LevelsNow(*map(math.sqrt, self._squares))


class FluxScale:
    """Flux between the quiet and the loud of the last seconds: 0..1, from the past alone.

    The loud end rises in 50 ms and falls in 8 s, so that an accent comes near 1 and one click does
    not hide what follows; the quiet end falls at once and rises in 2 s, so that steady noise comes
    near 0. The result is held with a release of 80 ms, so that a frame misses no peak between hops.
    """

    RISE, FALL, LIFT, RELEASE = 0.05, 8.0, 2.0, 0.08  # s
    LEAST = 1.0  # smallest span, in aubio's unit: a steady sine has 0.04, noise 780

    def __init__(self, dt: float) -> None:
        self._rise, self._fall, self._lift, self._release = (
            math.exp(-dt / tau) for tau in (self.RISE, self.FALL, self.LIFT, self.RELEASE)
        )
        self._loud = self._quiet = self._held = 0.0

    def step(self, flux: float, silent: bool) -> float:
        """Return the flux between the two ends, as 0..1."""
        keep = self._rise if flux > self._loud else self._fall
        self._loud = flux + keep * (self._loud - flux)
        self._quiet = min(flux, flux + self._lift * (self._quiet - flux))
        position = (flux - self._quiet) / max(self._loud - self._quiet, self.LEAST)
        position = 0.0 if silent else min(max(position, 0.0), 1.0)
        self._held = max(position, self._held * self._release)
        return self._held
