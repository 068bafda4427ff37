"""The history of the sound: newest first, bounded, the same at every frame rate."""

import pytest

from livebend.flow import TRACE_LENGTH, Features
from livebend.modulation.feature_history import FeatureHistory
from tests.fakes.growth import held_by


def test_a_history_is_what_was_heard_newest_first():
    history = FeatureHistory()
    assert history.trace("rms", 4.0) == (0.0,) * TRACE_LENGTH
    for k in range(101):
        history.add(k / 20, Features(rms=k / 200, low=0.25))
    trace = history.trace("rms", 4.0)
    assert trace[0] == 0.5
    assert trace[-1] == pytest.approx(0.1)
    assert set(history.trace("low", 4.0)) == {0.25}
    assert history.trace("rms", 10.0)[-1] == 0.0


def test_a_history_is_bounded_and_the_same_at_every_frame_rate():
    traces = []
    for fps in (20, 60):
        history = FeatureHistory()
        for k in range(60 * fps):
            history.add(k / fps, Features(rms=k / fps / 60))
            if k == 40 * fps:
                held = held_by(history)
        traces.append(history.trace("rms", 8.0))
        assert held_by(history) <= held
    assert traces[0] == pytest.approx(traces[1], abs=1.0 / 20 / 60)
