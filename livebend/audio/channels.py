"""From several channels to one loudness and one signal, without losing what is out of phase."""

import numpy as np

from livebend.flow import Samples

EVERY = 4  # hops, of which one is looked at for the signs
MEMORY = 0.7  # of the covariance, kept from look to look
OPPOSED, ALIKE = -0.5, -0.2  # correlation below, above which a channel is turned round, and back
GLIDE = 0.25  # of a weight, per hop: a jump would be heard as an onset


def shared(channels: int) -> float:
    """Return how many channels count as one: of two, the mean power is that of one alone, and all
    others add to it, as loudspeakers do. So 5.1 and one side of stereo are as loud as they sound.
    """
    return float(min(channels, 2))


class Mixdown:
    """Adds channels up to one signal, those turned round that would cancel.

    A mono sound on both sides is itself: the mean, as in the founding paper.
    """

    def __init__(self) -> None:
        self._covariance = np.zeros((1, 1), np.float32)
        self._weights = self._wanted = np.ones(1, np.float32)
        self._hops = 0

    def step(self, block: Samples) -> tuple[Samples, float]:
        """Return a hop [channels, n] as one signal [n], and its mean square."""
        channels, count = block.shape
        if channels == 1:
            return block[0], float(block[0].dot(block[0])) / count
        power = float(np.vdot(block, block)) / count / shared(channels)
        if len(self._weights) != channels:
            self._begin(channels)
        if self._hops % EVERY == 0:
            self._covariance = MEMORY * self._covariance + block @ block.T
            self._wanted = self._signs()
        self._hops += 1
        if self._weights is self._wanted:
            mixed: Samples = self._weights @ block
        else:
            mixed = self._glide(block)
        mixed *= np.float32(1.0 / shared(channels))
        return mixed, power

    def _begin(self, channels: int) -> None:
        self._covariance = np.zeros((channels, channels), np.float32)
        self._weights = self._wanted = np.ones(channels, np.float32)
        self._hops = 0

    def _signs(self) -> Samples:
        """Return 1 or −1 for every channel, by its correlation with the loudest."""
        powers = np.diag(self._covariance)
        loudest = int(powers.argmax())
        scale = np.sqrt(powers * powers[loudest])
        alike = self._covariance[loudest] / np.maximum(scale, np.finfo(np.float32).tiny)
        current = self._wanted * self._wanted[loudest]
        signs = np.where(alike < OPPOSED, -1.0, np.where(alike > ALIKE, 1.0, current))
        signs *= self._wanted[loudest]
        return self._wanted if np.array_equal(signs, self._wanted) else signs.astype(np.float32)

    def _glide(self, block: Samples) -> Samples:
        before, gap = self._weights, self._wanted - self._weights
        near = np.abs(gap).max() <= GLIDE
        self._weights = self._wanted if near else before + gap.clip(-GLIDE, GLIDE)
        ramp = np.linspace(0.0, 1.0, block.shape[1], dtype=np.float32)
        weights = before[:, None] + (self._weights - before)[:, None] * ramp
        mixed: Samples = (weights * block).sum(axis=0)
        return mixed
