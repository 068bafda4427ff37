"""The loop, and the frozen values that travel through it. Read this file first.

    sound ───────► Features ─┐
    controllers ─► Command ──┼─► render ─► Frame ─► outputs
    clock ───────► Tick ─────┘

Live and offline differ only in what is plugged in at the ends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # [H, W, 3] RGB
Samples = NDArray[np.float32]  # [channels, n], or of one channel [n]; full scale is -1..1

S = TypeVar("S")  # what a performer wants; livebend's own is scene.values.Scene
S_contra = TypeVar("S_contra", contravariant=True)


class PaperFeatures(NamedTuple):
    """The founding paper's three features, over exactly one video frame.

    See `audio.paper_features`; the defaults are those of silence.
    """

    rms: float = 0.0
    flux: float = 0.0
    centroid: float = 0.0  # Hz


@dataclass(frozen=True, slots=True)
class Features:
    """The features of the sound at one hop. Levels are 0..1 unless a unit is given.

    Onsets and beats are counters, because a boolean would be lost between frames. The paper's
    features are computed on first read: they cost two thirds as much as all the others together,
    and few scenes use them.
    """

    time: float = 0.0  # s, on the clock of the show, of the last sample heard
    rms: float = 0.0  # loudness envelope before any gain, full scale = 1
    flux: float = 0.0  # spectral flux, adaptively normalised
    flux_raw: float = 0.0  # as aubio reports it
    centroid: float = 0.0  # spectral centroid, Hz
    brightness: float = 0.0  # the centroid on a logarithmic 0..1 scale, 50 Hz .. 10 kHz
    low: float = 0.0  # band levels: below 200 Hz, 200 Hz .. 2 kHz, above
    mid: float = 0.0
    high: float = 0.0
    onset_count: int = 0
    onset_time: float = 0.0  # s, of the last onset; 0 before the first
    kick_count: int = 0  # hits below 130 Hz, as of a bass drum
    snare_count: int = 0
    hat_count: int = 0  # hits above 7 kHz
    bpm: float = 0.0  # 0 = not known yet
    beat_count: int = 0
    beat_phase: float = 0.0  # 0..1 within the beat
    bar_count: int = 0
    bar_phase: float = 0.0
    phrase_count: int = 0
    phrase_phase: float = 0.0
    pitch: float = 0.0  # Hz; 0 = none
    silent: bool = True  # below the silence gate
    normalised: bool = False  # levels are relative to the whole recording's: no gain is added
    paper: Callable[[], PaperFeatures] = PaperFeatures

    @property
    def paper_rms(self) -> float:
        """Return the loudness of the last video frame, unsmoothed."""
        return self.paper().rms

    @property
    def paper_flux(self) -> float:
        """Return the change of the spectrum from the video frame before to the last."""
        return self.paper().flux

    @property
    def paper_centroid(self) -> float:
        """Return the spectral centroid of the last video frame, in Hz."""
        return self.paper().centroid


TracedFeature = Literal["rms", "low", "mid", "high", "flux", "brightness"]
TRACED: tuple[TracedFeature, ...] = get_args(TracedFeature)  # 0..1, with a history that can be read
TRACE_LENGTH = 128  # values of a feature's recent history, the newest first


@dataclass(frozen=True, slots=True)
class Tick:
    """When a frame is made. Times are in seconds."""

    index: int
    time: float  # on the clock of the show
    dt: float  # since the last frame
    presentation: float  # in a recording, when the frame starts to show


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture with the index and the times of its tick."""

    pixels: Pixels  # read-only
    index: int
    time: float
    sound_time: float  # `Features.time` of the sound that shaped it
    presentation: float


class InputFrame(NamedTuple):
    """A picture that comes in. Equal numbers of one source mean equal pixels."""

    pixels: Pixels  # read-only
    number: int


class PictureSource(Protocol):
    """Gives the pictures of a camera, a film or a file."""

    def at(self, time: float) -> InputFrame | None:
        """Return the newest picture up to `time`, without waiting for long; None before the
        first."""

    def close(self) -> None: ...


class Clock(Protocol):
    """Gives the times at which frames are made."""

    def __iter__(self) -> Iterator[Tick]: ...


class FeatureSource(Protocol):
    """Gives the features of the sound."""

    def at(self, time: float) -> Features:
        """Return the newest features of sound heard up to `time`."""


class Command(Protocol[S]):
    """A change to the scene, asked for by a performer or a cue file.

    A later command replaces a waiting one of the same `key` (None = never), but not across one with
    `barrier`, because order matters around it.
    """

    @property
    def key(self) -> str | None: ...

    @property
    def barrier(self) -> bool: ...

    def apply(self, scene: S) -> S:
        """Return the changed scene. Raises: LivebendError, and the scene stays."""


class CommandSource(Protocol[S]):
    """Gives the commands of controllers and cue files."""

    def until(self, time: float) -> Iterable[Command[S]]:
        """Return, in order and once each, the commands given up to `time`."""


class Render(Protocol[S_contra]):
    """Paints a frame."""

    def __call__(self, scene: S_contra, features: Features, tick: Tick) -> Frame: ...


class Output(Protocol):
    """Takes frames: a window, a recording, a stream. `write` must not block for long."""

    def write(self, frame: Frame) -> None: ...

    def close(self) -> None: ...


def run(
    clock: Clock,
    features: FeatureSource,
    commands: CommandSource[S],
    render: Render[S],
    outputs: Sequence[Output],
    scene: S,
) -> S:
    """Play until the clock ends; return the last scene."""
    for tick in clock:
        for command in commands.until(tick.time):
            scene = command.apply(scene)
        frame = render(scene, features.at(tick.time), tick)
        for output in outputs:
            output.write(frame)
    return scene
