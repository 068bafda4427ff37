"""Statistics of a show agree with numpy and stay small, whoever counts."""

import math
import threading

import numpy as np
import pytest

from livebend.core.statistics import NOTICES, Histogram, Statistics
from livebend.core.status import MemoryUse
from livebend.flow import Features, Frame
from tests.fakes.times import ManualTime


def frame_of(sound_time: float) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), 0, sound_time, sound_time, 0.0)


@pytest.mark.parametrize("percent", [1, 50, 95, 99, 100])
def test_percentiles_agree_with_numpy(percent: int) -> None:
    values = np.random.default_rng(3).lognormal(3, 0.8, 20_000)
    histogram = Histogram()
    for value in values:
        histogram.add(float(value))
    expected = np.percentile(values, percent, method="inverted_cdf")
    assert histogram.percentile(percent) == pytest.approx(expected, rel=0.006)


def test_histogram_keeps_its_size_and_takes_anything() -> None:
    histogram = Histogram()
    for value in (0.0, -1.0, 1e-9, 1e12, float("nan"), float("inf")):
        histogram.add(value)
    assert histogram.count == 4
    assert histogram.percentile(0) == pytest.approx(1e-3, rel=0.01)
    assert histogram.percentile(100) == pytest.approx(1e6, rel=0.02)


def test_nothing_yet_is_nought() -> None:
    report = Statistics(ManualTime()).report()
    assert report["fps"] == 0.0
    assert report["frame_ms"] == {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    assert Statistics(ManualTime()).status(Features()).fps == 0.0


def test_rates_times_and_stages() -> None:
    time = ManualTime()
    statistics = Statistics(time)
    for index in range(101):
        time.moment = index * 0.05
        statistics.frame(10.0 + index % 2, {"vae": 4e-3} if index % 2 else {}, rerun=0.25)
        statistics.shown(frame_of(time.moment - 0.1))
    status, report = statistics.status(Features(rms=0.5), "t", "p"), statistics.report()
    assert status.fps == pytest.approx(20.0)
    assert status.latency_ms.p50 == pytest.approx(100.0)
    assert (status.rerun, status.features.rms, status.title, status.prompt) == (0.25, 0.5, "t", "p")
    assert report["fps"] == pytest.approx(20.0)
    assert report["frames_generated"] == report["frames_shown"] == 101
    assert report["frame_ms"]["p99"] == pytest.approx(11.0, rel=0.006)
    assert report["stage_ms"] == {"vae": pytest.approx(4.0)}


def test_notices_are_few_and_a_repeated_one_moves_up() -> None:
    time = ManualTime()
    statistics = Statistics(time)
    for moment, text in enumerate([*map(str, range(NOTICES)), "new", "3", "3"]):
        time.moment = float(moment)
        statistics.notice(text, "warning")
    notices = statistics.status(Features()).notices
    assert [n.text for n in notices] == ["1", "2", "4", "5", "6", "7", "new", "3"]
    assert notices[-1].time == NOTICES + 2


def test_counting_from_many_threads_loses_nothing() -> None:
    statistics = Statistics(ManualTime())

    def work() -> None:
        for _ in range(500):
            statistics.count("commands_received")
            statistics.hop(50.0e-6)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = statistics.report()
    assert report["commands_received"] == report["audio_hops"] == 2000
    assert report["hop_us"]["p50"] == pytest.approx(50.0, rel=0.006)


def test_an_unknown_counter_is_a_mistake_in_the_code() -> None:
    with pytest.raises(KeyError):
        Statistics(ManualTime()).count("nonsense")  # type: ignore[arg-type]


def test_what_stages_remember_is_in_the_status_and_the_report() -> None:
    statistics = Statistics(ManualTime())
    statistics.watch(lambda: "onnx 3", lambda: MemoryUse(24.0, 2147.0, 3))
    status = statistics.status(Features())
    assert (status.engine, status.memory) == ("onnx 3", MemoryUse(24.0, 2147.0, 3))
    assert statistics.report()["memory"] == {"mb": 24.0, "cap_mb": 2147.0, "evicted": 3}


def test_a_report_has_the_meters_of_every_bend() -> None:
    statistics = Statistics(ManualTime())
    for d in (0.1, 0.3):
        statistics.frame(8.0, strength={"b": d})
    statistics.frame(8.0, strength={"b": math.nan})
    assert statistics.report()["bends"] == {"b": {"frames": 2, "d": 0.2, "d_most": 0.3}}
    for n in range(200):
        statistics.frame(8.0, strength={f"b{n}": 0.1})
    assert len(statistics.report()["bends"]) == 64
