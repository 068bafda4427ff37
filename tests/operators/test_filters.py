"""Neighbourhoods and spectra against scipy and numpy's Fourier transform."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from livebend.bending.apply import apply_bend
from livebend.operators.library import all_operators
from livebend.scene.values import Bend
from tests.fakes.formulas import SHAPES, assert_close, both_shapes, run

sizes = pytest.mark.parametrize("size", [3, 4])


def eroded(x, size):
    return ndimage.grey_erosion(x, (1, 1, size, size), mode="constant", cval=np.inf)


def dilated(x, size):
    return ndimage.grey_dilation(x, (1, 1, size, size), mode="constant", cval=-np.inf)


@both_shapes
@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_dilate_and_erode(shape, size):
    x, y = run("dilate", shape, size=size)
    assert_close(y, dilated(x, size))
    x, y = run("erode", shape, size=size)
    assert_close(y, eroded(x, size))


@pytest.mark.parametrize(
    ("operator", "value", "reach"), [("dilate", 1, (2, 1)), ("erode", -1, (1, 2))]
)
def test_an_even_square_reaches_as_far_as_the_papers(operator, value, reach):
    x = torch.zeros(1, 1, 9, 9)
    x[0, 0, 4, 4] = value
    y = all_operators()[operator].function(x, size=4)
    rows, columns = (found.unique().tolist() for found in torch.nonzero(y[0, 0], as_tuple=True))
    before, after = reach  # where the point at 4 is seen from: l1 r2 sees it from 2 to 5
    assert rows == columns == [*range(4 - before, 4 + after + 1)]


@both_shapes
@sizes
def test_opening_closing_and_top_hats(shape, size):
    x, y = run("opening", shape, size=size)
    opened = dilated(eroded(x, size), size)
    assert_close(y, opened)
    assert_close(run("top_hat", shape, size=size)[1], x - opened)
    closed = eroded(dilated(x, size), size)
    assert_close(run("closing", shape, size=size)[1], closed)
    assert_close(run("top_hat", shape, size=size, keep="dark")[1], closed - x)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_opening_and_closing_twice_is_once(size):
    for name in ("opening", "closing"):
        _, once = run(name, SHAPES[0], size=size)
        twice = all_operators()[name].function(torch.from_numpy(once), size=size).numpy()
        assert np.array_equal(once, twice)


@both_shapes
@sizes
def test_gradient(shape, size):
    x, y = run("gradient", shape, size=size)
    assert_close(y, dilated(x, size) - eroded(x, size))


@both_shapes
def test_sobel(shape):
    x, y = run("sobel", shape)
    G = np.stack([[_sobel(plane) for plane in row] for row in x])
    assert_close(y, G)
    quarter = torch.from_numpy(x / 4).float()  # x·G grows with the square: up to 60 else
    assert_close(all_operators()["sobel"].function(quarter, times=True).numpy(), x / 4 * G / 4)


def _sobel(plane):
    return np.hypot(*(ndimage.sobel(plane, axis, mode="nearest") for axis in (0, 1)))


@pytest.mark.parametrize(
    ("axis", "rule", "operator"),
    [
        (a, r, o)
        for a in ("channel", "row", "column")
        for r, o in (("max", "dilate"), ("min", "erode"))
    ],
)
def test_the_papers_morphology_is_two_operators_in_turn(axis, rule, operator):
    x, y = run(operator, SHAPES[0], size=4)
    y = (
        all_operators()["subtract_mean"]
        .function(torch.from_numpy(y), amount=1.0, axis=axis)
        .numpy()
    )
    outside = -np.inf if rule == "max" else np.inf
    sides = (1, 2) if rule == "max" else (2, 1)
    p = np.pad(x, ((0, 0), (0, 0), sides, sides), constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(p, (4, 4), (2, 3))
    expected = getattr(windows, rule)((4, 5))
    dim = {"channel": 1, "row": 2, "column": 3}[axis]
    assert_close(y, expected - expected.mean(dim, keepdims=True))


def test_a_bend_in_raw_units_is_the_operator_itself():
    x = torch.randn(SHAPES[0], generator=torch.Generator().manual_seed(46))
    for name, values in (
        ("threshold", {"level": 1.05}),
        ("add_band", {"amount": 1000.0, "position": 0.5}),
        ("reflect", {"amount": 1.0, "channel": 3}),
        ("add_sparse", {"amount": 100.0, "seed": 46}),
        ("inversion", {"pivot": 10.0}),
        ("dilate", {"size": 4}),
        ("subtract_mean", {"amount": 1.0, "axis": "row"}),
    ):
        y, _ = apply_bend(Bend("b", name, "latent", values, units="raw"), x)
        assert torch.equal(y, all_operators()[name].function(x, **values))


@both_shapes
def test_bands(shape):
    H, W = shape[2:]
    x, y = run("bands", shape, low=0.5, middle=2.0, high=0.1, low_edge=0.15, high_edge=0.5)
    fh, fw = np.meshgrid(np.fft.fftfreq(H), np.fft.fftfreq(W), indexing="ij")
    r = np.sqrt(fh**2 + fw**2) / 0.5
    lower, upper = (1 - 1 / (1 + (r / edge) ** 4) for edge in (0.15, 0.5))
    gain = 0.5 * (1 - lower) + 2.0 * (lower - upper) + 0.1 * upper
    assert_close(y, np.fft.ifft2(np.fft.fft2(x) * gain).real)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 3, 9, 15)])
@pytest.mark.parametrize("cut", [1, 3])
def test_freeu_skip_is_the_fourier_filter(shape, cut):
    H, W = shape[2:]
    x, y = run("freeu_skip", shape, gain=0.2, cut=cut)
    mask = np.ones((H, W))
    h, w = H // 2, W // 2
    mask[h - cut : h + cut, w - cut : w + cut] = 0.2
    shifted = np.fft.fftshift(np.fft.fft2(x), (2, 3)) * mask
    assert_close(y, np.fft.ifft2(np.fft.ifftshift(shifted, (2, 3))).real)


def test_freeu_skip_wider_than_the_picture_scales_all_of_it():
    x, y = run("freeu_skip", (1, 2, 8, 5), gain=0.3, cut=32)
    assert_close(y, 0.3 * x)


@both_shapes
def test_freeu_backbone(shape):
    x, y = run("freeu_backbone", shape, gain=1.4)
    gains = np.where(np.arange(shape[1]) < shape[1] // 2, 1.4, 1.0)
    assert_close(y, x * gains[:, None, None])


@pytest.mark.parametrize("size", [(1, 3, 65, 12), (2, 3, 13, 64), (1, 3, 12, 7)])
def test_bands_are_those_of_the_fourier_transform_at_any_size_and_layout(size):
    """Small pictures are filtered by Hartley's matrix, others by the fast transform."""
    gains = {"low": 0.5, "middle": 1.2, "high": 1.6}
    x = torch.randn(size, generator=torch.Generator().manual_seed(4))
    r = 2.0 * np.hypot(np.fft.fftfreq(size[2])[:, None], np.fft.fftfreq(size[3]))
    lower, upper = (r**4 / (r**4 + edge**4) for edge in (0.1, 0.4))
    gain = 0.5 + (1.2 - 0.5) * lower + (1.6 - 1.2) * upper
    expected = np.fft.ifft2(np.fft.fft2(x.numpy()) * gain).real
    bands = all_operators()["bands"].function
    assert_close(bands(x, **gains).numpy(), expected)
    assert_close(bands(x.contiguous(memory_format=torch.channels_last), **gains).numpy(), expected)
