"""The beat of a tempo that a hand has given, in place of the one that is heard."""

import math

from livebend.flow import Features
from livebend.modulation.phase import Phase
from livebend.scene.copy import altered
from livebend.scene.values import Tempo


class TappedBeat:
    """Counts the beats of a given tempo. Owned by the render thread.

    Every tap is a beat: it moves the nearest one to the moment of the frame that takes the tap.
    """

    def __init__(self) -> None:
        self._phase = Phase()
        self._ahead = 0.0  # beats
        self._taps = 0

    def step(self, tempo: Tempo, features: Features, time: float, dt: float) -> Features:
        """Return the features at `time` with this tempo's beat; as they are where it is 0."""
        gone = self._phase.step(tempo.bpm / 60.0, time, dt) + self._ahead
        if tempo.taps != self._taps:
            self._taps = tempo.taps
            self._ahead += round(gone) - gone
            gone = float(round(gone))
        if tempo.bpm == 0.0:
            return features
        count = math.floor(gone + 1e-9)
        phase = min(max(gone - count, 0.0), 1.0)
        return altered(features, {"bpm": tempo.bpm, "beat_count": count, "beat_phase": phase})
