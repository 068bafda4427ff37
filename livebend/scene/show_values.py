"""What belongs to the show and not to a preset: its tempo, how presets come, and the crossfader."""

from dataclasses import dataclass
from typing import Annotated, Literal

from livebend.core.ranges import Range, Unit

TimeUnit = Literal["seconds", "beats", "bars"]
Boundary = Literal["off", "beat", "bar", "phrase"]
USUAL_BPM = 120.0  # where a time is given in beats and there is no tempo


@dataclass(frozen=True, slots=True)
class Tempo:
    """The tempo, where it comes from, and how its beats make bars; loading a preset keeps it.

    `source`: auto = Ableton Link where there are peers, else a MIDI clock, else what is tapped or
    set, else what is heard.
    """

    bpm: Annotated[float, Range(0, 300, "bpm", soft=(0, 180)), "0 = the detected tempo"] = 0.0
    taps: Annotated[
        int, Range(0, 2**32 - 1, whole=True, soft=(0, 1)), "a change of it taps a beat"
    ] = 0
    beat_at: Annotated[
        float, Range(-1e7, 1e7, "s", soft=(0, 600)),
        "a moment of the show with the first beat of a phrase, where bpm is set",
    ] = 0.0  # fmt: skip
    resyncs: Annotated[
        int, Range(0, 2**32 - 1, whole=True, soft=(0, 1)),
        "a change of it makes the nearest beat the first of a phrase",
    ] = 0  # fmt: skip
    bar: Annotated[int, Range(1, 16, "beats", whole=True), "length of a bar"] = 4
    phrase: Annotated[int, Range(1, 64, "bars", whole=True, soft=(1, 16)), "its length"] = 8
    factor: Annotated[
        float, Range(0.125, 8, curve="log", soft=(0.25, 4)), "of the tempo: 0.5 = half, 2 = double"
    ] = 1.0
    shift: Annotated[float, Range(-4, 4, "beats", soft=(-0.5, 0.5)), "nudges every beat"] = 0.0
    source: Annotated[
        Literal["auto", "link", "midi", "tap", "heard"], "where the tempo comes from"
    ] = "auto"


@dataclass(frozen=True, slots=True)
class Recall:
    """How a preset is loaded."""

    fade: Annotated[
        float, Range(0, 600, soft=(0, 30)), "time to cross from one preset to the next; 0 = at once"
    ] = 0.0
    unit: Annotated[
        TimeUnit, "what the fade counts; beats and bars of the tempo when a crossing begins"
    ] = "seconds"
    quantise: Annotated[
        Boundary, "what a recall waits for: the next beat, the first of a bar, or of a phrase"
    ] = "off"


@dataclass(frozen=True, slots=True)
class Crossfade:
    """Where the crossfader stands between the two sides."""

    position: Annotated[
        Unit, "0 = one side alone, 1 = the other; edits are of the side that it is nearer to"
    ] = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A load of a scene that crosses over in a time; compared by identity, one for each load."""

    length: float
    unit: TimeUnit = "seconds"

    def seconds(self, bpm: float, bar: int) -> float:
        """Return the time in s, at a tempo (0 = none: USUAL_BPM) whose bars have `bar` beats."""
        if self.unit == "seconds":
            return self.length
        beats = self.length * (bar if self.unit == "bars" else 1)
        return beats * 60.0 / (bpm or USUAL_BPM)
