"""Pointwise and normalising operators against their formulas in numpy."""

import numpy as np
import pytest

from tests.operators.test_formulas import SHAPES, both, close, run


@both
def test_binary(shape):
    x, y = run("binary", shape, level=0.4)
    close(y, (x > 0.4).astype(float))


@both
def test_soft_threshold(shape):
    x, y = run("soft_threshold", shape, level=0.7)
    close(y, np.where(x > 0.7, x - 0.7, np.where(x < -0.7, x + 0.7, 0.0)))


@both
def test_shrink(shape):
    x, y = run("shrink", shape, level=0.6, loss=0.6)
    close(y, np.where(np.abs(x) < 0.6, 0.0, x * (1 - 0.6)))


@both
def test_sigmoid_keep(shape):
    x, y = run("sigmoid_keep", shape, level=0.8)
    close(y, x / (1 + np.exp(-6 * (np.abs(x) - 0.8) / 0.8)))


@both
def test_clamp(shape):
    x, y = run("clamp", shape, limit=0.9)
    close(y, np.clip(x, -0.9, 0.9))


@both
def test_fold_is_a_triangle_wave(shape):
    x, y = run("fold", shape, limit=0.4)
    close(y, 0.4 * 2 / np.pi * np.arcsin(np.sin(np.pi / 2 * x / 0.4)))


@both
def test_quantise(shape):
    x, y = run("quantise", shape, step=0.3)
    close(y, 0.3 * np.rint(x.astype(np.float32) / np.float32(0.3)))


@both
def test_absolute(shape):
    x, y = run("absolute", shape, amount=0.75)
    close(y, np.where(x < 0, -0.5 * x, x))


@both
@pytest.mark.parametrize("exponent", [0.5, 1.5])
def test_power(shape, exponent):
    x, y = run("power", shape, exponent=exponent, scale=2.0)
    close(y, 2 * np.sign(x) * np.abs(x / 2) ** exponent)


@both
def test_log_and_exp(shape):
    x, y = run("log", shape, scale=0.5)
    close(y, np.copysign(0.5, x) * np.log(1 + np.abs(x) / 0.5))
    x, y = run("exp", shape, scale=3.0)
    close(y, 3 * np.e ** (x / 3))


def test_exp_does_not_overflow():
    _, y = run("exp", SHAPES[0], scale=0.1)
    assert y.max() == pytest.approx(0.1 * np.exp(8), rel=1e-6)


@both
@pytest.mark.parametrize(("axis", "dim"), [("channel", 1), ("row", 2), ("column", 3)])
def test_subtract_mean_over_an_axis(shape, axis, dim):
    x, y = run("subtract_mean", shape, amount=1.0, axis=axis)
    close(y, x - x.sum(dim, keepdims=True) / shape[dim])


@both
def test_subtract_mean_of_all(shape):
    x, y = run("subtract_mean", shape, amount=0.6)
    close(y, np.stack([row - 0.6 * row.mean() for row in x]))


@both
def test_normalisations(shape):
    x, y = run("divide_by_max", shape)
    close(y, np.stack([row / max(row.max(), -row.min()) for row in x]))
    x, y = run("unit_channels", shape)
    close(y, x / np.sqrt((x * x).sum(1, keepdims=True)))


@both
@pytest.mark.parametrize(("each", "dims"), [("channel", (2, 3)), ("all", (1, 2, 3))])
def test_standardise(shape, each, dims):
    x, y = run("standardise", shape, amount=1.0, mean=0.3, deviation=0.5, each=each)
    assert np.abs(y.mean(dims) - 0.3).max() < 1e-5
    assert np.abs(y.std(dims) - 0.5).max() < 1e-5
    mu, sigma = x.mean(dims, keepdims=True), x.std(dims, keepdims=True)
    close(y, 0.3 + 0.5 * (x - mu) / sigma)


@both
def test_rescale(shape):
    x, y = run("rescale", shape, low=-0.5, high=2.0)
    close(y, np.stack([np.interp(row, (row.min(), row.max()), (-0.5, 2.0)) for row in x]))
