"""Operators that know where an element lies: fields, warps, bands, noise: against numpy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from livebend.operators.library import all_operators
from tests.fakes.formulas import SHAPES, assert_close, both_shapes, coordinates, run, smooth


def generator(seed):
    return torch.Generator().manual_seed(seed)


def clouds(shape, seed, size, phase=0.0):
    """The smooth field as a sum of plane waves, one after the other."""
    turns, lengths, starts = torch.rand((3, 24), generator=generator(seed), dtype=torch.float64)
    u, v = coordinates(shape)
    total = np.zeros(shape[2:])
    for turn, length, start in zip(turns.numpy(), lengths.numpy(), starts.numpy(), strict=True):
        wave = (0.25 + 0.75 * length) * np.exp(2j * np.pi * turn)
        angle = np.pi / size * (wave.real * u + wave.imag * v)
        total += np.cos(angle + 2 * np.pi * start - np.radians(phase))
    return total / np.sqrt(12)


def selected(shape, count, seed):
    n = int(np.prod(shape))
    order = torch.randperm(n, generator=generator(seed)).numpy().reshape(shape)
    return np.clip(count - order, 0, 1)


def warped(name, shape, **values):
    x = smooth(shape)
    return x, all_operators()[name].function(torch.from_numpy(x).float(), **values).numpy()


def close_when_read(x, y, u, v):
    """Compare two channels with x read at (u, v) by scipy."""
    H, W = x.shape[2:]
    at = [v * max(H, W) / 2 + (H - 1) / 2, u * max(H, W) / 2 + (W - 1) / 2]
    for b, c in [(0, 0), (x.shape[0] - 1, x.shape[1] - 1)]:
        assert_close(y[b, c], ndimage.map_coordinates(x[b, c], at, order=1, mode="reflect"))


wide = pytest.mark.parametrize("shape", [*SHAPES, (1, 4, 24, 40)])


@wide
def test_shade(shape):
    u, v = coordinates(shape)
    x, y = run("shade", shape, amount=0.8, angle=30.0)
    assert_close(y, x * (1 + 0.8 * np.clip(u * np.sqrt(0.75) + v * 0.5, -1, 1)))


@wide
def test_rings(shape):
    u, v = coordinates(shape)
    x, y = run("rings", shape, amount=-0.5, count=3.0, phase=40.0)
    assert_close(y, x * (1 - 0.5 * np.cos(6 * np.pi * np.sqrt(u * u + v * v) - np.radians(40))))


@wide
def test_stripes(shape):
    u, v = coordinates(shape)
    x, y = run("stripes", shape, amount=0.5, count=4.0, angle=60.0, phase=90.0)
    assert_close(y, x * (1 + 0.5 * np.sin(4 * np.pi * (0.5 * u + np.sqrt(0.75) * v))))


@wide
def test_clouds(shape):
    x, y = run("clouds", shape, amount=0.7, size=0.5, phase=30.0, seed=3)
    assert_close(y, x * (1 + 0.7 * np.tanh(clouds(shape, 3, 0.5, 30.0))))


@both_shapes
def test_add_clouds_fade_keeps_its_deviation(shape):
    x, y = run("add_clouds", shape, amount=2.0, size=0.5, seed=3, roll=0.5)
    first, second = (clouds(shape, seed + 2**33, 0.5) for seed in (3, 4))
    assert_close(y, x + 2.0 * (first + second) * np.sqrt(0.5))


def test_clouds_have_mean_0_and_deviation_1_over_many_seeds():
    fields = np.stack([clouds((1, 1, 16, 16), seed, 0.2) for seed in range(40)])
    assert abs(fields.mean()) < 0.1
    assert fields.std() == pytest.approx(1, abs=0.1)


@both_shapes
def test_add_noise(shape):
    def noise(seed):
        return torch.randn((1, *shape[1:]), generator=generator(seed)).numpy()

    x, y = run("add_noise", shape, amount=0.5, seed=7)
    assert_close(y, x + 0.5 * noise(7))
    x, y = run("add_noise", shape, amount=0.5, seed=5, roll=2.25)
    assert_close(y, x + 0.5 * (noise(7) * np.cos(np.pi / 8) + noise(8) * np.sin(np.pi / 8)))


@both_shapes
@pytest.mark.parametrize("amount", [1.0, 100.0])
def test_add_sparse_is_the_papers_five_percent(shape, amount):
    mask = selected((1, *shape[1:]), int(0.05 * np.prod(shape[1:])), 46)
    x, y = run("add_sparse", shape, amount=amount, seed=46)
    assert mask.sum() == int(0.05 * np.prod(shape[1:]))
    assert np.abs(y - (x + amount * mask)).max() <= 1e-5 * max(amount, 1.0)


def counted(shape, over):
    """The shape of a selection, and how many 0.6 of it are; elements appear whole."""
    _, C, H, W = shape
    size = {
        "elements": (1, C, H, W),
        "channels": (1, C, 1, 1),
        "rows": (1, 1, H, 1),
        "columns": (1, 1, 1, W),
    }[over]
    count = 0.6 * np.prod(size)
    return size, np.floor(count) if over == "elements" else count


wholes = pytest.mark.parametrize("over", ["elements", "channels", "rows", "columns"])


@both_shapes
@wholes
def test_add_sparse_over_whole_channels_rows_and_columns(shape, over):
    size, count = counted(shape, over)
    x, y = run("add_sparse", shape, amount=-0.8, fraction=0.6, over=over, seed=2)
    assert_close(y, x - 0.8 * selected(size, count, 2))


@both_shapes
@wholes
def test_ablate(shape, over):
    size, count = counted(shape, over)
    x, y = run("ablate", shape, amount=1.0, fraction=0.6, over=over, seed=2)
    assert_close(y, x * (1 - selected(size, count, 2)))
    x, y = run("ablate", shape, amount=0.5, fraction=0.6, over=over, seed=2, roll=0.75)
    fade = 0.25 * selected(size, count, 2) + 0.75 * selected(size, count, 3)
    assert_close(y, x * (1 - 0.5 * fade))


@pytest.mark.parametrize("amount", [1.0, 10.0, 100.0, 1000.0])
def test_add_band_is_the_papers_row(amount):
    x, y = run("add_band", SHAPES[0], amount=amount, position=32 / 64)
    expected = x.copy()
    expected[:, :, 32] += amount
    assert np.abs(y - expected).max() <= 1e-5 * max(amount / 10, 1)
    assert np.array_equal(np.delete(y, 32, 2), np.delete(x.astype(np.float32), 32, 2))


@both_shapes
@pytest.mark.parametrize(("axis", "dim"), [("channel", 1), ("row", 2), ("column", 3)])
def test_add_band_has_soft_ends_and_goes_round(shape, axis, dim):
    n = shape[dim]
    k = np.arange(n)
    gap = np.abs(k - 0.9 * n)
    gap = np.minimum(gap, n - gap)
    mask = np.clip(1 + 0.3 * n / 2 - gap, 0, 1)
    x, y = run("add_band", shape, amount=0.5, axis=axis, position=0.9, width=0.3)
    assert_close(y, x + 0.5 * np.expand_dims(mask, [d for d in range(4) if d != dim]))


@wide
def test_add_bump(shape):
    H, W = shape[2:]
    rows, columns = np.mgrid[0:H, 0:W] + 0.5
    squared = (columns - 0.3 * W) ** 2 + (rows - 0.6 * H) ** 2
    x, y = run("add_bump", shape, amount=2.0, right=0.3, down=0.6, size=0.1)
    assert_close(y, x + 2 * np.exp(-squared / (2 * (0.1 * max(H, W)) ** 2)))


@both_shapes
def test_flip(shape):
    x, y = run("flip", shape)
    assert_close(y, x[:, :, :, ::-1])
    assert_close(run("flip", shape, along="height")[1], x[:, :, ::-1])
    assert_close(run("flip", shape, along="both")[1], np.rot90(x, 2, (2, 3)))


@both_shapes
def test_scroll(shape):
    n = shape[2]
    x, y = run("scroll", shape, right=3 / n, down=-5.5 / n)
    across = np.roll(x, 3, 3)
    assert_close(y, 0.5 * (np.roll(across, -5, 2) + np.roll(across, -6, 2)))


@wide
def test_warp(shape):
    u, v = coordinates(shape)
    x, y = warped("warp", shape, amount=0.05, size=0.6, phase=20.0, seed=4)
    n1, n2 = (clouds(shape, seed, 0.6, 20.0) for seed in (4, 4 + 2**33))
    close_when_read(x, y, u + 0.1 * n1, v + 0.1 * n2)


@wide
def test_swirl(shape):
    u, v = coordinates(shape)
    x, y = warped("swirl", shape, angle=120.0, radius=0.4)
    z = (u + 1j * v) * np.exp(1j * np.radians(120) * np.exp(-(u * u + v * v) / 0.32))
    close_when_read(x, y, z.real, z.imag)


@wide
def test_ripple(shape):
    u, v = coordinates(shape)
    x, y = warped("ripple", shape, amount=0.03, count=2.0, phase=50.0)
    r, way = np.hypot(u, v), np.arctan2(v, u)
    r = r + 0.06 * np.sin(4 * np.pi * r - np.radians(50))
    close_when_read(x, y, r * np.cos(way), r * np.sin(way))


@wide
def test_transform(shape):
    u, v = coordinates(shape)
    x, y = warped("transform", shape, angle=20.0, zoom=1.5, x_shift=0.1, y_shift=-0.05)
    H, W = shape[2:]
    p = (u - 0.2 * W / max(H, W)) + 1j * (v + 0.1 * H / max(H, W))
    z = p * np.exp(1j * np.radians(20)) / 1.5
    close_when_read(x, y, z.real, z.imag)
