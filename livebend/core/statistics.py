"""Statistics of a whole show: counts, times, notices. Any thread may add to them.

Memory is bounded, however long the show: recent values in rings, all of them in histograms.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from livebend.core import limits
from livebend.core.clock import Time
from livebend.core.status import (
    BendStatus,
    Counters,
    Level,
    MemoryUse,
    Notice,
    Percentiles,
    RouteStatus,
    Status,
)
from livebend.flow import Features, Frame

Counter = Literal[
    "frames_generated", "frames_shown", "audio_hops", "overflows", "commands_received",
    "commands_refused", "commands_clamped", "garbage_packets", "nonfinite_frames",
]  # fmt: skip

RECENT = 120  # frames that the fps and percentiles of a status are of
NOTICES = 8  # the newest, that a status shows
WAITING = 32  # frames that are counted at once
METERS = 64  # bends whose strength is reported
Tell = Callable[[str, Level], None]
NOTHING: Mapping[str, float] = MappingProxyType({})


class _Counted(NamedTuple):
    """What a frame took, in ms, each of its stages, in s, and d of its bends."""

    ms: float
    seconds: Mapping[str, float]
    strength: Mapping[str, float]


class Histogram:
    """Positive values in bins of equal ratio: percentiles of any number of them, within 0.5 %.

    Values outside 1e-3..1e6 count in the outermost bins. Not for two threads at once.
    """

    LOW, HIGH, RATIO = 1e-3, 1e6, 1.01

    def __init__(self) -> None:
        self.count = 0
        self._step = math.log(self.RATIO)
        bins = math.ceil(math.log(self.HIGH / self.LOW) / self._step)
        self._bins = [0] * bins  # a list: `add` runs with every hop, `percentile` once a show

    def add(self, value: float) -> None:
        """Count one value. A value that is not finite is left out."""
        if not math.isfinite(value):
            return
        place = int(math.log(max(value, self.LOW) / self.LOW) / self._step)
        self._bins[min(place, len(self._bins) - 1)] += 1
        self.count += 1

    def percentile(self, percent: float) -> float:
        """Return the value that `percent` (0..100) of all do not exceed; 0 without values."""
        if not self.count:
            return 0.0
        rank = max(1, math.ceil(percent / 100.0 * self.count))
        place = int(np.searchsorted(np.cumsum(self._bins), rank))
        return self.LOW * math.exp((place + 0.5) * self._step)

    def summary(self) -> Percentiles:
        """Return the three percentiles of every value so far."""
        return Percentiles(*(self.percentile(percent) for percent in (50, 95, 99)))


class Statistics:
    """Counts, times and notices of one show. Every method may be called from any thread.

    The render worker calls `frame` and `status`, the display `shown`, the audio worker `hop`, the
    end of the show `report`. Each holds one short lock. `told` is called with every notice and its
    level.
    """

    def __init__(self, time: Time, told: Tell = lambda *_: None) -> None:
        self._time, self._told = time, told
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {f.name: 0 for f in fields(Counters)}
        self._notices: deque[Notice] = deque(maxlen=NOTICES)
        self._every: deque[Notice] = deque(maxlen=limits.NOTICES)
        self._moments: deque[float] = deque(maxlen=RECENT)
        self._recent_ms: deque[float] = deque(maxlen=RECENT)
        self._recent_latency: deque[float] = deque(maxlen=RECENT)
        self._frame_ms, self._latency_ms, self._hop_us = Histogram(), Histogram(), Histogram()
        self._stages: dict[str, tuple[int, float, float]] = {}  # runs, sum ms, smoothed ms
        self._bends: dict[str, tuple[int, float, float]] = {}  # frames, sum and largest of d
        self._waiting: list[_Counted] = []  # frames that are not in these yet
        self._rerun = 1.0
        self._first = 0.0
        self._engine: Callable[[], str] = str
        self._memory: Callable[[], MemoryUse] = MemoryUse
        self._waits: Callable[[], str] = str
        self._recorded: Callable[[], str] = str
        self._rig: Callable[[], str] = str

    def frame(
        self,
        ms: float,
        seconds: Mapping[str, float] = NOTHING,
        rerun: float = 1,
        strength: Mapping[str, float] = NOTHING,
    ) -> None:
        """Count a generated frame; the mappings must not change any more.

        ms: what it took, in milliseconds.
        seconds: what each stage that ran took, by name.
        rerun: how many of the stages ran, 0..1.
        strength: d of every bend that acted, by name.
        """
        moment = self._time.now()
        with self._lock:
            self._first = moment if not self._counts["frames_generated"] else self._first
            self._counts["frames_generated"] += 1
            self._moments.append(moment)
            self._recent_ms.append(ms)
            self._rerun = rerun
            self._waiting.append(_Counted(ms, seconds, strength))
            if len(self._waiting) >= WAITING:
                self._count_waiting()

    def _count_waiting(self) -> None:
        """Count what frames took, many at once and where somebody looks: in a few frames in a row
        that is twice as fast as in each by itself. Under the lock."""
        for ms, seconds, strength in self._waiting:
            self._frame_ms.add(ms)
            for name, second in seconds.items():
                taken = second * 1e3
                runs, total, smooth = self._stages.get(name, (0, 0.0, taken))
                self._stages[name] = (runs + 1, total + taken, smooth + 0.1 * (taken - smooth))
            for name, d in strength.items():
                self._meter(name, d)
        self._waiting = []

    def shown(self, frame: Frame) -> None:
        """Count a frame that is on the display now, and the age of the sound that shaped it."""
        latency = (self._time.now() - frame.sound_time) * 1e3
        with self._lock:
            self._counts["frames_shown"] += 1
            self._recent_latency.append(latency)
            self._latency_ms.add(latency)

    def hop(self, seconds: float) -> None:
        """Count an analysed hop of sound and the time that its analysis took."""
        with self._lock:
            self._counts["audio_hops"] += 1
            self._hop_us.add(seconds * 1e6)

    def count(self, name: Counter, n: int = 1) -> None:
        """Add `n` to a counter."""
        with self._lock:
            self._counts[name] += n

    def total(self, name: Counter, n: int) -> None:
        """Set a counter that is counted elsewhere."""
        with self._lock:
            self._counts[name] = n

    def watch(self, engine: Callable[[], str], memory: Callable[[], MemoryUse]) -> None:
        """Take what the network runs on and how full the stages' memory is from these functions;
        any thread calls them, in `status` and `report`."""
        self._engine, self._memory = engine, memory

    def foresee(self, waiting: Callable[[], str], recording: Callable[[], str]) -> None:
        """Take what waits for its beat, and the path that is recorded for a loop, from these
        functions; any thread calls them, in `status`."""
        self._waits, self._recorded = waiting, recording

    def join(self, rig: Callable[[], str]) -> None:
        """Take what the show has to do with others from this function; any thread calls it, in
        `status` and `report`."""
        self._rig = rig

    def notice(self, text: str, level: Level = "info") -> None:
        """Show the performer a line of text. A repeated one moves to the end with its new time."""
        with self._lock:
            for old in [n for n in self._notices if n.text == text]:
                self._notices.remove(old)
            self._notices.append(Notice(self._time.now(), text, level))
            self._every.append(self._notices[-1])
        self._told(text, level)

    def status(
        self,
        features: Features,
        title: str = "",
        prompt: str = "",
        bends: Sequence[BendStatus] = (),
        routes: Sequence[RouteStatus] = (),
        reused: Sequence[str] = (),
        other: str = "",
    ) -> Status:
        """Return the show at this moment."""
        with self._lock:  # only to copy: the render worker may be waiting to count a frame
            moments, recent, latency = map(
                list, (self._moments, self._recent_ms, self._recent_latency)
            )
            self._count_waiting()
            stage_ms = {name: smooth for name, (_, _, smooth) in self._stages.items()}
            notices, counts, rerun = tuple(self._notices), dict(self._counts), self._rerun
        return Status(
            time=self._time.now(),
            features=features,
            title=title,
            prompt=prompt,
            fps=_rate(moments),
            frame_ms=_percentiles(recent),
            latency_ms=_percentiles(latency),
            stage_ms=stage_ms,
            rerun=rerun,
            bends=tuple(bends),
            routes=tuple(routes),
            reused=tuple(reused),
            notices=notices,
            counters=Counters(**counts),
            engine=self._engine(),
            memory=self._memory(),
            waiting=self._waits(),
            recording=self._recorded(),
            other=other,
            rig=self._rig(),
        )

    def renewed(self, status: Status, features: Features) -> Status:
        """Return a status as it is now, with what is heard: while no frame comes."""
        with self._lock:
            notices, counts = tuple(self._notices), dict(self._counts)
        return replace(
            status, time=self._time.now(), features=features, notices=notices,
            counters=Counters(**counts), engine=self._engine(), memory=self._memory(), fps=0.0,
            rig=self._rig(),
        )  # fmt: skip

    def _meter(self, name: str, d: float) -> None:
        """Count how strong a bend is in this frame; the last METERS names are kept."""
        if math.isfinite(d):
            frames, total, most = self._bends.pop(name, (0, 0.0, 0.0))
            self._bends[name] = (frames + 1, total + d, max(most, d))
            if len(self._bends) > METERS:
                del self._bends[next(iter(self._bends))]

    def report(self) -> dict[str, Any]:
        """Return the whole show, ready for JSON: counts, the newest notices, fps, percentiles over
        every frame, and for every bend the frames in which it acted, with the mean and the largest
        of its d."""
        with self._lock:
            self._count_waiting()
            made = self._counts["frames_generated"]
            span = self._moments[-1] - self._first if self._moments else 0.0
            return {
                **self._counts,
                "notices": [asdict(notice) for notice in self._every],
                "engine": self._engine(),
                "rig": self._rig(),
                "memory": asdict(self._memory()),
                "fps": (made - 1) / span if span > 0 else 0.0,
                "frame_ms": asdict(self._frame_ms.summary()),
                "latency_ms": asdict(self._latency_ms.summary()),
                "hop_us": asdict(self._hop_us.summary()),
                "stage_ms": {name: total / runs for name, (runs, total, _) in self._stages.items()},
                "bends": {
                    name: {"frames": frames, "d": total / frames, "d_most": most}
                    for name, (frames, total, most) in self._bends.items()
                },
            }


def _rate(moments: Sequence[float]) -> float:
    """Events per second between the first and the last moment."""
    span = moments[-1] - moments[0] if moments else 0.0
    return (len(moments) - 1) / span if span > 0 else 0.0


def _percentiles(values: Sequence[float]) -> Percentiles:
    return Percentiles(*np.percentile(values, (50, 95, 99)).tolist()) if values else Percentiles()
