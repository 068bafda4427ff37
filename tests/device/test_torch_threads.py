"""Every thread of a show has its own number of threads to compute with."""

from threading import Thread

import pytest
import torch

from livebend.device.torch_threads import compute_with, counts, takes_most, usable, usual


def in_a_thread(work):
    said = []
    thread = Thread(target=lambda: said.append(work()))
    thread.start()
    thread.join()
    return said[0]


def test_a_number_is_the_calling_thread_s_alone(three_threads):
    def one():
        compute_with(1)
        return torch.get_num_threads()

    assert in_a_thread(one) == 1
    assert in_a_thread(torch.get_num_threads) == 3
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize(
    ("cores", "said", "found"), [(1, "", 1), (2, "", 2), (3, "", 2), (8, "", 7), (8, "8", 8)]
)
def test_one_core_is_left_to_sound_and_window_where_there_are_more_than_two(
    monkeypatch, cores, said, found
):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setattr("livebend.device.torch_threads.DEFAULT", cores)
    assert usual() == found


@pytest.mark.parametrize(
    ("said", "cores", "found"), [("", 8, 8), ("2", 8, 2), ("4,2", 8, 4), ("16", 8, 8), ("x", 8, 8)]
)
def test_what_may_be_used_is_the_cores_or_fewer(monkeypatch, said, cores, found):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setattr(
        "livebend.device.torch_threads.os.sched_getaffinity",
        lambda _: set(range(cores)),
        raising=False,
    )
    assert usable() == found
    assert counts()[0] == 1
    assert counts()[-1] == found


@pytest.mark.parametrize(
    ("cores", "threads", "most"),
    [(1, 1, True), (2, 1, False), (2, 2, True), (8, 1, False), (8, 4, False), (8, 7, True)],
)
def test_threads_that_take_most_of_the_cores_stay_on_them(monkeypatch, cores, threads, most):
    monkeypatch.setattr("livebend.device.torch_threads.cores", lambda: cores)
    assert takes_most(threads) is most
