"""An output that fails or hangs is left out, and the show goes on."""

import threading

import pytest

from livebend.outputs import guarded_output
from livebend.outputs.guarded_output import LEFT_OUT, GuardedOutput
from tests.fakes.times import ManualTime


class Output:
    def __init__(self):
        self.frames, self.fails = [], False
        self.hangs, self.reached = threading.Event(), threading.Event()
        self.hangs.set()

    def write(self, frame):
        if self.fails:
            raise OSError("no such\ndevice")
        self.reached.set()
        self.hangs.wait(20.0)
        self.frames.append(frame)

    def close(self):
        self.frames.append("closed")


@pytest.fixture
def time(monkeypatch):
    made = ManualTime()
    monkeypatch.setattr(guarded_output, "now", made.now)
    return made


def test_one_that_fails_is_left_out_for_a_while_and_said_once(time):
    output, said = Output(), []
    guarded = GuardedOutput("film", output, said.append)
    guarded.write(0)
    output.fails = True
    for frame in range(1, 6):
        time.moment = frame * LEFT_OUT
        guarded.write(frame)
        guarded.write(-frame)  # at once, while it is left out
    assert said == ["film failed: OSError: no such; it is left out until it works"]
    output.fails, time.moment = False, 6 * LEFT_OUT
    guarded.write(6)
    output.fails, time.moment = True, 7 * LEFT_OUT
    guarded.write(7)
    assert len(said) == 2  # a new fault
    guarded.close()
    assert output.frames == [0, 6, "closed"]


def test_one_that_hangs_is_left_out_until_it_answers(time):
    """The thread that it holds is another's to replace, see `Watchdog`."""
    output, said = Output(), []
    guarded = GuardedOutput("film", output, said.append)
    output.hangs.clear()
    held = threading.Thread(target=guarded.write, args=(0,), daemon=True)
    held.start()
    assert output.reached.wait(10.0)
    guarded.write(1)
    guarded.write(2)
    assert said == ["film does not answer; it is left out until it works"]
    output.hangs.set()
    held.join(10.0)
    guarded.write(3)
    assert output.frames == [0, 3]
