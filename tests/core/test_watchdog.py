"""Parts that fail or hang are started again, each by itself."""

import threading

import pytest

from livebend.core import watchdog
from livebend.core.watchdog import KeptWorker, Term, Watchdog, said
from tests.fakes.osc import wait_for
from tests.fakes.times import ManualTime


@pytest.fixture
def time(monkeypatch):
    monkeypatch.setattr(watchdog, "SHORTEST", 0.0)
    return ManualTime()


class Part:
    """Work that does as it is told in each of its terms."""

    def __init__(self, time, *doing, **options):
        self.terms, self.faults, self.free = [], [], threading.Event()
        self._doing = doing
        self.worker = KeptWorker("part", self._work, time.now, self._fault, **options)

    def _work(self, term):
        self.terms.append(term)
        what = self._doing[term.number] if term.number < len(self._doing) else "wait"
        if what == "raise":
            raise ValueError("no")
        if what == "hang":
            self.free.wait(20.0)
        elif what == "wait":
            term.wait(20.0)

    def _fault(self, name, failure):
        self.faults.append(said(name, failure))


def test_one_that_fails_begins_anew_in_its_thread(time):
    part = Part(time, "raise", "raise", "wait")
    part.worker.start()
    wait_for(lambda: len(part.terms) == 3)
    assert part.faults == ["part failed: ValueError: no; it is started again"] * 2
    assert part.worker.alive
    assert part.worker.stop()


def test_one_that_hangs_is_left_behind_and_another_takes_over(time):
    part, before = Part(time, "hang"), threading.active_count()
    part.worker.start()
    wait_for(lambda: part.terms)
    dog = Watchdog([part.worker], time.now)
    for _ in range(12):
        time.moment += 0.25
        dog.look()
    assert part.faults == []
    time.moment += 0.25
    dog.look()
    wait_for(lambda: len(part.terms) == 2)
    assert part.faults == ["part hangs; it is started again"]
    old, new = part.terms
    assert (old.left_behind, threading.Event.is_set(old)) == (True, True)
    assert (new.left_behind, new.number) == (False, 1)
    part.free.set()
    wait_for(lambda: threading.active_count() == before + 1)
    time.moment += 100.0
    part.worker.look()
    assert len(part.faults) == 1
    assert part.worker.stop()


def test_a_process_that_was_stopped_has_no_part_that_hangs(time):
    part = Part(time, "hang")
    part.worker.start()
    dog = Watchdog([part.worker], time.now)
    time.moment += 60.0
    dog.look()
    assert part.faults == []
    part.free.set()


def test_one_that_comes_to_its_end_is_not_started_again(time):
    part = Part(time, "return")
    part.worker.start().wait(5.0)
    part.worker.look()
    assert not part.worker.alive
    assert len(part.terms) == 1


def test_a_fault_that_ends_the_part_is_passed_on(time):
    ended = []
    part = Part(time, "raise", ends_with=lambda _: True, on_end=ended.append)
    part.worker.start().wait(5.0)
    assert (part.faults, len(ended)) == ([], 1)


def test_one_that_is_stopped_between_two_terms_ends(monkeypatch):
    monkeypatch.setattr(watchdog, "SHORTEST", 20.0)
    part = Part(ManualTime(), "raise")
    part.worker.start()
    wait_for(lambda: part.faults)
    assert part.worker.stop()
    assert len(part.terms) == 1


def test_every_look_at_a_term_is_a_sign_of_life(time):
    term = Term(time.now)
    time.moment = 5.0
    assert term.silent() == 5.0
    assert not term.is_set()
    assert term.silent() == 0.0
    term.set()
    time.moment = 9.0
    assert term.wait(1.0)
    assert term.silent() == 0.0
