"""Each operator against its formula, written again in numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from livebend.operators.library import all_operators

SHAPES = [(1, 4, 64, 64), (2, 320, 32, 32)]
both = pytest.mark.parametrize("shape", SHAPES)


def run(name, shape, **values):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    return x.numpy().astype(np.float64), all_operators()[name].function(x, **values).numpy()


def close(y, expected):
    assert np.abs(y - expected).max() <= 1e-5


@both
@pytest.mark.parametrize(("i", "j"), [(1, 2), (0, 1), (2, 0), (3, 0)])
def test_rotate(shape, i, j):
    x, y = run("rotate", shape, angle=70.0, i=i, j=j)
    c, s = np.cos(np.radians(70)), np.sin(np.radians(70))
    expected = x.copy()
    expected[:, i], expected[:, j] = c * x[:, i] - s * x[:, j], s * x[:, i] + c * x[:, j]
    close(y, expected)


def test_rotate_by_a_whole_turn_is_exactly_nothing():
    for name in ("rotate", "rotate_pairs"):
        x, y = run(name, SHAPES[0], angle=360.0)
        assert np.array_equal(x.astype(np.float32), y)


@both
def test_rotate_pairs(shape):
    x, y = run("rotate_pairs", shape, angle=-25.0)
    c, s = np.cos(np.radians(-25)), np.sin(np.radians(-25))
    expected = np.empty_like(x)
    expected[:, 0::2] = c * x[:, 0::2] - s * x[:, 1::2]
    expected[:, 1::2] = s * x[:, 0::2] + c * x[:, 1::2]
    close(y, expected)


@both
def test_pointwise(shape):
    x, y = run("add", shape, amount=0.7)
    close(y, x + 0.7)
    x, y = run("multiply", shape, gain=1.7)
    close(y, 1.7 * x)
    x, y = run("threshold", shape, level=0.9)
    close(y, x * (np.abs(x) >= 0.9))
    x, y = run("inversion", shape, pivot=0.5)
    close(y, 0.5 - x)


@both
def test_reflect(shape):
    x, y = run("reflect", shape, amount=1.0, channel=2)
    expected = x.copy()
    expected[:, 2] *= -1
    close(y, expected)
    expected[:, 2] = 0.5 * x[:, 2]
    close(run("reflect", shape, amount=0.25, channel=2)[1], expected)


@both
@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_dilate_and_erode(shape, size):
    kernel = (1, 1, size, size)
    x, y = run("dilate", shape, size=size)
    close(y, ndimage.maximum_filter(x, kernel, mode="constant", cval=-np.inf))
    x, y = run("erode", shape, size=size)
    close(y, ndimage.minimum_filter(x, kernel, mode="constant", cval=np.inf))
