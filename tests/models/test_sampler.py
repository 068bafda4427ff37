"""Samplers against one another, and what a latent looks like to a bend under each of them."""

import pytest
import torch

from livebend.device.memory import Versioned
from livebend.models.sampler import Noising, ddim_step, euler_step, schedule
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Sampling
from tests.fakes.networks import text_of

SAMPLERS = ("euler", "ddim", "lcm", "pndm", "dpm++")


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize(("sigma", "after"), [(14.6, 2.1), (2.1, 0.53), (0.53, 0.04)])
def test_eulers_step_seen_with_its_variance_preserved_is_ddims(prediction, sigma, after):
    """Song et al. 2021, section 4.3: one equation in two sets of coordinates."""
    draw = torch.Generator().manual_seed(1)
    x, output = torch.randn(2, 1, 4, 8, 8, generator=draw, dtype=torch.float64)
    here, there = (torch.tensor(s, dtype=torch.float64) for s in (sigma, after))
    size, size_after = (1 + here**2).sqrt(), (1 + there**2).sqrt()
    euler = euler_step(x * size, output, sigma, after, prediction) / size_after
    ddim = ddim_step(x, output, 1 / (1 + here**2), 1 / (1 + there**2), prediction)
    assert (euler - ddim).abs().max() < 1e-9


@pytest.mark.parametrize(
    ("layer", "sigma"),
    [(0, 13.1), (5, 7.6), (10, 4.7), (20, 2.1), (30, 1.09), (40, 0.53), (45, 0.30), (49, 0.04)],
)
def test_a_layer_of_the_paper_is_inserted_at_its_noise(layer, sigma):
    plan = schedule("euler", 1, Noising(), (layer / 50,) if layer else ())
    if layer == 0:
        plan = schedule("ddim", 50, Noising())
    at = plan.nearest(layer / 50)
    assert plan.layers[at] == pytest.approx(layer, abs=1e-6)
    assert plan.sigma[at] == pytest.approx(sigma, rel=0.05, abs=0.005)


def test_the_steps_of_turbo_lie_where_the_study_says():
    layers = schedule("euler", 4, Noising()).layers
    assert layers == pytest.approx((0.0, 11.6, 24.1, 36.6, 50.0), abs=0.05)


@pytest.fixture(scope="module")
def network(model):
    return Network(model, 64, 64)


def painted(network, noise, bends, sampling):
    return network.paint(noise, text_of(network), bends, sampling).image.tensor


@pytest.fixture
def shown(add_operator):
    """What an operator called `probe` got, in order."""
    seen = []

    def probe(x):
        seen.append(x.clone())
        return x * 1.0

    add_operator("probe", probe)
    return seen


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_bend_sees_the_noise_at_deviation_one_under_every_sampler(network, shown, sampler):
    noise = network.noise(46)[0]
    network.memory.forget()
    painted(network, noise, (Bend("b", "probe", "latent@0"),), Sampling(sampler, 2))
    sigma = schedule(sampler, 2, network.model.noising).sigma[0]
    # Of Euler's x = σ·n a bend sees x/√(1+σ²).
    size = sigma / (1 + sigma**2) ** 0.5 if sampler == "euler" else 1.0
    assert size > 0.997
    assert torch.allclose(shown[0], size * noise.tensor, atol=1e-6)


@pytest.mark.parametrize("depth", [0.3, 0.6, 0.8])
def test_between_its_ends_a_bend_sees_ddims_latent_under_euler(network, shown, depth):
    """One call from the same noise, then the bend: the same tensor, whatever carries it."""
    network.memory.forget()
    bend, noise = Bend("b", "probe", f"latent@{depth}"), network.noise(46)[0]
    noising = network.model.noising
    painted(network, noise, (bend,), Sampling("euler", 1, depth="insert"))
    plan = schedule("euler", 1, noising, (depth,))
    output = network.memory.newest("unet.out", 0)[0].tensor.float()
    abar, after = (1.0 / (1.0 + torch.tensor(plan.sigma[k]) ** 2) for k in (0, 1))
    expected = ddim_step(
        noise.tensor * (plan.sigma[0] / (1 + plan.sigma[0] ** 2) ** 0.5),
        output, abar, after, noising.prediction,
    )  # fmt: skip
    assert torch.allclose(shown[0], expected, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_between_steps_the_noise_is_carried_and_never_drawn_anew(network, sampler):
    """The same noise gives the same picture, and one that moves a little a picture that does."""
    noise, sampling = network.noise(46)[0], Sampling(sampler, 3)
    moved = Versioned(-77, noise.tensor * (1 + 1e-5))
    first = painted(network, noise, (), sampling)
    fresh = Network(network.model, 64, 64)
    assert torch.equal(painted(fresh, fresh.noise(46)[0], (), sampling), first)
    assert (painted(fresh, moved, (), sampling) - first).abs().max() < 1e-2


def test_a_bend_after_pndms_first_step_is_at_the_call_that_goes_on_from_there():
    """PNDM calls the network twice at its second time; the first of them is only looked at."""
    plan = schedule("pndm", 4, Noising())
    assert plan.t == (751.0, 501.0, 501.0, 251.0, 1.0, 0.0)
    at_501 = plan.layers[2] / 50
    assert plan.nearest(at_501) == 2
    assert plan.neighbours(at_501) == ((2, 1.0),)
    between = (plan.layers[0] + plan.layers[2]) / 100
    assert [k for k, _ in plan.neighbours(between)] == [0, 2]


def test_samplers_of_several_steps_come_to_about_the_same_picture(network):
    noise = network.noise(46)[0]
    ddim, pndm, dpm = (
        painted(network, noise, (), Sampling(sampler, 40)) for sampler in ("ddim", "pndm", "dpm++")
    )
    assert (pndm - ddim).norm() / ddim.norm() < 0.1
    assert (dpm - ddim).norm() / ddim.norm() < 0.2
