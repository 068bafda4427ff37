"""Curves and edges: what a route makes of its source, and what happens at the end of a range."""

import math
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.core.ranges import Range
from livebend.modulation.curves import CURVES, edged, shaped
from livebend.scene import values as scenes

ANGLE = Range(-360, 360, "deg", wraps=True)


def test_curves_keep_0_and_1_in_their_places():
    for name, curve in CURVES.items():
        ends = (1, 0) if name == "inverse" else (0, 1)
        assert (curve.shape(0.0), curve.shape(1.0)) == ends
    assert shaped(0.5, "square") == 0.25
    assert shaped(float("nan"), "linear") == 0
    assert set(CURVES) == set(typing.get_args(scenes.Shape))


@pytest.mark.parametrize(
    ("edge", "expected"), [("fit", 1.0), ("clip", 1.0), ("wrap", 0.25), ("fold", 0.75)]
)
def test_edges_of_an_interval(edge, expected):
    assert edged(1.25, edge, Range(0, 1)) == pytest.approx(expected)
    assert edged(0.3, edge, Range(0, 1)) == pytest.approx(0.3)


@given(st.floats(-1e6, 1e6), st.sampled_from(typing.get_args(scenes.Edge)))
def test_every_edge_ends_inside(number, edge):
    assert -2 <= edged(number, edge, Range(-2, 5)) <= 5
    assert -360 <= edged(number, edge, ANGLE) <= 360


@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.sampled_from(["clip", "wrap", "fold"]))
def test_what_is_not_finite_ends_inside(number, edge):
    assert 0 <= edged(number, edge, Range(0, 1)) <= 1
