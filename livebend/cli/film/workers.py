"""Processes of this machine that paint segments, and what they say.

A worker is `python -m livebend.cli.film.process`: one line of JSON in is a job, each line out is
what became of it:

    {"painted": 3}     so many pictures more
    {"notice": "…"}    a line for the user
    {"record": {…}}    the segment is there
    {"refused": "…"}   it cannot be painted, and not by another worker either
    {"failed": "…"}    a fault, with its traceback on stderr

A worker ends with the process that it works for: it reads the end of its input, or finds nobody
there to write to.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from livebend.cli.film.jobs import Job, Record, Told, WorkerLost, heard
from livebend.core.notify import Notify

PAINTER = ("livebend.cli.film.process",)


class ProcessWorker:
    """A worker in a process of its own, with so many threads.

    module: that is run as the process, with its arguments.
    """

    def __init__(self, threads: int, notify: Notify, module: Sequence[str] = PAINTER) -> None:
        self._notify, self._asked = notify, threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            start_new_session=True,  # an interrupt of the terminal is for the one that it works for
        )  # fmt: skip

    def ready(self) -> None:
        """See `jobs.Paints`: its first segment waits in the pipe until it has begun."""

    def paint(self, job: Job, told: Told) -> Record:
        """See `jobs.Paints`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self._asked:
            try:
                self.process.stdin.write(job.text() + "\n")
                self.process.stdin.flush()
                for line in self.process.stdout:
                    if (record := heard(line, told, self._notify)) is not None:
                        return record
            except (OSError, ValueError) as why:
                raise WorkerLost(f"a worker is lost: {why}") from why
            raise WorkerLost(f"a worker has ended ({self.process.wait()})")

    def close(self) -> None:
        """See `jobs.Paints`."""
        self.process.kill()
        self.process.wait()
        with self._asked:  # who listens has heard the end of it
            for pipe in (self.process.stdin, self.process.stdout):
                with suppress(OSError):  # what it was to be told is lost with it
                    if pipe is not None:
                        pipe.close()
