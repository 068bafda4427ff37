import threading

import numpy as np
import pytest

from livebend.audio.analyzer import Analyzer
from livebend.audio.feature_sources import HeardSound, PulledSound
from livebend.audio.inputs import DeviceInput, PlayedInput
from livebend.audio.sound import Sound
from livebend.core.clock import LiveClock, OfflineClock
from livebend.flow import Features
from tests.fakes.sound import clicks, sine
from tests.fakes.virtual_time import VirtualTime

RATE, HOP, FPS = 44100, 245, 20
SOUND = Sound(clicks(1.0, 0.25), RATE, "clicks")


def offline(seconds):
    pulled = PulledSound(SOUND, Analyzer(RATE, HOP, FPS))
    return [pulled.at(tick.time) for tick in OfflineClock(FPS, seconds)]


def live(seconds):
    """Play through the audio worker, render in this thread, both on one virtual time."""
    me = threading.current_thread().name
    time = VirtualTime({"audio": 0, me: 1})
    heard = HeardSound(PlayedInput(SOUND, HOP, time), Analyzer(RATE, HOP, FPS)).start()
    ticks = LiveClock(time, threading.Event(), FPS, seconds)
    features = [heard.at(tick.time) for tick in ticks]
    time.leave(me)
    heard.close()
    assert heard.worker.failure is None
    assert not heard.worker.alive
    return features


def test_live_hears_exactly_what_offline_pulls():
    expected = offline(1.0)
    assert len(expected) == 20
    assert live(1.0) == expected


def test_past_the_end_live_begins_again_and_offline_is_silent():
    assert offline(1.5)[-1].silent
    assert not live(1.5)[-1].silent


def test_a_hop_that_ends_with_the_frame_belongs_to_it():
    assert [f.time for f in offline(0.5)] == [(k + 1) * 2205 / RATE for k in range(10)]


def test_before_the_first_hop_there_is_silence():
    assert PulledSound(SOUND, Analyzer(RATE, HOP)).at(0.001) == Features()


class Script:
    """An input of prepared hops."""

    overflows = 3

    def __init__(self, hops):
        self.hops, self.closed = iter(hops), False

    def read(self, stop):
        return next(self.hops, None)

    def close(self):
        self.closed = True


def test_history_gives_the_newest_up_to_a_time():
    block = sine(440, 1)[:HOP]
    script = Script([(block, 0.1), (block, 0.2), (block, 0.3)])
    tapped = []
    heard = HeardSound(script, Analyzer(RATE, HOP), [lambda b, t: tapped.append(t)]).start()
    heard.worker._thread.join()
    assert [heard.at(t).time for t in (0.05, 0.1, 0.25, 9.0)] == [0.0, 0.1, 0.2, 0.3]
    assert heard.at(0.3).time == 0.3
    assert tapped == [0.1, 0.2, 0.3]
    assert script.closed
    assert heard.overflows == 3


def test_a_fault_in_the_worker_is_reported_and_the_input_closed():
    script, faults = Script([(np.zeros(3, np.float32), 0.1)]), []
    heard = HeardSound(script, Analyzer(RATE, HOP), on_failure=faults.append).start()
    heard.worker._thread.join()
    assert len(faults) == 1
    assert script.closed
    assert heard.at(1.0) == Features()


class Reader:
    """A device that gives what it is told."""

    overflows = 0

    def __init__(self, script):
        self.script, self.closed = iter(script), False

    def read(self):
        return next(self.script)

    def close(self):
        self.closed = True


class Now:
    """A time that passes by waiting alone."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def wait_until(self, moment, stop):
        self.time = max(self.time, moment)
        return not stop.is_set()


def test_a_lost_device_is_silence_at_the_same_pace():
    time, stop = Now(), threading.Event()
    block = np.ones(HOP, np.float32)
    source = DeviceInput(Reader([(block, 0.0), None, None, (block, 0.0)]), RATE, HOP, time)
    time.time = 0.5
    heard = [source.read(stop) for _ in range(4)]
    assert [b.max() for b, _ in heard] == [1, 0, 0, 1]
    assert [t for _, t in heard] == pytest.approx(
        [0.5, 0.5 + HOP / RATE] + [0.5 + 2 * HOP / RATE] * 2
    )
    stop.set()
    assert source.read(stop) is None


def test_the_silence_of_a_long_wait_is_made_up_for():
    time, stop = Now(), threading.Event()

    class Slow(Reader):
        def read(self):
            time.time += 10.5 * HOP / RATE

    source = DeviceInput(Slow([]), RATE, HOP, time)
    times = [source.read(stop)[1] for _ in range(10)]
    assert times == pytest.approx([(k + 1) * HOP / RATE for k in range(10)])
    assert time.time == pytest.approx(10.5 * HOP / RATE)
    source.read(stop)
    assert time.time == pytest.approx(21 * HOP / RATE)


def test_sound_that_waited_is_dated_back():
    time = Now()
    source = DeviceInput(Reader([(np.ones(HOP, np.float32), 0.02)]), RATE, HOP, time)
    time.time = 1.0
    assert source.read(threading.Event())[1] == pytest.approx(0.98)


def test_virtual_time_runs_threads_one_after_another_in_order():
    time, order, stop = VirtualTime({"a": 1, "b": 0, "c": 2}), [], threading.Event()

    def play(name, period, count):
        for k in range(1, count + 1):
            assert time.wait_until(k * period, stop)
            order.append((round(time.now(), 3), name))

    plays = {"a": (0.2, 3), "b": (0.3, 3), "c": (0.1, 2)}
    threads = [threading.Thread(target=play, args=(n, *p), name=n) for n, p in plays.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    ranks = {"a": 1, "b": 0, "c": 2}
    assert order == sorted(order, key=lambda o: (o[0], ranks[o[1]]))
    assert len(order) == 8
