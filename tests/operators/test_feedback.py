"""Feedback against its formula, and what it makes of frames of different lengths."""

import numpy as np
import torch
from scipy import ndimage

from livebend.operators.library import all_operators
from livebend.operators.registry import Past
from tests.fakes.formulas import assert_close, both_shapes, coordinates, smooth


@both_shapes
def test_feedback(shape):
    past = smooth(shape)
    x = np.flip(past, 1).copy()
    values = {"trail": 0.5, "zoom": 2.0, "angle": 90.0, "right": 0.4, "down": -0.2}
    given = Past(torch.from_numpy(past).float(), 0.1)
    run = all_operators()["feedback"].function
    y = run(torch.from_numpy(x).float(), past=given, **values).numpy()
    u, v = coordinates(shape)
    z = ((u - 0.08) + 1j * (v + 0.04)) * np.exp(1j * np.radians(9.0)) / 2**0.1
    n, w = shape[2], np.exp(-0.2)
    at = [z.imag * n / 2 + (n - 1) / 2, z.real * n / 2 + (n - 1) / 2]
    for b, c in [(0, 0), (shape[0] - 1, shape[1] - 1)]:
        before = ndimage.map_coordinates(past[b, c], at, order=1, mode="reflect")
        assert_close(y[b, c], (1 - w) * x[b, c] + w * before)


def test_two_short_frames_are_one_long_one():
    x, past = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    run = all_operators()["feedback"].function
    long = run(x, past=Past(past, 0.2), trail=0.7)
    half = run(x, past=Past(past, 0.1), trail=0.7)
    short = run(x, past=Past(half, 0.1), trail=0.7)
    assert torch.allclose(long, short, atol=1e-5)


def test_without_a_past_nothing_happens():
    x = torch.randn(1, 4, 8, 8)
    assert torch.equal(all_operators()["feedback"].function(x, trail=2.0, zoom=1.5), x)
