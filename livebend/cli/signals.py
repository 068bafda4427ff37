"""What the system asks of a show: to end well, or at once."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from livebend.core.notify import ignore

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # of which a system has some
LATEST = 4.0  # s after a signal in which a show should have ended by itself


@contextmanager
def ended_by_signals(
    end: Callable[[str], None], late: Callable[[str], object] = ignore, latest: float = LATEST
) -> Iterator[None]:
    """Call `end` with a signal's name at the first that asks the process to end; the main thread
    does, between two steps of its own, so `end` must not wait or take locks.

    Where the block has not been left `latest` seconds later, another thread calls `late` with that
    name: a main thread that waits for a display or a disk runs no handler, so that thread is woken
    by the system itself.

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
        with _woken({int(number) for number in before}, late, latest):
            yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def _woken(numbers: set[int], late: Callable[[str], object], latest: float) -> Iterator[None]:
    """Call `late` in a thread where the block goes on so long after one of these signals."""
    wakes, woken = socket.socketpair()
    wakes.setblocking(False)
    ended = threading.Event()

    def wait() -> None:
        while (got := woken.recv(1)) and got[0] not in numbers:
            pass  # a signal that ends nothing, such as a window's change of size
        if got and not ended.wait(latest):
            late(signal.Signals(got[0]).name)

    waiting = threading.Thread(target=wait, name="signals", daemon=True)
    waiting.start()
    before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        ended.set()
        wakes.close()
        waiting.join()
        woken.close()
