"""What the system asks of a show reaches it, also while its main thread waits for something."""

import os
import signal
import threading

import pytest

from livebend.cli.signals import ended_by_signals


def test_the_first_signal_asks_for_the_end_and_later_ones_are_ignored():
    before, asked = signal.getsignal(signal.SIGTERM), []
    with ended_by_signals(asked.append):
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
    assert asked == ["SIGTERM"]
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_main_thread_that_goes_on_is_ended_by_another():
    late, said = [], threading.Event()

    def leave(name):
        late.append((name, threading.current_thread().name))
        said.set()

    with ended_by_signals(lambda _: None, leave, 0.01):
        os.kill(os.getpid(), signal.SIGTERM)
        assert said.wait(5.0)
    assert late == [("SIGTERM", "signals")]


@pytest.mark.skipif(not hasattr(signal, "SIGWINCH"), reason="no such signal here")
def test_other_signals_end_nothing():
    late = []
    signal.signal(signal.SIGWINCH, lambda *_: None)
    with ended_by_signals(late.append, late.append, 0.0):
        signal.raise_signal(signal.SIGWINCH)
    signal.signal(signal.SIGWINCH, signal.SIG_DFL)
    assert late == []
