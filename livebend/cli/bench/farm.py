"""Frames a second of workers side by side, beside one process: the same film each time.

Workers load a model first, which is not counted: each paints a first segment before the time
begins. Simulated ones wait as long as a frame takes, so that what the farm itself costs is seen for
more workers than there are cores.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from livebend.cli.film.farm import Farm, Work
from livebend.cli.film.jobs import Hire, Job, Paints, Record, Segment
from livebend.cli.film.options import FilmOptions
from livebend.cli.film.painter import Painter
from livebend.cli.film.plan import Plan
from livebend.cli.film.ray_workers import HERE, open_ray, ray_hire
from livebend.cli.film.rendering import prepared
from livebend.cli.film.segment_files import SegmentFiles
from livebend.cli.film.work import FilmWork
from livebend.cli.film.workers import ProcessWorker
from livebend.cli.options import options_of
from livebend.core.clock import now
from livebend.core.errors import Refused
from livebend.core.notify import Notify, ignore

SECONDS = 64.0  # of the film: eight segments
FRAMES, EACH = 20, 4  # of a simulated film: frames of a segment, segments for each worker
FRAME = 0.045  # s that a simulated frame takes: the embedded model's on two AVX2 cores
SIMULATED = (1, 2, 4, 8, 16, 32, 64)
SLEEPER = ("livebend.cli.bench.sleeper", str(FRAME))

Row = dict[str, Any]


def time_farm(given: argparse.Namespace, most: int, notify: Notify) -> list[Row]:
    """Return frames/s of this process, of 1, 2, 4 … `most` workers of one thread, and of simulated
    ones; `times` is how much faster that is than one worker. Raises: LivebendError."""
    asked: dict[str, Any] = {
        **vars(given), "sound": "demo", "preset": "default", "sets": (), "seconds": SECONDS,
        "threads": 1, "picture": None, "encoder": "vae", "frames": None,
    }  # fmt: skip
    film = options_of(FilmOptions, argparse.Namespace(**asked))
    counts = [1 << n for n in range(most.bit_length()) if 1 << n <= most]
    rows = list[Row]()
    with tempfile.TemporaryDirectory(prefix="livebend-") as folder:
        film = replace(film, output=Path(folder) / "film.mp4", strobe_limit=False)
        plan, _ = prepared(film, ignore)
        painter = Painter(notify)
        rows.append(_row("this process", 1, _timed([painter], film, plan)))
        painter.close()
        for count in counts:
            workers = [ProcessWorker(1, notify) for _ in range(count)]
            rows.append(_row("workers", count, _timed(workers, film, plan)))
    rows = [_beside(row, rows[1]) for row in rows]
    rows += simulated(lambda: ProcessWorker(1, notify, SLEEPER), "simulated", SIMULATED)
    try:
        ray = open_ray(HERE)
    except Refused as why:
        notify(str(why))
    else:
        share = 1.0 / (4 * max(SIMULATED))
        hire = ray_hire(ray, 1, notify, share=share, module=SLEEPER)
        rows += simulated(hire, "simulated by Ray", SIMULATED)
    return rows


def simulated(hire: Hire, kind: str, counts: Sequence[int]) -> list[Row]:
    """Return frames/s of so many workers that wait, begun by `hire`."""
    rows = list[Row]()
    for count in counts:
        workers = [hire() for _ in range(count)]
        first, segments = SimulatedFilm(count, 1), max(8, EACH * count)
        _paint(first, workers, keep=True)
        film = SimulatedFilm(segments, FRAMES)
        rows.append(_row(kind, count, segments * FRAMES / _paint(film, workers)))
    return [_beside(row, rows[0]) for row in rows]


class SimulatedFilm:
    """A film of which nothing is painted; see `farm.Work`."""

    def __init__(self, segments: int, frames: int) -> None:
        self._frames, self._segments = frames, segments
        self._waiting = list(range(segments - 1, -1, -1))
        self._done = 0

    @property
    def is_finished(self) -> bool:
        """Whether all of it is done."""
        return self._done == self._segments

    @property
    def frames_done(self) -> int:
        """Frames that are done."""
        return self._done * self._frames

    def cost(self, _: int) -> int:
        """Return the frames of a segment."""
        return self._frames

    def take(self) -> Job | None:
        """Return the next segment."""
        number = self._waiting.pop() if self._waiting else None
        return None if number is None else Job("", number, Segment(0, self._frames))

    def give(self, _job: Job, _record: Record) -> None:
        """Take a segment that is done."""
        self._done += 1

    def give_back(self, job: Job, _: str) -> None:
        """Have a segment done again."""
        self._waiting.append(job.number)


def _timed(workers: Sequence[Paints], film: FilmOptions, plan: Plan) -> float:
    """Return the frames/s of a film, after each worker has painted a first segment."""
    files = SegmentFiles(film.named)
    short = replace(plan, segments=plan.segments[: len(workers)])
    files.make()
    _paint(FilmWork(film, short, ignore), workers, keep=True)
    files.remove()
    files.make()
    took = _paint(FilmWork(film, plan, ignore), workers)
    files.remove()
    return plan.frames / took


def _paint(film: Work, workers: Sequence[Paints], *, keep: bool = False) -> float:
    """Have workers that are there paint a film, and end them unless they are to be kept; return how
    long they painted, in s."""
    waiting = [_Kept(worker) if keep else worker for worker in workers]
    farm = Farm([film], waiting.pop, len(workers), ignore, ignore)
    begin = now()
    with farm.at_work():
        farm.wait_for(film)
        return now() - begin


class _Kept:
    """A worker that is not ended."""

    def __init__(self, worker: Paints) -> None:
        self.ready, self.paint = worker.ready, worker.paint

    def close(self) -> None:
        """Do nothing."""


def _row(kind: str, workers: int, rate: float) -> Row:
    return {"painted by": kind, "workers": workers, "frames/s": round(rate, 1), "times": 1.0}


def _beside(row: Row, one: Row) -> Row:
    return {**row, "times": round(row["frames/s"] / one["frames/s"], 2)}
