"""The beat of a tapped tempo, in place of the detected one."""

import math

from livebend.flow import Features
from livebend.modulation.phase import Phase
from livebend.scene.copy import altered
from livebend.scene.values import Tempo


class TappedBeat:
    """Counts the beats of a tempo. Owned by the render thread.

    A tap is a beat: it shifts the nearest beat to the time of the frame that receives it.
    """

    def __init__(self) -> None:
        self._phase = Phase()
        self._offset = 0.0  # beats, from taps
        self._taps = 0

    def apply(self, tempo: Tempo, features: Features, time: float, dt: float) -> Features:
        """Return the features of a frame with this tempo's beat; unchanged where its bpm is 0.

        time: s, on the clock of the show.
        dt: s, since the last frame.
        """
        beats = self._phase.advance(tempo.bpm / 60.0, time, dt) + self._offset
        if tempo.taps != self._taps:
            self._taps = tempo.taps
            self._offset += round(beats) - beats
            beats = float(round(beats))
        if tempo.bpm == 0.0:
            return features
        count = math.floor(beats + 1e-9)
        phase = min(max(beats - count, 0.0), 1.0)
        return altered(features, {"bpm": tempo.bpm, "beat_count": count, "beat_phase": phase})
