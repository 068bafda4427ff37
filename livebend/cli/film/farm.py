"""Workers side by side: each paints one segment after another, and one that dies is replaced."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from livebend.cli.film.jobs import Hire, Job, Paints, Record, WorkerLost
from livebend.core.errors import Refused
from livebend.core.notify import Notify

TRIES = 3  # to begin a worker

Painted = Callable[[int], None]


class Work(Protocol):
    """The segments of a film: see `work.FilmWork`."""

    @property
    def is_finished(self) -> bool: ...

    @property
    def frames_done(self) -> int: ...

    def cost(self, number: int) -> int: ...

    def take(self) -> Job | None: ...

    def give(self, job: Job, record: Record) -> None: ...

    def give_back(self, job: Job, why: str) -> None: ...


class Farm:
    """Has films painted by `count` workers, all of one queue: the first film first.

    hire: begins a worker; it is closed at the end.
    painted: is told of frames as they are painted, in any thread.
    """

    def __init__(
        self, films: Sequence[Work], hire: Hire, count: int, notify: Notify, painted: Painted
    ) -> None:
        self._films, self._hire, self._count = films, hire, count
        self._notify, self._painted = notify, painted
        self._changed = threading.Condition()  # of all below, and of the films
        self._workers = set[Paints]()
        self._failure: BaseException | None = None
        self._is_over = False

    @contextmanager
    def at_work(self) -> Iterator["Farm"]:
        """Have workers paint while inside; end them when it is left, whatever they do."""
        threads = [
            threading.Thread(target=self._work, name=f"worker {number}", daemon=True)
            for number in range(self._count)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
                workers = list(self._workers)
            for worker in workers:
                worker.close()
            for thread in threads:
                thread.join()

    def wait_for(self, film: Work) -> None:
        """Wait until a film is painted. Raises: what has stopped the painting."""
        with self._changed:
            while not film.is_finished and self._failure is None:
                self._changed.wait(0.2)  # a signal is seen between two waits
            if self._failure is not None:
                raise self._failure

    def _work(self) -> None:
        worker: Paints | None = None
        try:
            while worker is not None or (worker := self._ready()) is not None:
                if (task := self._next()) is None:
                    break
                worker = self._paint(*task, worker)
        except BaseException as failure:  # noqa: BLE001 - the thread that waits raises it
            with self._changed:
                self._failure = self._failure or failure
                self._changed.notify_all()
        finally:
            if worker is not None:
                self._dismiss(worker)

    def _ready(self) -> Paints | None:
        """Begin a worker, and wait for it: one that has a segment and never begins would keep the
        others waiting. None where it is not needed any more. Raises: Refused."""
        lost = None
        for _ in range(TRIES):
            with self._changed:
                if self._is_over or all(film.is_finished for film in self._films):
                    return None
            worker = self._begun()
            try:
                worker.ready()
            except WorkerLost as why:
                self._dismiss(worker)
                lost = why
            else:
                return worker
        raise Refused(f"no worker has begun, tried {TRIES} times: {lost}")

    def _paint(self, film: Work, job: Job, worker: Paints) -> Paints | None:
        """Have a segment painted; return the worker, None where it is lost."""
        painted = 0

        def told(frames: int) -> None:
            nonlocal painted
            painted += frames
            self._painted(frames)

        try:
            record = worker.paint(job, told)
        except WorkerLost as why:
            self._painted(-painted)
            self._dismiss(worker)
            with self._changed:
                if not self._is_over:
                    self._notify(f"segment {job.number} is painted again: {why}")
                    film.give_back(job, str(why))
                self._changed.notify_all()
            return None
        with self._changed:
            before = film.frames_done
            film.give(job, record)
            self._painted(film.frames_done - before - film.cost(job.number))
            self._changed.notify_all()
        return worker

    def _next(self) -> tuple[Work, Job] | None:
        """Wait for a segment; None where there will be no more."""
        with self._changed:
            while not self._is_over and self._failure is None:
                for film in self._films:
                    if (job := film.take()) is not None:
                        return film, job
                if all(film.is_finished for film in self._films):
                    return None
                self._changed.wait()
            return None

    def _begun(self) -> Paints:
        worker = self._hire()
        with self._changed:
            self._workers.add(worker)
            is_over = self._is_over
        if is_over:
            worker.close()
        return worker

    def _dismiss(self, worker: Paints) -> None:
        with self._changed:
            self._workers.discard(worker)
        worker.close()
