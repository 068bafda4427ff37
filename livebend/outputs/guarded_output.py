"""An output that the show goes on without: its faults are reported, and it is tried again."""

import threading

from livebend.core.clock import now
from livebend.core.errors import one_line
from livebend.core.notify import Notify
from livebend.flow import Frame, Output

LEFT_OUT = 2.0  # s without an output that has failed


class GuardedOutput:
    """An output whose `write` may fail, which leaves it out for LEFT_OUT s, or hang.

    One that hangs holds the render thread until a `Watchdog` has another take over; that leaves the
    output out until it answers. `write` is the render workers'.

    notify: is called with every fault, at most once while it lasts.
    """

    def __init__(self, name: str, output: Output, notify: Notify) -> None:
        self._name, self._output, self._notify = name, output, notify
        self._busy = threading.Lock()
        self._until, self._faulty = 0.0, False

    def write(self, frame: Frame) -> None:
        """Give the output a frame, unless it is left out."""
        if now() < self._until:
            return
        if not self._busy.acquire(blocking=False):
            self._report("does not answer")
            return
        try:
            self._output.write(frame)
            self._faulty = False
        except Exception as why:  # noqa: BLE001 - reported, whatever an output raises
            self._until = now() + LEFT_OUT
            self._report(f"failed: {one_line(why)}")
        finally:
            self._busy.release()

    def close(self) -> None:
        """Close the output."""
        self._output.close()

    def _report(self, what: str) -> None:
        if not self._faulty:
            self._faulty = True
            self._notify(f"{self._name} {what}; it is left out until it works")
