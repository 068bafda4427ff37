"""What the show is doing, as one frozen `Status` a frame; `statistics` counts over a whole show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from livebend.core.specs import ParameterValue
from livebend.flow import Features

Level = Literal["info", "warning", "error"]


def _frozen(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping))


@dataclass(frozen=True, slots=True)
class Percentiles:
    """A distribution in three numbers, in the unit of its values; 0 before the first."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


@dataclass(frozen=True, slots=True)
class BendStatus:
    """One bend as it acts now."""

    name: str
    operator: str
    site: str
    values: Mapping[str, ParameterValue] = field(default_factory=dict)  # after modulation
    mix: float = 1.0
    strength: float = 0.0  # d = ‖y − x‖ / ‖x‖
    active: bool = True
    note: str = ""  # why it is not active, or what was changed about it
    goal: float = 0.0  # the strength that it is to reach at mix 1; 0 = none

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _frozen(self.values))


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """One route as it acts now."""

    name: str
    source: str
    value: float  # of the source, after gain and follower, 0..1
    target: str
    output: float  # what is added to the target, in its unit


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What stages remember of their last outputs."""

    mb: float = 0.0
    cap_mb: float = 0.0  # the most it may be
    evicted: int = 0  # outputs forgotten for lack of memory: their stages had to run again


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the performer should know."""

    time: float  # s, on the clock of the show
    text: str
    level: Level = "info"


@dataclass(frozen=True, slots=True)
class Counters:
    """What has happened since the show began."""

    frames_generated: int = 0
    frames_shown: int = 0
    audio_hops: int = 0
    overflows: int = 0
    commands_received: int = 0
    commands_refused: int = 0
    commands_clamped: int = 0
    garbage_packets: int = 0
    nonfinite_frames: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """The show at one frame. The render worker publishes it, the operator's view draws it."""

    time: float = 0.0  # s, on the clock of the show
    features: Features = field(default_factory=Features)
    title: str = ""
    prompt: str = ""
    fps: float = 0.0
    frame_ms: Percentiles = Percentiles()
    latency_ms: Percentiles = Percentiles()  # from sound to shown picture
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    rerun: float = 1.0  # how many of the network's stages this frame ran again, 0..1
    bends: tuple[BendStatus, ...] = ()
    routes: tuple[RouteStatus, ...] = ()
    reused: tuple[str, ...] = ()  # what is taken from earlier frames although it has changed
    notices: tuple[Notice, ...] = ()
    counters: Counters = Counters()
    engine: str = ""  # what the network runs on
    memory: MemoryUse = MemoryUse()
    waiting: str = ""  # the presets that wait for their beat
    recording: str = ""  # the path of the parameter that is recorded for a loop
    other: str = ""  # the title of the scene on the other side of the crossfader
    rig: str = ""  # whether it leads other shows or follows one, and how well

    def __post_init__(self) -> None:
        object.__setattr__(self, "stage_ms", _frozen(self.stage_ms))
