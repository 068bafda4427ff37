"""A device as an input: what is lost is silence, at the pace of the sound."""

import threading

import numpy as np
import pytest

from livebend.audio.inputs import DeviceInput
from tests.fakes.times import ManualTime

RATE, HOP = 44100, 245


class FakeDevice:
    """A device that gives prepared blocks."""

    overflows = 0

    def __init__(self, script):
        self.script, self.closed = iter(script), False

    def read(self):
        return next(self.script)

    def close(self):
        self.closed = True


def test_a_lost_device_is_silence_at_the_same_pace():
    time, stop = ManualTime(), threading.Event()
    block = np.ones((1, HOP), np.float32)
    source = DeviceInput(FakeDevice([(block, 0.0), None, None, (block, 0.0)]), HOP, time)
    time.moment = 0.5
    heard = [source.read(stop) for _ in range(4)]
    assert [b.max() for b, _ in heard] == [1, 0, 0, 1]
    assert [t for _, t in heard] == pytest.approx(
        [0.5, 0.5 + HOP / RATE] + [0.5 + 2 * HOP / RATE] * 2
    )
    stop.set()
    assert source.read(stop) is None


def test_the_silence_of_a_long_wait_is_made_up_for():
    time, stop = ManualTime(), threading.Event()

    class SlowDevice(FakeDevice):
        def read(self):
            time.moment += 10.5 * HOP / RATE

    source = DeviceInput(SlowDevice([]), HOP, time)
    times = [source.read(stop)[1] for _ in range(10)]
    assert times == pytest.approx([(k + 1) * HOP / RATE for k in range(10)])
    assert time.moment == pytest.approx(10.5 * HOP / RATE)
    source.read(stop)
    assert time.moment == pytest.approx(21 * HOP / RATE)


def test_sound_that_waited_is_dated_back():
    time = ManualTime()
    source = DeviceInput(FakeDevice([(np.ones((1, HOP), np.float32), 0.02)]), HOP, time)
    time.moment = 1.0
    assert source.read(threading.Event())[1] == pytest.approx(0.98)
