"""Parts of a show that are kept running, each by itself: one that fails or hangs is started again.

A thread in Python cannot be killed. One that fails begins anew in the same thread; one that hangs
is left behind, and a new thread takes its part over under the next term. A part's work is a
function of its term, which is also its stop event: every look at it is a sign of life, and one that
was left behind finds it set, should it ever come back, and ends.
"""

import threading
from collections.abc import Callable, Sequence

from livebend.core.errors import one_line
from livebend.core.worker import Worker

PATIENCE = 3.0  # s without a sign of life that mean that a part hangs
LOOK = 0.25  # s between looks
STOPPED = 1.0  # s between two looks that mean that the whole process was stopped, or starved
SHORTEST, LONGEST = 0.05, 5.0  # s from a failure to the next term: more with each in a row
CALM = 10.0  # s after which a failure is the first in a row again

Now = Callable[[], float]
Work = Callable[["Term"], None]
OnFault = Callable[[str, BaseException | None], None]


class Term(threading.Event):
    """One run of a part's work: the stop event that it looks at, and the sign of life that every
    look is.

    number: how often the part was started before.
    hung: whether the term before hung, and was not ended by a failure.
    left_behind: whether another thread has taken over: what this one makes is refused.
    """

    def __init__(self, now: Now, number: int = 0, *, hung: bool = False) -> None:
        super().__init__()
        self.number, self.hung, self.left_behind = number, hung, False
        self._now, self._waits = now, False
        self._seen = now()

    def is_set(self) -> bool:
        """Whether the work is to end."""
        self._seen = self._now()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the work is to end, at most `timeout` seconds, and return whether it is; who
        waits here does not hang."""
        self._waits = True
        try:
            return super().wait(timeout)
        finally:
            self._seen, self._waits = self._now(), False

    def forgive(self) -> None:
        """Count the seconds since the last sign of life from now on."""
        self._seen = self._now()

    def silent(self) -> float:
        """Return the seconds since the last sign of life."""
        return 0.0 if self._waits else self._now() - self._seen


class KeptWorker:
    """Run `work(term)` in a thread called `name`, again wherever it fails or hangs.

    The work returns when its term is set, or when it has come to its end, upon which the part is
    not started again. Any thread may start and stop it; a `Watchdog` calls `look`.

    now: the clock of the show, in s: one that stands still makes nothing hang.
    on_fault: is called with the name and the fault before the next term, None where the part hangs;
        in the thread that failed, or the watchdog's.
    patience: s without a sign of life that it may take.
    ends_with: whether a failure ends the part: then `on_end` is called with it instead.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        now: Now,
        on_fault: OnFault,
        *,
        patience: Callable[[], float] = lambda: PATIENCE,
        ends_with: Callable[[BaseException], bool] = lambda _: False,
        on_end: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.name = name
        self._work, self._now, self._on_fault = work, now, on_fault
        self._patience, self._ends_with, self._on_end = patience, ends_with, on_end
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._row, self._last = 0, -CALM  # faults in a row, and when the last one was, s
        self.term = Term(now)
        self._worker = self._of(self.term)

    def start(self) -> "KeptWorker":
        """Start the first thread; return self."""
        self._worker.start()
        return self

    @property
    def alive(self) -> bool:
        """Whether the part is running, or being started again."""
        return self._worker.alive

    def wait(self, timeout: float) -> None:
        """Wait until the part has ended, at most `timeout` seconds."""
        self._worker.wait(timeout)

    def stop(self, timeout: float = 5.0) -> bool:
        """Ask the part to end, wait up to `timeout` seconds, and return whether it has ended."""
        with self._lock:
            self._stopping.set()
            self.term.set()
            worker = self._worker
        return worker.stop(timeout)

    def look(self) -> None:
        """Have another thread take over where this one hangs."""
        with self._lock:
            term = self.term
            if self._stopping.is_set() or not self._worker.alive:
                return
            if term.silent() <= self._patience() * (1 << min(self._row, 4)):
                return
            term.left_behind = True
            term.set()
            self._count()
            self.term = Term(self._now, term.number + 1, hung=True)
            self._worker = self._of(self.term).start()
        self._on_fault(self.name, None)

    def _of(self, term: Term) -> Worker:
        return Worker(self.name, lambda _: self._keep(term), self._on_end)

    def _keep(self, term: Term) -> None:
        """Work in this thread until it ends, or is left behind."""
        while True:
            try:
                return self._work(term)
            except BaseException as failure:
                if term.left_behind:
                    return None
                if self._stopping.is_set() or self._ends_with(failure):
                    raise
                self._on_fault(self.name, failure)
                taken = self._next(term)
            if taken is None:
                return None
            term = taken

    def _next(self, term: Term) -> Term | None:
        """Begin the next term of the same thread a moment later, or none where it is to end."""
        with self._lock:
            pause = min(SHORTEST * (1 << min(self._count(), 16)), LONGEST)
        if term.wait(pause):
            return None
        with self._lock:
            if term.left_behind or self._stopping.is_set():
                return None
            self.term = Term(self._now, term.number + 1)
            return self.term

    def _count(self) -> int:
        """Count a fault; return how many came before it in a row."""
        moment = self._now()
        self._row = self._row + 1 if moment - self._last < CALM else 0
        self._last = moment
        return self._row


class Watchdog:
    """Looks after parts. `work` is a Worker's body; one thread calls it, or `look`.

    A process that was stopped for a while, as by a suspended machine, has parts that were silent
    for as long: none of them hangs for that.
    """

    def __init__(
        self, parts: Sequence[KeptWorker], now: Now, also: Callable[[], None] = lambda: None
    ) -> None:
        """`now` is a clock that goes on while the process is stopped; `also` is called at every
        look."""
        self._parts, self._now, self._also = tuple(parts), now, also
        self._looked = now()

    def look(self) -> None:
        """Look at every part once."""
        before, self._looked = self._looked, self._now()
        for part in self._parts:
            if self._looked - before > STOPPED:
                part.term.forgive()
            part.look()
        self._also()

    def work(self, stop: threading.Event) -> None:
        """Look until stopped."""
        while not stop.wait(LOOK):
            self.look()


def said(name: str, failure: BaseException | None) -> str:
    """Return a fault of a part as one line."""
    what = "hangs" if failure is None else f"failed: {one_line(failure)}"
    return f"{name} {what}; it is started again"
