"""Every thread of a show has its own number of threads to compute with."""

from threading import Thread

import pytest
import torch

from livebend.cli.live_show import LiveOptions, LiveShow
from livebend.device import torch_threads
from livebend.device.torch_threads import compute_with, counts, usable
from livebend.models.backends.tuned_choice import Conditions
from tests.fakes.virtual_time import VirtualTime


@pytest.fixture
def three(monkeypatch):
    """A process in which torch takes three threads by itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    monkeypatch.setattr(torch_threads, "DEFAULT", 3)
    yield
    torch.set_num_threads(before)


def in_a_thread(work):
    said = []
    thread = Thread(target=lambda: said.append(work()))
    thread.start()
    thread.join()
    return said[0]


def test_a_number_is_the_calling_thread_s_alone(three):
    def one():
        compute_with(1)
        return torch.get_num_threads()

    assert in_a_thread(one) == 1
    assert in_a_thread(torch.get_num_threads) == 3
    assert torch.get_num_threads() == 3


def test_a_show_paints_with_its_network_s_number_whatever_its_text_worker_has(
    three, monkeypatch, model_folder
):
    monkeypatch.setattr("livebend.rendering.open_network.USUAL", Conditions(3))
    wishes = LiveOptions(
        model=str(model_folder("turbo")), size=(64, 64), fps=20.0, headless=True, seconds=0.3,
        osc="127.0.0.1:0",
    )  # fmt: skip
    show, painted = LiveShow(wishes, VirtualTime({"audio": 0, "render": 1})), []
    show.statistics.shown = lambda frame: painted.append(torch.get_num_threads())
    report = show.play()
    assert set(painted) == {3}
    assert report["engine"].endswith(" on cpu, 3 threads, channels_last")


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
