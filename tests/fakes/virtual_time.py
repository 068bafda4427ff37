"""The time of a show that passes only when every thread has said what it waits for.

    time = VirtualTime({"audio": 0, "render": 1})

Threads are known by their names; the number breaks ties, the smaller first. They run strictly one
after another in the order (moment, rank), so a test with threads gives the same result every time
and needs no sleep.
"""

import threading

LOOK = 0.02  # s between looks whether a thread that waits was told to stop


class VirtualTime:
    """A `livebend.core.clock.Time` for named threads. A thread that ends has left by itself.

    Nobody is released before every named thread has waited once; `leave` lets the others go on
    without one, such as the main thread before it stops the workers. Where the thread `ends` names
    has left, time stands: the others are released once they are told to stop, however long that
    takes.
    """

    def __init__(self, ranks: dict[str, int], ends: str = "") -> None:
        self._ranks, self._ends, self._over = ranks, ends, False
        self._turn = threading.Condition()
        self._awaited = set(ranks)
        self._waiting: dict[str, tuple[float, int, threading.Event]] = {}
        self._released: str | None = None
        self._known: set[str] = set()
        self._now = 0.0

    def now(self) -> float:
        """Seconds since the show began."""
        with self._turn:
            return self._now

    def wait_until(self, moment: float, stop: threading.Event) -> bool:
        """Wait for this thread's turn at `moment`; False where `stop` is set by then."""
        name = threading.current_thread().name
        if name not in self._ranks:
            raise KeyError(f"thread {name!r} is not one of {sorted(self._ranks)}")
        with self._turn:
            self._watch(name)
            self._waiting[name] = (moment, self._ranks[name], stop)
            self._release_next()
            while self._released != name:
                if not self._turn.wait(LOOK):
                    self._release_next()
            self._released = None
            if stop.is_set():
                return False
            self._now = max(self._now, moment)
            return True

    def leave(self, name: str) -> None:
        """Let the others go on without the thread called `name`."""
        with self._turn:
            self._awaited.discard(name)
            self._waiting.pop(name, None)
            self._over |= name == self._ends
            self._release_next()

    def _release_next(self) -> None:
        """Give the turn to the first of those who wait, once all of them do."""
        if self._released is None and self._waiting and self._waiting.keys() >= self._awaited:
            first = min(self._waiting, key=self._order)
            if self._over and not self._waiting[first][2].is_set():
                return
            self._released = first
            del self._waiting[first]
            self._turn.notify_all()

    def _order(self, name: str) -> tuple[float, int]:
        moment, rank, stop = self._waiting[name]
        return (-1.0 if stop.is_set() else moment), rank

    def _watch(self, name: str) -> None:
        """Leave for the thread when it ends. The main thread has to do that itself."""
        thread = threading.current_thread()
        if name in self._known or thread is threading.main_thread():
            return
        self._known.add(name)
        threading.Thread(target=self._outlive, args=(thread, name), daemon=True).start()

    def _outlive(self, thread: threading.Thread, name: str) -> None:
        thread.join()
        self.leave(name)
