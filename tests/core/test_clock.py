"""The time of a show: a process that stands still has nothing to make up for."""

import threading
from itertools import islice, pairwise

import pytest

from livebend.audio.demo import demo_sound
from livebend.audio.inputs import PlayedInput
from livebend.control.cues import Cues
from livebend.core import clock
from livebend.core.clock import GAP, LiveClock, SystemTime
from livebend.flow import Features
from livebend.modulation.modulator import Modulator
from livebend.scene.presets import PresetBank
from livebend.scene.values import Bend, Route, Scene

DAYS = 2 * 86_400.0  # s
HOP = 245


class Machine(threading.Event):
    """A machine whose steady clock a test moves, and the `stop` of a show: who waits for it is
    there at once."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = 1000.0

    def wait(self, timeout: float | None = None) -> bool:
        self.moment += max(timeout or 0.0, 1e-9)
        return self.is_set()


@pytest.fixture
def machine(monkeypatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(clock, "now", lambda: made.moment)
    return made


def test_a_time_in_which_the_process_stood_still_is_no_time_of_the_show(machine):
    time = SystemTime()
    machine.moment += 1.0
    assert time.now() == pytest.approx(1.0)
    machine.moment += 60.0
    assert time.now() == pytest.approx(1.0)
    machine.moment += 0.5
    assert time.now() == pytest.approx(1.5)
    assert (time.missed(), time.missed()) == (60.0, 0.0)


@pytest.mark.parametrize("hang", [0.3, 1.9])
def test_a_frame_that_takes_long_is_time_of_the_show(machine, hang):
    time = SystemTime()
    machine.moment += hang
    assert time.now() == pytest.approx(hang)


def test_who_waits_for_long_has_not_stood_still(machine):
    time = SystemTime()
    assert time.wait_until(100.0, machine)
    assert (time.now(), time.missed()) == (pytest.approx(100.0), 0.0)


def test_frames_go_on_at_their_pace_after_a_stop(machine):
    """60 s of SIGSTOP, or of a suspended machine whose clock went on, in the middle of a frame."""
    ticks = []
    for tick in LiveClock(SystemTime(), machine, 20.0, 2.0):
        ticks.append(tick)
        if tick.index == 15:
            machine.moment += 60.0
    assert len(ticks) == 40
    assert max(tick.dt for tick in ticks) == pytest.approx(0.05)


def test_a_frame_that_hung_is_not_made_up_for(machine):
    ticks = []
    for tick in islice(LiveClock(SystemTime(), machine, 20.0, 5.0), 40):
        ticks.append(tick.time)
        if tick.index == 15:
            machine.moment += GAP - 0.1
    late = [after - before for before, after in pairwise(ticks)]
    assert sorted(late)[-1] == pytest.approx(GAP - 0.1)
    assert sorted(late)[:-1] == pytest.approx([0.05] * 38, abs=1e-6)


def test_sound_goes_on_at_its_pace_after_a_stop(machine):
    source, ends, reals = PlayedInput(demo_sound(), HOP, SystemTime(), print), [], []
    for hop in range(400):
        ends.append(source.read(machine)[1])
        reals.append(machine.moment)
        if hop == 100:
            machine.moment += 60.0
    between = [after - before for before, after in pairwise(reals)]
    assert min(between) > 0.5 * HOP / 44100  # no burst
    assert ends[-1] == pytest.approx(400 * HOP / 44100)
    source.close()


def test_cues_come_one_after_another_after_a_stop(machine, tmp_path):
    (tmp_path / "cues.txt").write_text("".join(f"{n} walk.radius 0.{n}\n" for n in range(1, 9)))
    cues, together = Cues(tmp_path / "cues.txt", PresetBank().load), []
    for tick in LiveClock(SystemTime(), machine, 10.0, 9.0):
        together.append(len(cues.until(tick.time)))
        if tick.index == 25:
            machine.moment += 60.0
    assert (max(together), sum(together)) == (1, 8)


SCENE = Scene(
    bends=(Bend("a", "rotate", "latent@1", {"angle": 0.0}),),
    routes=(
        Route("sine", "lfo.sine", "bend.a.angle", high=90.0, rate=0.25),
        Route("saw", "lfo.saw", "walk.radius", high=0.5, rate=0.7),
    ),
)


def test_phases_are_as_smooth_after_two_days():
    """The values of LFOs over nearly 10 s, at the beginning and two days on: a whole number of
    their periods later."""

    def values(begin: float) -> list[float]:
        modulator, found = Modulator(), []
        for k in range(1, 300):
            made = modulator.modulate(SCENE, Features(), begin + k / 30, 1 / 30)
            found += made.values.values()
        return found

    assert values(DAYS) == pytest.approx(values(0.0), abs=1e-5)


def test_a_show_of_two_days_keeps_its_pace(machine):
    time = SystemTime()
    machine.moment += 1.0
    for _ in range(int(DAYS)):
        time.now()
        machine.moment += 1.0
    assert time.now() == pytest.approx(DAYS + 1.0)
    ticks = list(islice(LiveClock(time, machine, 60.0), 600))
    assert max(tick.dt for tick in ticks) == pytest.approx(1 / 60, abs=1e-6)
    assert ticks[-1].time - DAYS == pytest.approx(11.0, abs=1e-6)
