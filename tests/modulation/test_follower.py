"""Followers: attack and release are time constants, whatever the frame rate."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.modulation.follower import followed

unit = st.floats(0, 1)
tau = st.floats(0, 10)


@given(unit, unit, st.floats(1e-4, 2), tau, tau)
def test_two_steps_of_half_the_time_equal_one(value, target, dt, attack, release):
    half = followed(value, target, dt / 2, attack, release)
    twice = followed(half, target, dt / 2, attack, release)
    assert twice == pytest.approx(followed(value, target, dt, attack, release), abs=1e-12)


@given(unit, unit, st.floats(0, 2), tau, tau)
def test_a_follower_never_overshoots(value, target, dt, attack, release):
    out = followed(value, target, dt, attack, release)
    assert min(value, target) - 1e-12 <= out <= max(value, target) + 1e-12


def test_attack_and_release_are_time_constants():
    assert followed(0, 1, 0.3, 0.3, 9) == pytest.approx(1 - math.exp(-1))
    assert followed(1, 0, 0.3, 9, 0.3) == pytest.approx(math.exp(-1))
