"""Operators across channels and their matrices, against formulas in numpy and scipy."""

import functools

import numpy as np
import pytest
import torch
from scipy import linalg

from livebend.operators.library import all_operators
from tests.fakes.formulas import SHAPES, assert_close, both_shapes, run


def drawn(count, seed):
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)).numpy()


def mixed(matrix, x):
    """Apply a 4×4 to channels 4k..4k+3."""
    B, C, H, W = x.shape
    return np.einsum("ij,bgjhw->bgihw", matrix, x.reshape(B, C // 4, 4, H, W)).reshape(x.shape)


@both_shapes
@pytest.mark.parametrize(("i", "j"), [(1, 2), (0, 1), (2, 0), (3, 0)])
def test_rotate(shape, i, j):
    x, y = run("rotate", shape, angle=70.0, i=i, j=j)
    c, s = np.cos(np.radians(70)), np.sin(np.radians(70))
    expected = x.copy()
    expected[:, i], expected[:, j] = c * x[:, i] - s * x[:, j], s * x[:, i] + c * x[:, j]
    assert_close(y, expected)


def test_rotate_by_a_whole_turn_is_exactly_nothing():
    for name in ("rotate", "rotate_pairs"):
        x, y = run(name, SHAPES[0], angle=360.0)
        assert np.array_equal(x.astype(np.float32), y)


@both_shapes
def test_rotate_pairs(shape):
    x, y = run("rotate_pairs", shape, angle=-25.0)
    c, s = np.cos(np.radians(-25)), np.sin(np.radians(-25))
    expected = np.empty_like(x)
    expected[:, 0::2] = c * x[:, 0::2] - s * x[:, 1::2]
    expected[:, 1::2] = s * x[:, 0::2] + c * x[:, 1::2]
    assert_close(y, expected)


@both_shapes
def test_reflect(shape):
    x, y = run("reflect", shape, amount=1.0, channel=2)
    expected = x.copy()
    expected[:, 2] *= -1
    assert_close(y, expected)
    expected[:, 2] = 0.5 * x[:, 2]
    assert_close(run("reflect", shape, amount=0.25, channel=2)[1], expected)


@both_shapes
def test_negate(shape):
    x, y = run("negate", shape, amount=1.0)
    assert_close(y, -x)
    assert_close(run("negate", shape, amount=0.2)[1], 0.6 * x)


@both_shapes
def test_swap(shape):
    x, y = run("swap", shape, amount=1.0, i=1, j=3)
    expected = x.copy()
    expected[:, [1, 3]] = x[:, [3, 1]]
    assert_close(y, expected)
    assert_close(run("swap", shape, amount=0.3, i=1, j=3)[1], 0.7 * x + 0.3 * expected)


@both_shapes
def test_couple(shape):
    x, y = run("couple", shape, amount=-0.5, i=2, j=3)
    expected = x.copy()
    expected[:, 2] -= x[:, 3] / 2
    assert_close(y, expected)


@both_shapes
def test_cycle(shape):
    x, y = run("cycle", shape, shift=-1.25)
    assert_close(y, 0.75 * np.roll(x, -1, 1) + 0.25 * np.roll(x, -2, 1))


@both_shapes
def test_shuffle_and_its_cross_fade(shape):
    first, second = drawn(shape[1], 8), drawn(shape[1], 9)
    x, y = run("shuffle", shape, seed=6, roll=2.0)
    assert_close(y, x[:, first])
    x, y = run("shuffle", shape, seed=6, roll=2.25)
    assert_close(y, 0.75 * x[:, first] + 0.25 * x[:, second])


@both_shapes
def test_blur_channels(shape):
    C = shape[1]
    x, y = run("blur_channels", shape, amount=0.7)
    assert_close(y, np.einsum("ij,bjhw->bihw", 0.3 * np.eye(C) + np.full((C, C), 0.7 / C), x))


@both_shapes
def test_rotate6(shape):
    theta = np.radians(50.0)

    def turn(i, j, angle):
        R = np.eye(4)
        R[np.ix_([i, j], [i, j])] = [
            [np.cos(angle), -np.sin(angle)],
            [np.sin(angle), np.cos(angle)],
        ]
        return R

    planes = [(0, 1, theta), (0, 2, -theta), (0, 3, -theta), (1, 2, theta), (1, 3, theta)]
    matrices = [turn(*plane) for plane in planes] + [turn(2, 3, theta)]
    x, y = run("rotate6", shape, angle=50.0)
    assert_close(y, mixed(functools.reduce(np.matmul, matrices), x))


@both_shapes
def test_matrix(shape):
    angles = {"t01": 40.0, "t02": -25.0, "t03": 70.0, "t12": 10.0, "t13": -130.0, "t23": 5.0}
    A = np.zeros((4, 4))
    for name, angle in angles.items():
        i, j = int(name[1]), int(name[2])
        A[j, i], A[i, j] = np.radians(angle), -np.radians(angle)
    x, y = run("matrix", shape, **angles)
    assert_close(y, mixed(linalg.expm(A), x))
    assert np.linalg.norm(y) == pytest.approx(np.linalg.norm(x), rel=1e-6)


@pytest.mark.parametrize("channels", [3, 6])
def test_one_angle_of_the_matrix_is_that_plane(channels):
    x, y = run("matrix", (1, channels, 8, 8), t12=70.0)
    assert_close(
        y[:, :3], all_operators()["rotate"].function(torch.from_numpy(x[:, :3]), angle=70.0).numpy()
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 7])
def test_rotations_of_odd_widths_keep_the_length_and_close_at_a_whole_turn(channels):
    for name, values in (("rotate6", {"angle": 77.0}), ("matrix", {"t01": 30.0, "t23": 80.0})):
        x, y = run(name, (1, channels, 8, 8), **values)
        assert np.linalg.norm(y) == pytest.approx(np.linalg.norm(x), rel=1e-6)
    x, y = run("rotate6", (1, channels, 8, 8), angle=-360.0)
    assert np.array_equal(x.astype(np.float32), y)


@both_shapes
@pytest.mark.parametrize(("axis", "dim"), [("channel", 1), ("row", 2), ("column", 3)])
def test_hadamard(shape, axis, dim):
    n = shape[dim]
    sizes = [256, 64] if n == 320 else [n]
    H = linalg.block_diag(*(linalg.hadamard(size) / np.sqrt(size) for size in sizes))
    x, y = run("hadamard", shape, axis=axis)
    assert_close(y, np.moveaxis(np.moveaxis(x, dim, 3) @ H, 3, dim))
    assert_close(all_operators()["hadamard"].function(torch.from_numpy(y), axis=axis).numpy(), x)


@both_shapes
@pytest.mark.parametrize("amount", [-2.0, 0.5, 4.0])
def test_matrix_exp(shape, amount):
    x, y = run("matrix_exp", shape, amount=amount)
    for b, c in [(0, 0), (shape[0] - 1, shape[1] - 1)]:
        X, s = x[b, c], np.linalg.norm(x[b, c])
        expected = s * (linalg.expm(amount * X / s) - np.eye(len(X))) / amount
        assert_close(y[b, c], expected)


def test_matrix_exp_of_a_picture_that_is_not_square():
    x, y = run("matrix_exp", (1, 2, 6, 10), amount=3.0)
    X, s = np.pad(x[0, 1], ((0, 4), (0, 0))), np.linalg.norm(x[0, 1])
    assert_close(y[0, 1], (s * (linalg.expm(3 * X / s) - np.eye(10)) / 3)[:6])


@both_shapes
def test_all_six_planes_can_be_rotated(shape):
    for i in range(4):
        for j in range(i + 1, 4):
            x, y = run("rotate", shape, angle=90.0, i=i, j=j)
            assert_close(y[:, i], -x[:, j])
            assert_close(y[:, j], x[:, i])
            rest = [c for c in range(shape[1]) if c not in (i, j)]
            assert np.array_equal(y[:, rest], x[:, rest].astype(np.float32))


@both_shapes
def test_mix_channels(shape):
    M = np.array([[0.5, -1, 0, 0.25], [2, 1, 0.5, 0], [0, -0.5, 1.5, 1], [1, 0, 0.75, -2]])
    values = {f"m{i}{j}": float(M[i, j]) for i in range(4) for j in range(4)}
    x, y = run("mix_channels", shape, **values)
    assert_close(y, mixed(M, x))
    x, y = run("mix_channels", shape, **values, orthogonal=True)
    assert_close(y, mixed(linalg.polar(M)[0], x))
    assert np.linalg.norm(y) == pytest.approx(np.linalg.norm(x), rel=1e-6)


def spread(shape, seed=1):
    """A picture whose channels vary along four directions of widths 8, 4, 2, 1, and the
    directions [B, C, 4]."""
    B, C, H, W = shape
    rng = np.random.default_rng(seed)
    ways = np.stack([np.linalg.qr(rng.standard_normal((C, 4)))[0] for _ in range(B)])
    places = np.stack([np.linalg.qr(rng.standard_normal((H * W, 5)))[0] for _ in range(B)])
    places = np.stack([np.linalg.qr(p - p.mean(0))[0][:, :4] for p in places])
    x = np.einsum("bck,k,bnk->bcn", ways, [64.0, 32.0, 16.0, 8.0], places)
    return (x + 0.3).reshape(shape), ways


@both_shapes
@pytest.mark.parametrize("component", [0, 1, 2])
def test_direction_of_the_site_is_a_principal_component(shape, component):
    x, ways = spread(shape)
    given = torch.from_numpy(x).float()
    y = (
        all_operators()["direction"]
        .function(given, amount=0.7, component=component, seed=3)
        .numpy()
    )
    start = torch.randn((1, shape[1], 1, 1), generator=torch.Generator().manual_seed(3)).numpy()
    for b in range(shape[0]):
        d = ways[b, :, component]
        d = d * np.sign(d @ start[0, :, 0, 0])
        assert np.abs(y[b] - (x[b] + 0.7 * (d / d.std())[:, None, None])).max() <= 2e-5


@both_shapes
def test_direction_of_a_draw(shape):
    x, y = run("direction", shape, of="random", amount=-1.5, seed=4)
    d = torch.randn((1, shape[1], 1, 1), generator=torch.Generator().manual_seed(4)).numpy()
    assert_close(y, x - 1.5 * d / d.std())


@both_shapes
def test_ways_to_the_second_prompt(shape):
    d = np.random.default_rng(2).standard_normal((1, *shape[1:]))
    given = torch.from_numpy(d).float()
    x, y = run("prompt_direction", shape, amount=0.5, toward=given)
    assert_close(y, x + 0.5 * d / d.std())
    x, y = run("second_prompt", shape, amount=1.5, toward=given)
    assert_close(y, x + 1.5 * d)
