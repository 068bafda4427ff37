"""What a bend adds to its operator: σ, normaliser, mix, channels, chain: against plain numpy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.bending.apply import LIMIT, active, apply_bend
from livebend.scene.values import Bend
from tests.fakes.formulas import SHAPES, assert_close, both_shapes


def drawn(shape):
    """Samples and channels of different means and deviations, nothing beyond five of the whole."""
    draw = np.random.default_rng(3)
    scale = draw.uniform(0.5, 1.0, (*shape[:2], 1, 1))
    middle = draw.uniform(-0.5, 0.5, (*shape[:2], 1, 1))
    return draw.standard_normal(shape).clip(-3.0, 3.0) * scale + middle


def bent(x, operator="absolute", values=None, **more):
    bend = Bend("b", operator, "unet.mid", {"amount": 1.0} if values is None else values, **more)
    return apply_bend(bend, torch.from_numpy(x).float())[0].numpy()


def matched(y, x, axes):
    """y moved to the mean and deviation of x over those axes."""
    unit = (y - y.mean(axes, keepdims=True)) / y.std(axes, keepdims=True)
    return unit * x.std(axes, keepdims=True) + x.mean(axes, keepdims=True)


@both_shapes
@pytest.mark.parametrize(
    ("rule", "axes"), [("auto", (1, 2, 3)), ("match", (1, 2, 3)), ("channel", (2, 3))]
)
def test_mean_and_deviation_are_those_of_what_came_in(shape, rule, axes):
    x = drawn(shape)
    assert_close(bent(x, normalise=rule), matched(np.abs(x), x, axes))


@both_shapes
def test_raw_units_leave_what_the_operator_made(shape):
    x = drawn(shape)
    assert_close(bent(x, units="raw"), np.abs(x))
    assert_close(bent(x, "add", {"amount": 5.0}, units="raw"), x + 5.0)


@both_shapes
def test_amounts_are_in_deviations_of_each_sample(shape):
    x = drawn(shape)
    assert_close(bent(x, "add", {"amount": 0.5}), x + 0.5 * x.std((1, 2, 3), keepdims=True))


@both_shapes
def test_mix_is_the_way_from_what_came_in(shape):
    x = drawn(shape)
    assert_close(bent(x, mix=0.3), x + 0.3 * (bent(x).astype(np.float64) - x))


@both_shapes
def test_nothing_goes_further_than_the_limit_or_what_was_there(shape):
    x = drawn(shape)
    mean, sigma = x.mean((1, 2, 3), keepdims=True), x.std((1, 2, 3), keepdims=True)
    y = bent(x, "multiply", {"gain": 10.0})
    reach = np.maximum(LIMIT * sigma, np.abs(x - mean).max((1, 2, 3), keepdims=True))
    assert (np.abs(y - mean) <= reach * (1 + 1e-6)).all()
    assert_close(y, np.clip(10.0 * x, mean - reach, mean + reach))


@pytest.mark.parametrize(
    ("channels", "chosen"), [("0-2", [0, 1, 2]), ("3,1", [1, 3]), ("2,2-3", [2, 3]), ("3-99", [3])]
)
def test_channels_that_are_not_chosen_keep_their_bytes(channels, chosen):
    x = drawn(SHAPES[0])
    y = bent(x, "negate", {"amount": 1.0}, channels=channels)
    expected = x.astype(np.float32)
    expected[:, chosen] *= -1.0
    assert np.array_equal(y, expected)


@pytest.mark.parametrize("fraction", [0.25, 0.5, 1.0])
def test_a_random_part_is_that_part_and_stays(fraction):
    x = drawn(SHAPES[1])
    y = bent(x, "negate", {"amount": 1.0}, channels=f"random:{fraction}:9")
    moved = (y != x.astype(np.float32)).any((0, 2, 3))
    assert moved.sum() == fraction * SHAPES[1][1]
    assert np.array_equal(y, bent(x, "negate", {"amount": 1.0}, channels=f"random:{fraction}:9"))


def test_the_strength_is_the_relative_change():
    x = torch.from_numpy(drawn(SHAPES[0])).float()
    y, d = apply_bend(Bend("b", "rotate", "latent", {"angle": 50.0}, mix=0.6), x)
    assert float(d) == pytest.approx(float((y - x).norm() / x.norm()), rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_operators_compute_in_float32_whatever_stands_at_the_site(dtype, add_operator):
    seen = []

    def probe(x):
        seen.append(x.dtype)
        return x * 1.0

    add_operator("probe", probe)
    x = torch.randn(1, 4, 8, 8).to(dtype)
    y, _ = apply_bend(Bend("b", "probe", "unet.mid"), x)
    assert seen == [torch.float32]
    assert torch.equal(y, x)


# ---- the chain

TURN = Bend("turn", "rotate", "latent@1", {"angle": 30.0})
DARK = Bend("dark", "multiply", "latent@1", {"gain": 0.5})
IDLE = Bend("idle", "add", "latent@1")


def test_the_chain_keeps_its_order_and_leaves_out_what_does_nothing():
    assert active((TURN, IDLE, DARK)) == (TURN, DARK)
    assert active((DARK, replace(TURN, mix=0.0))) == (DARK,)
    assert active((replace(DARK, mute=True), TURN)) == (TURN,)


def test_solo_silences_all_others_and_a_muted_solo_is_silent():
    solo = replace(DARK, solo=True)
    assert active((TURN, solo)) == (solo,)
    assert active((replace(TURN, solo=True), solo)) == (replace(TURN, solo=True), solo)
    assert active((TURN, replace(solo, mute=True))) == ()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int32])
@pytest.mark.parametrize("channels", ["all", "0,2"])
@pytest.mark.parametrize("site", ["unet.mid", "unet.attention.mid"])
def test_what_an_operator_returns_may_have_any_dtype(dtype, channels, site, add_operator):
    def rounded(x):
        """Count in another way."""
        return torch.round(x).to(dtype)

    add_operator("rounded", rounded)
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    bend = Bend("b", "rounded", site, channels=channels, units="raw", normalise="none")
    y, _ = apply_bend(bend, x)
    assert y.dtype == x.dtype
    chosen = slice(None) if channels == "all" else slice(0, 3, 2)
    assert torch.equal(y[:, chosen], torch.round(x[:, chosen]))
