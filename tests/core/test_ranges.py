"""What 0..1 means: easing, and what a fader covers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from livebend.core.ranges import Range, eased
from livebend.operators.library import all_operators
from livebend.scene import paths
from livebend.scene.values import Bend, Route, Scene

unit = st.floats(0.0, 1.0)


@given(unit)
def test_easing_is_the_same_from_both_ends(u):
    assert eased(1.0 - u) == pytest.approx(1.0 - eased(u), abs=1e-12)


@given(unit, unit)
def test_easing_rises_and_stays_within_0_and_1(u, v):
    low, high = sorted((u, v))
    assert 0.0 <= eased(low) <= eased(high) + 1e-15
    assert eased(high) <= 1.0


def test_its_ends_are_soft_and_exact():
    assert (eased(0.0), eased(0.5), eased(1.0)) == (0.0, 0.5, 1.0)
    assert eased(1e-4) / 1e-4 < 1e-3  # the slope at the start


def test_a_tensor_and_an_array_are_eased_as_numbers_are():
    u = np.linspace(0.0, 1.0, 33)
    each = [eased(float(position)) for position in u]
    assert np.array_equal(eased(u), each)
    assert np.array_equal(eased(torch.from_numpy(u)).numpy(), each)


SCENE = Scene(
    bends=tuple(Bend(name, name, "image") for name in all_operators()),
    routes=(Route("r", "rms", "bend.add.amount"),),
)
NUMBERS = [(path, spec) for path, spec in paths.every(SCENE) if spec.range is not None]


@pytest.mark.parametrize(("path", "spec"), NUMBERS, ids=[path for path, _ in NUMBERS])
def test_a_fader_reaches_the_default_and_stays_within_the_range(path, spec):
    reach = spec.range.soft_range
    assert spec.range.low <= reach.low <= spec.default <= reach.high <= spec.range.high
    for position in (0.0, 0.25, 1.0):
        value = reach.from_unit(position)
        assert spec.check(value, path) == value
        assert spec.range.whole or reach.to_unit(value) == pytest.approx(position)
    if spec.range.scales:
        assert reach.high - reach.low <= 4.0


def test_a_fader_shows_a_value_beyond_the_soft_range_at_its_end():
    sigma = Range(-1000, 1000, "sigma", soft=(-2, 2)).soft_range
    assert [sigma.to_unit(value) for value in (-900, -2, 0, 1, 900)] == [0, 0, 0.5, 0.75, 1]
    assert sigma.from_unit(7) == 2.0


def test_an_angle_is_shown_by_where_it_points():
    turn = Range(-360, 360, "deg", wraps=True, soft=(-180, 180)).soft_range
    assert [turn.to_unit(value) for value in (-270, 90, 350)] == pytest.approx(
        [0.75, 0.75, 170 / 360]
    )


@pytest.mark.parametrize("soft", [(-2, 0.5), (0.5, 0.5), (0.8, 0.2), (0, 2)])
def test_the_soft_range_is_a_part_of_the_range(soft):
    with pytest.raises(ValueError, match=r"expected a part of 0\.\.1"):
        Range(0, 1, soft=soft)


@given(st.sampled_from(NUMBERS), st.floats() | st.booleans() | st.integers(-500, 500))
def test_a_live_value_is_brought_to_one_that_is_allowed(path_and_spec, value):
    path, spec = path_and_spec
    fitted = spec.fit(value, path)
    assert spec.check(fitted, path) == fitted
    assert type(fitted) is {"float": float, "int": int}[spec.kind]
    if value == value and spec.range.low <= value <= spec.range.high:
        assert fitted == (round(value) if spec.range.whole else value)
