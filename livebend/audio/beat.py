"""A continuous phase within the beat, from the moments at which beats are detected."""

import math
from typing import NamedTuple


class BeatNow(NamedTuple):
    """Beats a minute (0 = not known), beats so far, and the phase within the beat, 0..1."""

    bpm: float
    beats: int
    phase: float


class BeatPhase:
    """A position in beats that only moves forward, pulled towards the detected beats.

    It runs on through a break of the drums, and stops after 2 s of silence or 10 s without a beat.
    """

    PULL = 0.35  # of its error, corrected at each beat
    SILENCE, PATIENCE = 2.0, 10.0  # s

    def __init__(self, dt: float) -> None:
        self._dt = dt
        self._position = 0.0
        self._bpm = 0.0
        self._since_sound = self._since_beat = math.inf

    def step(self, beat: bool, bpm: float, silent: bool) -> BeatNow:
        """Move on by one hop; `beat` = one was detected in it, at the tempo `bpm`."""
        self._since_sound = self._since_sound + self._dt if silent else 0.0
        self._since_beat += self._dt
        if self._since_sound > self.SILENCE or self._since_beat > self.PATIENCE:
            self._bpm = 0.0
        self._position += self._bpm / 60 * self._dt
        if beat and bpm > 0 and self._since_sound <= self.SILENCE:
            self._pull(bpm)
        beats = math.floor(self._position)
        return BeatNow(self._bpm, beats, self._position - beats)

    def _pull(self, bpm: float) -> None:
        """Pull the position towards the nearest whole beat, never back over one."""
        nearest = round(self._position)
        if self._bpm == 0.0:
            self._position = float(math.ceil(self._position))
        elif nearest > self._position:
            self._position += self.PULL * (nearest - self._position)
        else:
            self._position = max(nearest, self._position + self.PULL * (nearest - self._position))
        self._bpm, self._since_beat = bpm, 0.0
