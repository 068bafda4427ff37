"""A named thread that can be asked to stop and whose failure is kept, never lost."""

import threading
from collections.abc import Callable


class Worker:
    """Run `work(stop)` in a thread called `name`.

    `work` returns when `stop` is set. An exception in it is kept in `failure` and passed to
    `on_failure`, which is called in the worker's thread, so that it is reported.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[threading.Event], None],
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.name = name
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        self._work = work
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> "Worker":
        """Start the thread; return self."""
        self._thread.start()
        return self

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def wait(self, timeout: float) -> None:
        """Wait until the thread has ended, at most `timeout` seconds."""
        self._thread.join(timeout)

    def stop(self, timeout: float = 5.0) -> bool:
        """Ask the thread to end, wait up to `timeout` seconds, and return whether it has ended."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work(self.stopping)
        except BaseException as failure:  # noqa: BLE001 - kept and reported, the thread ends here
            self.failure = failure
            if self._on_failure is not None:
                self._on_failure(failure)
