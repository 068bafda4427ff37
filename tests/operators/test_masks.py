"""Masks: what holds for every kind, and where each lies."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from livebend.operators import masks
from tests.fakes.masks import built

SIZES = [(32, 32), (9, 5), (8, 24), (1, 1)]
each = pytest.mark.parametrize("kind", sorted(masks.KINDS))


def everything(kind):
    """The defaults, then every number at both ends of its range and inside."""
    yield {}
    for name in masks.settings({"kind": kind}):
        if (limits := masks.SPECS[name].range) is not None:
            for position in (0.0, 0.2, 0.5, 0.9, 1.0):
                value = limits.from_unit(position)
                yield {name: int(value) if masks.SPECS[name].kind == "int" else value}


@each
@pytest.mark.parametrize("size", SIZES)
def test_it_lies_between_0_and_1_and_is_the_same_again(kind, size):
    for values in everything(kind):
        m = built(kind, size, **values)
        assert m.shape == size, values
        assert m.dtype == torch.float32
        assert m.isfinite().all(), values
        assert m.min() >= 0.0, values
        assert m.max() <= 1.0, values
        assert torch.equal(m, built(kind, size, **values)), values


@each
def test_every_number_it_reads_moves_it(kind):
    plain = built(kind, angle=20.0, aspect=1.7)
    for name in masks.settings({"kind": kind}):
        limits = masks.SPECS[name].range
        if limits is None or name == "span":
            continue
        moved = built(kind, **{"angle": 20.0, "aspect": 1.7, name: int(limits.from_unit(0.53) + 1)})
        assert not torch.equal(moved, plain), name


@each
def test_inverted_is_what_is_left_and_half_way_is_flat(kind):
    m = built(kind)
    assert torch.allclose(built(kind, invert=1.0), 1.0 - m, atol=1e-6)
    assert torch.allclose(built(kind, invert=0.5), torch.full_like(m, 0.5), atol=1e-6)


@each
def test_a_whole_turn_is_no_turn(kind):
    if "angle" in masks.settings({"kind": kind}):
        at = [built(kind, angle=a, x=0.1) for a in (0.0, 360.0, -360.0)]
        assert torch.equal(at[0], at[1])
        assert torch.equal(at[0], at[2])


@each
def test_it_is_documented(kind):
    assert masks.KINDS[kind].__doc__
    assert all(spec.doc for spec in masks.SPECS.values())


def inside(m, u, v):
    """The mask's value at a place of −1..1."""
    H, W = m.shape
    return float(m[round((v + 1) / 2 * (H - 1)), round((u + 1) / 2 * (W - 1))])


@pytest.mark.parametrize("kind", ["disc", "rectangle"])
def test_a_shape_lies_where_it_is_put(kind):
    m = built(kind, (65, 65), x=0.5, y=-0.5, size=0.3, softness=0.0)
    assert inside(m, 0.5, -0.5) == 1.0
    assert inside(m, -0.5, 0.5) == inside(m, 0.9, -0.5) == inside(m, 0.5, 0.0) == 0.0
    assert float(built(kind, (64, 64), size=0.0).amax()) < 1e-5


def test_a_disc_is_round_on_an_oblong_picture_and_covers_what_it_says():
    m = built("disc", (40, 80), size=0.25, softness=0.0)
    area = float(m.sum())
    assert area == pytest.approx(np.pi * (0.25 * 40) ** 2, rel=0.02)
    assert torch.equal(m, m.flip(0))
    assert torch.equal(m, m.flip(1))


def test_a_gradient_grows_to_the_right_and_turns_clockwise():
    m = built("gradient", (64, 64), softness=2.0)
    assert torch.allclose(m[5], torch.linspace(0, 1, 65)[:-1] + 0.5 / 64, atol=1e-5)
    assert torch.allclose(built("gradient", (64, 64), softness=2.0, angle=90.0), m.T, atol=1e-5)


def test_clouds_cover_the_share_they_say():
    for cover in (0.25, 0.5, 0.75):
        shares = [float(built("clouds", cover=cover, seed=s, grain=0.1).mean()) for s in range(20)]
        assert np.mean(shares) == pytest.approx(cover, abs=0.06)


def test_what_was_drawn_fills_the_picture_and_moves():
    m = built("picture", (32, 32))
    assert inside(m, 0.0, -0.5) == 0.0
    assert inside(m, 0.0, 0.5) == 1.0
    assert inside(built("picture", (32, 32), y=0.9), 0.0, 0.5) == 0.0
    assert inside(built("picture", (32, 32), angle=180.0), 0.0, -0.5) == 1.0


def test_a_shape_moves_smoothly_even_on_a_small_site():
    at = [built("disc", (8, 8), x=x, softness=0.0) for x in np.linspace(-0.5, 0.5, 101)]
    assert max(float((a - b).abs().max()) for a, b in pairwise(at)) < 0.1


def test_the_newest_sound_is_at_the_top():
    m = built("scanline", (64, 16))
    assert torch.equal(m[:, 0], m[:, 9])
    assert (m[1:, 0] <= m[:-1, 0]).all()
    assert m[0, 0] == pytest.approx(1.0, abs=0.02)
    assert m[-1, 0] == pytest.approx(0.0, abs=0.02)
