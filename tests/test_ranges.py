"""What 0..1 means: eased shares."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from livebend.ranges import eased

shares = st.floats(0.0, 1.0)


@given(shares)
def test_an_eased_share_is_the_same_from_both_ends(u):
    assert eased(1.0 - u) == pytest.approx(1.0 - eased(u), abs=1e-12)


@given(shares, shares)
def test_an_eased_share_rises_and_stays_a_share(u, v):
    low, high = sorted((u, v))
    assert 0.0 <= eased(low) <= eased(high) + 1e-15
    assert eased(high) <= 1.0


def test_its_ends_are_soft_and_exact():
    assert (eased(0.0), eased(0.5), eased(1.0)) == (0.0, 0.5, 1.0)
    assert eased(1e-4) / 1e-4 < 1e-3  # the slope at the start


def test_a_tensor_and_an_array_are_eased_as_numbers_are():
    u = np.linspace(0.0, 1.0, 33)
    each = [eased(float(share)) for share in u]
    assert np.array_equal(eased(u), each)
    assert np.array_equal(eased(torch.from_numpy(u)).numpy(), each)
