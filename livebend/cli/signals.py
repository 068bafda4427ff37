"""What the system asks of a show: to end well, or at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # of which a system has some


@contextmanager
def ended_by_signals(end: Callable[[str], None]) -> Iterator[None]:
    """Call `end` with a signal's name at the first that asks the process to end; the main thread
    does, between two steps of its own, so `end` must not wait or take locks.

    From then on only an interrupt (Ctrl C) acts, and at once: the system ends the process. A signal
    that the process was started to ignore, as under nohup, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.Signals[name] for name in ENDING if hasattr(signal, name)]
    before = {n: old for n in numbers if (old := signal.getsignal(n)) != signal.SIG_IGN}

    def first(number: int, _: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        if signal.SIGINT in before:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        end(signal.Signals(number).name)

    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
