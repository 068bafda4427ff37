"""What workers are asked and what they answer: values that go through a pipe as lines of JSON.

Nothing heavy is imported here, so that a worker can be anything that reads and writes such lines.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol

from livebend.core.errors import LivebendError, Refused
from livebend.core.notify import Notify

Told = Callable[[int], None]  # pictures that were painted since it was called last


class Segment(NamedTuple):
    """A part of the film that is painted at a time: frames `first` up to `until`, after a pre-roll
    of `preroll` frames that are painted and not shown."""

    first: int
    until: int
    preroll: int = 0

    @property
    def painted(self) -> int:
        """Frames that are painted for it."""
        return self.until - self.first + self.preroll


@dataclass(frozen=True, slots=True)
class Job:
    """A segment to paint: of which film, and its place in it.

    film: its options, as `options.as_text` writes them.
    follows: whether what the segments before it showed is known, for the limit of flashes.
    """

    film: str
    number: int
    segment: Segment
    follows: bool = False

    def text(self) -> str:
        """Return it as one line, which `read_job` reads."""
        return json.dumps([self.film, self.number, self.segment, self.follows])


def read_job(text: str) -> Job:
    """Return the job that `Job.text` wrote."""
    film, number, segment, follows = json.loads(text)
    return Job(film, number, Segment(*segment), follows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A finished segment.

    sha256: of its pictures' file; "" where there is none.
    note: what made it, equal for equal bytes.
    size: that it was painted at (W, H).
    limited: of every frame that the limit of flashes has changed, its number in the segment and how
        much of the way to it is shown.
    """

    frames: int
    sha256: str
    note: str
    size: tuple[int, int]
    limited: Mapping[str, float] = field(default_factory=dict)


def record_of(values: Mapping[str, Any]) -> Record:
    """Return a record from its values as JSON has them. Raises: TypeError, KeyError."""
    return Record(**{**values, "size": tuple(values["size"])})


def record_line(record: Record) -> dict[str, Any]:
    """Return what a worker says of a painted segment."""
    return {"record": asdict(record)}


class WorkerLost(LivebendError):
    """A worker that died, or failed in a way that another one may not."""


class Paints(Protocol):
    """Paints segments, in this process or in another."""

    def ready(self) -> None:
        """Wait until it can be given a segment: a cluster may have no room for it yet.

        Raises: WorkerLost where it never will be, or is ended meanwhile.
        """

    def paint(self, job: Job, told: Told) -> Record:
        """Paint a segment, and leave its files in the film's folder; return its record.

        Raises: LivebendError; WorkerLost where a worker is not there any more.
        """

    def close(self) -> None:
        """End it, whatever it is doing. Any thread may call it."""


Hire = Callable[[], Paints]


def heard(line: str, told: Told, notify: Notify) -> Record | None:
    """Take a line that a worker says; return the record where that is one.

    Raises: Refused, WorkerLost; ValueError for what is no such line.
    """
    said: dict[str, Any] = json.loads(line)
    if "painted" in said:
        told(said["painted"])
    elif "notice" in said:
        notify(said["notice"])
    elif "refused" in said:
        raise Refused(said["refused"])
    elif "failed" in said:
        raise WorkerLost(said["failed"])
    else:
        return record_of(said["record"])
    return None
