"""Where the beat is at a moment, for what is to happen with one that comes."""

from typing import NamedTuple

from livebend.flow import Features
from livebend.scene.show_values import Boundary, Tempo


class Beats(NamedTuple):
    """The tempo of a frame, and the features with its beats, bars and phrases.

    time: of the frame, in s on the clock of the show.
    """

    time: float = 0.0
    tempo: Tempo = Tempo()
    features: Features = Features()

    @property
    def bpm(self) -> float:
        """The tempo; 0 = there is none."""
        return self.features.bpm

    def at(self, boundary: Boundary, time: float) -> float:
        """Return how many beats, bars or phrases there will have been at `time`, in s, whole and
        part, if the tempo stays."""
        heard, tempo = self.features, self.tempo
        beats = heard.bpm / 60.0 * (time - self.time)
        if boundary == "phrase":
            of_phrase = tempo.bar * tempo.phrase
            return heard.phrase_count + heard.phrase_phase + beats / of_phrase
        if boundary == "bar":
            return heard.bar_count + heard.bar_phase + beats / tempo.bar
        return heard.beat_count + heard.beat_phase + beats

    @property
    def played(self) -> float:
        """Beats since the first of the phrases, whole and part, at the time of the frame."""
        return (self.features.bar_count + self.features.bar_phase) * self.tempo.bar
