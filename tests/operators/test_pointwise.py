"""Pointwise and normalising operators against their formulas in numpy."""

import numpy as np
import pytest

from tests.fakes.formulas import SHAPES, assert_close, both_shapes, run


@both_shapes
def test_add_multiply_threshold_and_inversion(shape):
    x, y = run("add", shape, amount=0.7)
    assert_close(y, x + 0.7)
    x, y = run("multiply", shape, gain=1.7)
    assert_close(y, 1.7 * x)
    x, y = run("threshold", shape, level=0.9)
    assert_close(y, x * (np.abs(x) >= 0.9))
    x, y = run("inversion", shape, pivot=0.5)
    assert_close(y, 0.5 - x)


@both_shapes
def test_binary(shape):
    x, y = run("binary", shape, level=0.4)
    assert_close(y, (x > 0.4).astype(float))


@both_shapes
def test_soft_threshold(shape):
    x, y = run("soft_threshold", shape, level=0.7)
    assert_close(y, np.where(x > 0.7, x - 0.7, np.where(x < -0.7, x + 0.7, 0.0)))


@both_shapes
def test_shrink(shape):
    x, y = run("shrink", shape, level=0.6, loss=0.6)
    assert_close(y, np.where(np.abs(x) < 0.6, 0.0, x * (1 - 0.6)))


@both_shapes
def test_sigmoid_keep(shape):
    x, y = run("sigmoid_keep", shape, level=0.8)
    assert_close(y, x / (1 + np.exp(-6 * (np.abs(x) - 0.8) / 0.8)))


@both_shapes
def test_clamp(shape):
    x, y = run("clamp", shape, limit=0.9)
    assert_close(y, np.clip(x, -0.9, 0.9))


@both_shapes
def test_fold_is_a_triangle_wave(shape):
    x, y = run("fold", shape, limit=0.4)
    assert_close(y, 0.4 * 2 / np.pi * np.arcsin(np.sin(np.pi / 2 * x / 0.4)))


@both_shapes
def test_quantise(shape):
    x, y = run("quantise", shape, step=0.3)
    assert_close(y, 0.3 * np.rint(x.astype(np.float32) / np.float32(0.3)))


@both_shapes
def test_absolute(shape):
    x, y = run("absolute", shape, amount=0.75)
    assert_close(y, np.where(x < 0, -0.5 * x, x))


@both_shapes
@pytest.mark.parametrize("exponent", [0.5, 1.5])
def test_power(shape, exponent):
    x, y = run("power", shape, exponent=exponent, scale=2.0)
    assert_close(y, 2 * np.sign(x) * np.abs(x / 2) ** exponent)


@both_shapes
def test_log_and_exp(shape):
    x, y = run("log", shape, scale=0.5)
    assert_close(y, np.copysign(0.5, x) * np.log(1 + np.abs(x) / 0.5))
    x, y = run("exp", shape, scale=3.0)
    assert_close(y, 3 * np.e ** (x / 3))


def test_exp_does_not_overflow():
    _, y = run("exp", SHAPES[0], scale=0.1)
    assert y.max() == pytest.approx(0.1 * np.exp(8), rel=1e-6)


@both_shapes
@pytest.mark.parametrize(("axis", "dim"), [("channel", 1), ("row", 2), ("column", 3)])
def test_subtract_mean_over_an_axis(shape, axis, dim):
    x, y = run("subtract_mean", shape, amount=1.0, axis=axis)
    assert_close(y, x - x.sum(dim, keepdims=True) / shape[dim])


@both_shapes
def test_subtract_mean_of_all(shape):
    x, y = run("subtract_mean", shape, amount=0.6)
    assert_close(y, np.stack([row - 0.6 * row.mean() for row in x]))


@both_shapes
def test_normalisations(shape):
    x, y = run("divide_by_max", shape)
    assert_close(y, np.stack([row / max(row.max(), -row.min()) for row in x]))
    x, y = run("unit_channels", shape)
    assert_close(y, x / np.sqrt((x * x).sum(1, keepdims=True)))


@both_shapes
@pytest.mark.parametrize(("each", "dims"), [("channel", (2, 3)), ("all", (1, 2, 3))])
def test_standardise(shape, each, dims):
    x, y = run("standardise", shape, amount=1.0, mean=0.3, deviation=0.5, each=each)
    assert np.abs(y.mean(dims) - 0.3).max() < 1e-5
    assert np.abs(y.std(dims) - 0.5).max() < 1e-5
    mu, sigma = x.mean(dims, keepdims=True), x.std(dims, keepdims=True)
    assert_close(y, 0.3 + 0.5 * (x - mu) / sigma)


@both_shapes
def test_rescale(shape):
    x, y = run("rescale", shape, low=-0.5, high=2.0)
    assert_close(y, np.stack([np.interp(row, (row.min(), row.max()), (-0.5, 2.0)) for row in x]))
