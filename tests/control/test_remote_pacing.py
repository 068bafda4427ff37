"""The remote's thread rests when it has worked more than its share."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.control.remote import pacing
from livebend.control.remote.pacing import BURST, LONGEST, SHARE, Allowance, PacedSelector


class Thread:
    """A thread's time, and how long it has worked."""

    def __init__(self):
        self.time = self.work = 0.0

    def works(self, seconds):
        self.time += seconds
        self.work += seconds


@given(st.lists(st.tuples(st.floats(0.0, 0.02), st.floats(0.0, 0.1)), max_size=200))
def test_it_works_its_share_of_any_time_and_a_burst_and_one_piece_more(turns):
    thread = Thread()
    allowance, most = Allowance(lambda: thread.time, lambda: thread.work), 0.0
    for work, idle in turns:
        thread.time += idle
        thread.works(work)
        most = max(most, work)
        rest = allowance.rest()
        assert 0.0 <= rest <= LONGEST
        thread.time += rest
    while (rest := allowance.rest()) > 1e-9:
        thread.time += rest
    assert thread.work <= SHARE * thread.time + BURST + 1e-9


def test_a_little_work_is_followed_by_no_rest():
    thread = Thread()
    allowance = Allowance(lambda: thread.time, lambda: thread.work)
    for _ in range(100):
        thread.works(BURST / 2)
        thread.time += BURST / 2 / SHARE
        assert allowance.rest() == 0.0


@pytest.mark.parametrize("work", [0.0, BURST + SHARE * LONGEST / 2])
def test_a_loop_rests_after_work_and_wakes_at_its_time(monkeypatch, work):
    slept = []
    thread = Thread()
    monkeypatch.setattr(pacing.clock, "sleep", slept.append)
    monkeypatch.setattr(pacing.clock, "worked", lambda: thread.work)

    async def some():
        thread.work += work
        await asyncio.sleep(0.001)
        return "done"

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(PacedSelector())) as runner:
        assert runner.run(some()) == "done"
    assert bool(slept) == bool(work)
    assert all(0.0 < rest <= LONGEST for rest in slept)
