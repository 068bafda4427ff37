"""Beats, bars and phrases: of the tempo that is heard, or of one that is set in its place."""

import math
from dataclasses import dataclass, field

from livebend.flow import Features
from livebend.modulation.phase import Phase
from livebend.scene.copy import altered
from livebend.scene.show_values import Tempo

NEARLY = 1e-9  # beats: rounding must not delay one by a frame


@dataclass(eq=False)
class BandTime:
    """Counts the beats of a show. Owned by the render thread.

    A tap is a beat: it shifts the nearest one to the frame that receives it. A new `beat_at` puts
    the first beat of a phrase there. A resync makes the nearest beat the first of a phrase.
    """

    _phase: Phase = field(default_factory=Phase)
    _offset: float = 0.0  # beats, from taps and `beat_at`
    _taps: int = 0
    _resyncs: int = 0
    _beat_at: float = 0.0
    _first: int = 0  # the beat that was last made the first of a phrase

    def apply(self, tempo: Tempo, features: Features, time: float, dt: float) -> Features:
        """Return the features of a frame with their beat, bar and phrase.

        time: s, on the clock of the show.
        dt: s, since the last frame.
        """
        beats = self._set_beats(tempo, time, dt)
        is_set = tempo.bpm > 0.0 and tempo.source != "heard"
        if not is_set:
            beats = features.beat_count + features.beat_phase
        beats = beats * tempo.factor + tempo.shift
        if tempo.resyncs != self._resyncs:
            self._resyncs, self._first = tempo.resyncs, round(beats)
        of_bar, of_phrase = tempo.bar, tempo.bar * tempo.phrase
        since = beats - self._first
        changed: dict[str, float] = {
            "bar_count": math.floor((since + NEARLY) / of_bar),
            "bar_phase": (since + NEARLY) % of_bar / of_bar,
            "phrase_count": math.floor((since + NEARLY) / of_phrase),
            "phrase_phase": (since + NEARLY) % of_phrase / of_phrase,
        }
        if is_set or tempo.factor != 1.0 or tempo.shift:  # else they are what is heard
            count = math.floor(beats + NEARLY)
            phase = min(max(beats - count, 0.0), 1.0)
            bpm = (tempo.bpm if is_set else features.bpm) * tempo.factor
            changed |= {"bpm": bpm, "beat_count": count, "beat_phase": phase}
        return altered(features, changed)

    def _set_beats(self, tempo: Tempo, time: float, dt: float) -> float:
        """The beats of the tempo that is set, whole and part; followed also while another leads."""
        rate = tempo.bpm / 60.0
        beats = self._phase.advance(rate, time, dt) + self._offset
        if tempo.beat_at != self._beat_at:
            self._beat_at, self._taps = tempo.beat_at, tempo.taps
            phrase = tempo.bar * tempo.phrase
            wanted = (time - tempo.beat_at) * rate
            wanted += phrase * round((beats - wanted) / phrase)  # the count goes on
            self._offset += wanted - beats
            self._first = 0
            beats = wanted
        if tempo.taps != self._taps:
            self._taps = tempo.taps
            self._offset += round(beats) - beats
            beats = float(round(beats))
        return beats
