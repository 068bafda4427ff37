"""Workers of a Ray cluster, or of Ray on this machine: see https://docs.ray.io.

Ray starts them, places them, and says when one is lost. All machines must see the same folders and
have livebend; a worker goes to the folder where the command was given.
"""

import os
from collections import deque
from collections.abc import Sequence
from typing import Any

from livebend.cli.film.jobs import Hire, Job, Record, Told, WorkerLost, heard
from livebend.cli.film.workers import PAINTER
from livebend.core.errors import Refused
from livebend.core.notify import Notify, ignore

INSTALL = "pip install 'livebend[ray]'"
HERE = "local"  # Ray on this machine, begun for this render
LOOKED = 2.0  # s between two looks at how far a worker is


def open_ray(address: str) -> Any:
    """Return Ray, connected to a cluster: HOST:PORT, auto for one that runs here, or HERE.

    Raises: Refused where it is not installed, or there is none.
    """
    try:
        import ray  # noqa: PLC0415 - an extra, and heavy
    except ImportError as why:
        raise Refused(f"--ray: Ray is missing: {INSTALL}; without it --workers N paints") from why
    where = {"num_cpus": os.cpu_count()} if address == HERE else {"address": address}
    try:
        ray.init(**where, include_dashboard=False if address == HERE else None,
                 log_to_driver=False, configure_logging=False)  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError, OSError) as why:
        said = str(why).strip().partition("\n")[0]
        raise Refused(f"--ray {address}: there is no Ray: {said}") from why
    return ray


def ray_hire(
    ray: Any, threads: int, notify: Notify, *, share: float = 1.0, module: Sequence[str] = PAINTER
) -> Hire:
    """Return what begins a worker that takes `share` of a core for each of its threads."""
    kind = ray.remote(num_cpus=share * threads, max_restarts=0, max_concurrency=2)(_Actor)
    return lambda: RayWorker(ray, kind.remote(os.getcwd(), threads, list(module)), notify)


class _Actor:
    """What runs in the cluster: a process like those of `workers`, and what it said so far."""

    def __init__(self, folder: str, threads: int, module: list[str]) -> None:
        from livebend.cli.film.workers import ProcessWorker  # noqa: PLC0415 - in its own process

        os.chdir(folder)
        self._said = deque[str]()  # by one thread, read by another
        self._worker = ProcessWorker(threads, ignore, module)

    def ready(self) -> None:
        """Answer as soon as it is there."""

    def paint(self, text: str) -> list[str]:
        """Paint a job's segment; return what is said of it, but for what `said` has returned."""
        process = self._worker.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(text + "\n")
        process.stdin.flush()
        for line in process.stdout:
            self._said.append(line)
            if not line.startswith(('{"painted"', '{"notice"')):
                return self.said()
        self._said.append(f'{{"failed": "a worker has ended ({process.wait()})"}}')
        return self.said()

    def said(self) -> list[str]:
        """Return what was said since this was asked last."""
        said = list[str]()
        while self._said:
            said.append(self._said.popleft())
        return said


class RayWorker:
    """A worker in the cluster."""

    def __init__(self, ray: Any, actor: Any, notify: Notify) -> None:
        self._ray, self._actor, self._notify = ray, actor, notify

    def ready(self) -> None:
        """See `jobs.Paints`."""
        try:
            self._ray.get(self._actor.ready.remote())
        except self._ray.exceptions.RayError as why:
            raise _lost(why) from why

    def paint(self, job: Job, told: Told) -> Record:
        """See `jobs.Paints`."""
        ray = self._ray
        try:
            painting = self._actor.paint.remote(job.text())
            record, is_over = None, False
            while record is None:
                if is_over:
                    raise WorkerLost("a worker of Ray has ended without a word")
                is_over = bool(ray.wait([painting], timeout=LOOKED)[0])
                for line in ray.get(painting if is_over else self._actor.said.remote()):
                    record = heard(line, told, self._notify)
            return record
        except (ray.exceptions.RayError, ValueError) as why:
            raise _lost(why) from why

    def close(self) -> None:
        """See `jobs.Paints`."""
        self._ray.kill(self._actor)


def _lost(why: Exception) -> WorkerLost:
    said = str(why).strip().partition("\n")[0]
    return WorkerLost(f"a worker of Ray is lost: {said}")
