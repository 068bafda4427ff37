"""Features as a show asks for them: live hears what offline pulls, and a fault is reported."""

import threading

import numpy as np

from livebend.audio.analyzer import Analyzer
from livebend.audio.feature_sources import HeardSound, PulledSound
from livebend.audio.inputs import PlayedInput
from livebend.audio.sound import RATE, MemorySound
from livebend.audio.sound_file import SoundFile
from livebend.core.clock import LiveClock, OfflineClock
from livebend.flow import Features
from tests.fakes.sound import clicks, sine
from tests.fakes.sound_files import write_sound
from tests.fakes.times import ManualTime
from tests.fakes.virtual_time import VirtualTime

HOP, FPS = 245, 20
SOUND = MemorySound(clicks(1.0, 0.25), "clicks")


def offline(seconds):
    pulled = PulledSound(SOUND, Analyzer(HOP, FPS))
    return [pulled.at(tick.time) for tick in OfflineClock(FPS, seconds)]


def live(seconds):
    """Play through the audio worker, render in this thread, both on one virtual time."""
    me = threading.current_thread().name
    time = VirtualTime({"audio": 0, me: 1})
    faults = []
    played = PlayedInput(SOUND, HOP, time, print)
    heard = HeardSound(played, Analyzer(HOP, FPS), (), lambda *f: faults.append(f)).start()
    ticks = LiveClock(time, threading.Event(), FPS, seconds)
    features = [heard.at(tick.time) for tick in ticks]
    time.leave(me)
    heard.close()
    assert faults == []
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
    assert PulledSound(SOUND, Analyzer(HOP)).at(0.001) == Features()


def test_a_file_that_goes_away_is_silence_until_it_is_back(tmp_path):
    path, kept, notices = tmp_path / "x.wav", tmp_path / "kept", []
    write_sound(path, sine(440, 0.1))
    played = PlayedInput(SoundFile(path), HOP, ManualTime(), notices.append)
    stop = threading.Event()
    path.rename(kept)
    assert all(not played.read(stop)[0].any() for _ in range(5))
    assert len(notices) == 1
    assert "x.wav: cannot be read as sound" in notices[0]
    kept.rename(path)
    heard = [played.read(stop)[0].any() for _ in range(200)]
    assert not heard[0]
    assert heard[-1]
    assert len(notices) == 1
    played.close()


def test_a_file_is_looped_without_a_gap(tmp_path):
    ramp = np.arange(5000, dtype=np.float32) / 10_000
    sound = SoundFile(write_sound(tmp_path / "x.wav", ramp, 44100, "pcm_f32le"))
    played, stop = PlayedInput(sound, HOP, ManualTime(), print), threading.Event()
    heard = np.concatenate([played.read(stop)[0] for _ in range(60)], axis=1)
    assert np.allclose(heard[0], np.resize(ramp, 60 * HOP))
    played.close()


def test_a_recording_reaches_its_end_and_no_further():
    pulled = PulledSound(SOUND, Analyzer(HOP))
    assert pulled.reaches(1.0)
    assert not pulled.reaches(1.0001)
    pulled.at(0.9)
    assert pulled.reaches(1.0)
    assert not pulled.reaches(1.0001)


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
    heard = HeardSound(script, Analyzer(HOP), [lambda b, t: tapped.append(t)]).start()
    heard.close()
    assert [heard.at(t).time for t in (0.05, 0.1, 0.25, 9.0)] == [0.0, 0.1, 0.2, 0.3]
    assert heard.at(0.3).time == 0.3
    assert tapped == [0.1, 0.2, 0.3]
    assert script.closed
    assert heard.overflows == 3


def test_a_fault_in_the_worker_is_reported_and_the_input_closed():
    script, faults = Script([(np.zeros(3, np.float32), 0.1)]), []
    heard = HeardSound(script, Analyzer(HOP), on_fault=lambda *f: faults.append(f)).start()
    heard.close()
    assert len(faults) == 1
    assert script.closed
    assert heard.at(1.0) == Features()


def test_an_input_that_fails_is_opened_again_with_silence_until_then():
    block, opened, faults = sine(440, 1)[:HOP], [], []
    scripts = [Script([(block, 0.1), (np.zeros(3, np.float32), 0.2)]), Script([(block, 0.3)])]

    def again():
        opened.append(heard.at(9.0))
        return scripts[1], Analyzer(HOP)

    heard = HeardSound(
        scripts[0], Analyzer(HOP), (), lambda *f: faults.append(f), again=again
    ).start()
    heard.worker.wait(5.0)
    assert [name for name, _ in faults] == ["audio"]
    assert (opened[0].time, opened[0].rms) == (0.1, 0.0)
    assert heard.at(9.0).time == 0.3
    assert all(script.closed for script in scripts)


def test_an_input_that_hangs_is_left_behind():
    time, block, faults, free = ManualTime(), sine(440, 1)[:HOP], [], threading.Event()

    class Hanging(Script):
        def read(self, stop):
            free.wait(20.0)
            return block, 0.1

    heard = HeardSound(
        Hanging([]), Analyzer(HOP), (), lambda *f: faults.append(f),
        again=lambda: (Script([(block, 5.0)]), Analyzer(HOP)), now=time.now,
    ).start()  # fmt: skip
    time.moment = 3.5
    heard.worker.look()
    heard.worker.wait(5.0)
    assert faults == [("audio", None)]
    free.set()
    heard.close()
    assert heard.at(9.0).time == 5.0
