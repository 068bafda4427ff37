"""Phases go on at the rate of the moment, and are exact where it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.modulation.phase import Phase


@given(
    st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.001, 1.0)), min_size=1, max_size=30),
    st.integers(0, 29),
)
def test_a_phase_goes_on_at_the_rate_it_has_at_every_step(steps, cut):
    phase, time, gone = Phase(), 0.0, 0.0
    for place, (rate, dt) in enumerate(steps):
        phase = phase.copy() if place == cut else phase
        time, gone = time + dt, gone + rate * dt
        assert phase.advance(rate, time, dt) == pytest.approx(gone, abs=1e-6)


def test_a_rate_that_stays_gives_the_time_of_the_show_exactly():
    slow, fast = Phase(), Phase()
    for k in range(1, 1001):
        last = fast.advance(0.3, k / 100, 0.01)
    assert last == slow.advance(0.3, 10.0, 10.0) == 0.3 * 10.0
