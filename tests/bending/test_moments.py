"""What bends measure by: numbers of one sample, tensors of several, and both the same."""

import numpy as np
import pytest
import torch

from livebend.bending.apply import LIMIT, apply_bend
from livebend.bending.moments import added, held, moments, moved, over, sizes
from livebend.scene.values import Bend
from tests.fakes.formulas import assert_close


def layouts():
    x = torch.from_numpy(np.random.default_rng(5).normal(40.0, 0.5, (1, 6, 8, 10))).float()
    yield "contiguous", x
    yield "channels last", x.contiguous(memory_format=torch.channels_last)
    yield "every second column", x.repeat_interleave(2, 3)[..., ::2]
    yield "one value", torch.full((1, 6, 8, 10), 0.3)


@pytest.mark.parametrize(("_", "x"), [*layouts()], ids=[name for name, _ in layouts()])
def test_one_sample_is_measured_like_one_of_several(_, x):
    one, two = moments(x), moments(torch.cat((x, x)))
    assert isinstance(one.sd, float)
    exact = x.double().numpy()
    assert one.mean == pytest.approx(exact.mean(), rel=1e-6)
    assert one.sd == pytest.approx(exact.std(), rel=1e-5, abs=1e-6)
    assert torch.allclose(moved(two, 1.0, 0.0, x)[:1], moved(one, 1.0, 0.0, x), atol=1e-5)
    assert float(two.sd[0]) == pytest.approx(one.sd, rel=1e-5, abs=1e-6)
    assert sizes(x) == pytest.approx(float(sizes(torch.cat((x, x)))[1]), rel=1e-6)
    assert sizes(x) == pytest.approx(float(np.linalg.norm(exact)), rel=1e-6)
    for like, y in ((x, one), (torch.cat((x, x)), two)):
        factor = 2.0 if like is x else torch.full((2, 1, 1, 1), 2.0)
        assert_close(moved(y, factor, 1.0, like).numpy()[:1], 1.0 + 2.0 * (exact - exact.mean()))
        assert_close(added(like, factor, like).numpy()[:1], 3.0 * exact)


def test_the_deviation_of_a_large_tensor_is_exact_to_single_precision():
    x = torch.from_numpy(np.random.default_rng(1).normal(0.3, 1.0, (1, 3, 320, 320))).float()
    assert moments(x).sd == pytest.approx(float(x.double().std(correction=0)), rel=1e-6)


def test_nothing_is_held_that_lies_within_the_limit():
    x = moments(torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)))
    near = torch.full((1, 4, 8, 8), x.mean + 5.9 * x.sd)
    assert held(near, x, LIMIT) is near
    for far in (7.0, -7.0, float("inf")):
        y = held(torch.full((1, 4, 8, 8), x.mean + far * x.sd), x, LIMIT)
        assert_close(y.numpy(), x.mean + np.sign(far) * LIMIT * x.sd)
    assert held(torch.full((1, 4, 8, 8), float("nan")), x, LIMIT).isnan().all()


def test_what_came_in_may_reach_further_than_the_limit():
    x = torch.zeros(1, 4, 16, 16)
    x[0, 0, 0, 0] = 100.0
    like = moments(x)
    y = held(3.0 * x, like, LIMIT)
    assert float(y.max()) == pytest.approx(100.0, rel=1e-6)


def test_a_quotient_has_a_least_divisor_and_a_most():
    for number in (float, torch.tensor):
        assert over(number(6.0), number(2.0)) == 3.0
        assert over(number(6.0), number(0.0), least=2.0) == 3.0
        assert over(number(6.0), number(2.0), most=1.0) == 1.0


@pytest.mark.parametrize("name", ["add", "absolute", "bands", "rotate", "direction"])
def test_a_sample_is_bent_alike_alone_and_beside_another(name):
    """With guidance there are two; a bend keeps them apart."""
    x = torch.randn(2, 8, 16, 16, generator=torch.Generator().manual_seed(2)) + 0.5
    values = {"bands": {"high": 2.0}, "rotate": {"angle": 40.0}}.get(name, {"amount": 0.9})
    for more in ({}, {"strength": 0.3}, {"channels": "1-4"}, {"normalise": "match"}):
        bend = Bend("b", name, "unet.mid", values, mix=0.8, **more)
        both, _ = apply_bend(bend, x)
        for row in range(2):
            y, d = apply_bend(bend, x[row : row + 1])
            assert torch.allclose(y[0], both[row], atol=2e-5)
            part = x[row : row + 1]
            assert float(d) == pytest.approx(
                float((y - part).norm() / part.norm()), rel=1e-5, abs=1e-6
            )
