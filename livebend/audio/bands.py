"""The bands of the spectrum that the features listen to, and the drums in them."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from livebend.audio.sound import RATE
from livebend.audio.spectrum import band
from livebend.flow import Samples

SPLITS = (200.0, 2000.0)  # Hz, between low, mid and high
KICK, BODY, RATTLE, HAT = (30.0, 130.0), (130.0, 400.0), (1500.0, 6000.0), (7000.0, 16_000.0)  # Hz
REST = (400.0, 1500.0)
ATTACK = 0.023  # s: a window's length, over which an attack rises
PAUSE = 0.09  # s after a hit in which there is no other
MEMORY = 6.0  # s, in which the strength of past hits fades
AVERAGE = 0.5  # s, of the amplitude that a hit stands out from
FRACTION = 0.45  # of the strength of past hits that the next must reach
GROWTH, ABOVE = 1.6, 1.5  # times the amplitude just before, and the average one
FAINTEST = 3e-3  # amplitude, -50 dB
DEEP, PRESENT = 1.0, 0.2  # of the amplitude of the body, and of everything, that a kick must reach
RATTLING = 0.05  # of the kick's amplitude that a snare's rattle must reach
FULL = 1.2  # times its amplitude just before, to which a snare's body grows
LASTING, LEFT = 0.024, 0.6  # s after which so much of a rattle is left; a kick's click is over


class BandsNow(NamedTuple):
    """Mean squares of a hop: three that add up to the whole, and those of the drums."""

    low: float
    mid: float
    high: float
    kick: float
    body: float
    rest: float
    rattle: float
    hat: float


class Bands:
    """Adds up the bins of each band."""

    def __init__(self) -> None:
        edges = (0.0, *SPLITS, RATE)
        spans = (*pairwise(edges), KICK, BODY, REST, RATTLE, HAT)
        self._weights = np.stack([band(*span) for span in spans])

    def step(self, power: Samples) -> BandsNow:
        """Return the bands of a spectrum's power [bins]."""
        return BandsNow(*self._weights.dot(power).tolist())


class Hits:
    """Counts sudden rises of an amplitude, measured by those of the last seconds.

    lasting: s, after which LEFT of the amplitude must still be there; a hit is counted then.
    """

    def __init__(self, dt: float, lasting: float = 0.0) -> None:
        self._pause, self._lasting = round(PAUSE / dt), round(lasting / dt)
        self._fade, self._keep = math.exp(-dt / MEMORY), math.exp(-dt / AVERAGE)
        self._past = [0.0] * max(1, round(ATTACK / dt))
        self._strength = self._average = self._peak = 0.0
        self._since = self._pause  # hops since the last hit began
        self._is_open = False  # whether that is not counted yet
        self._place = 0
        self.count = 0
        self.growth = 0.0  # times the amplitude just before

    def step(self, amplitude: float, counts: bool = True) -> None:
        """Hear the next hop; `counts` = a hit may begin."""
        before = self._past[self._place]
        self._past[self._place] = amplitude
        self._place = (self._place + 1) % len(self._past)
        self._average = amplitude + self._keep * (self._average - amplitude)
        self._strength *= self._fade
        self._since += 1
        self.growth = amplitude / max(before, FAINTEST)
        rise = amplitude - before
        if self.growth >= GROWTH and rise >= FRACTION * self._strength:
            if counts and self._since >= self._pause and amplitude > ABOVE * self._average:
                self._since, self._is_open, self._peak = 0, True, 0.0
            if self._since < self._pause:  # its peak comes a few hops later
                self._strength = max(self._strength, rise)
        self._count(amplitude)

    def _count(self, amplitude: float) -> None:
        self._peak = max(self._peak, amplitude)
        if self._is_open and self._since >= self._lasting:
            self._is_open = False
            self.count += amplitude >= LEFT * self._peak


class Drums:
    """Kick, snare and hat, by where their sound is: hits below 130 Hz that are stronger there than
    above; hits of a rattle from 1.5 to 6 kHz that lasts, with a body below 400 Hz; hits above
    7 kHz."""

    def __init__(self, dt: float) -> None:
        self._kick, self._body, self._hat = Hits(dt), Hits(dt), Hits(dt)
        self._snare = Hits(dt, LASTING)

    def step(self, bands: BandsNow) -> tuple[int, int, int]:
        """Return how many hits of kick, snare and hat there have been."""
        kick, body, rattle, hat = map(math.sqrt, (bands.kick, bands.body, bands.rattle, bands.hat))
        self._body.step(body)
        whole = math.sqrt(bands.low + bands.mid + bands.high)
        self._kick.step(kick, kick > max(DEEP * body, PRESENT * whole))
        self._snare.step(rattle, self._body.growth > FULL and rattle > RATTLING * kick)
        self._hat.step(hat)
        return self._kick.count, self._snare.count, self._hat.count
