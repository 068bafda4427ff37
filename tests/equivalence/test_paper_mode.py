"""Paper mode: DDIM, eta 0, CFG 7.5, a bend before step L: diffusers' pipeline, and a plain loop."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

from livebend.models.checkpoint import load_model
from livebend.models.sampler import Noising, schedule
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Sampling
from tests.fakes.networks import CPU, F32, picture, text_of

SIZE = (64, 64)
SAMPLING = Sampling("ddim", 50, 7.5)
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", params=["v1", "v2"])
def folder(request, model_folder):
    """A folder shaped as Stable Diffusion 1.x, then as 2.x."""
    return str(model_folder(request.param))


@pytest.fixture(scope="module")
def network(folder):
    model = load_model(folder, CPU, F32, torch.contiguous_format)
    return Network(model, *SIZE)


@pytest.fixture(scope="module")
def pipe(folder):
    made = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    made.scheduler = DDIMScheduler.from_config(made.scheduler.config)
    made.set_progress_bar_config(disable=True)
    return made


def ours(network, sampling, bends=()):
    negative = text_of(network, "", -2)
    return picture(network, bends, sampling, negative=negative).pixels.tensor.numpy()


@pytest.fixture(scope="module")
def unbent(network):
    """The picture without a bend."""
    return ours(network, SAMPLING)


def rotation(x, theta):
    """R1 of the paper, channels 1 and 2."""
    c, s = math.cos(theta), math.sin(theta)
    y = x.clone()
    y[:, 1], y[:, 2] = c * x[:, 1] - s * x[:, 2], s * x[:, 1] + c * x[:, 2]
    return y


@torch.no_grad()
def plain_loop(pipe, steps, layer, theta, guidance=7.5):
    """The paper's loop, with nothing of livebend in it: bend x_t before step `layer`."""
    ddim, unet, vae = pipe.scheduler, pipe.unet, pipe.vae
    tokens = pipe.tokenizer(
        ["", "a red orb"],
        padding="max_length",
        max_length=pipe.tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    text = pipe.text_encoder(tokens.input_ids)[0]
    generator = torch.Generator().manual_seed(46)
    x = torch.randn(1, 4, SIZE[1] // 8, SIZE[0] // 8, generator=generator)
    ddim.set_timesteps(steps)
    for n, t in enumerate(ddim.timesteps):
        if n == layer:
            x = rotation(x, theta)
        uncond, cond = unet(torch.cat([x, x]), t, encoder_hidden_states=text).sample.chunk(2)
        eps = uncond + guidance * (cond - uncond)
        x = ddim.step(eps, t, x, eta=0.0).prev_sample
    if layer >= steps:
        x = rotation(x, theta)
    image = vae.decode(x / vae.config.scaling_factor).sample
    image = (image[0] * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0)
    return (image * 255).round().to(torch.uint8).numpy()


@pytest.mark.parametrize("steps", [50, 7])
def test_without_bends_it_is_the_pipeline(network, pipe, steps):
    made = pipe(
        "a red orb",
        width=SIZE[0],
        height=SIZE[1],
        num_inference_steps=steps,
        guidance_scale=7.5,
        eta=0.0,
        generator=torch.Generator().manual_seed(46),
    )
    got = ours(network, replace(SAMPLING, steps=steps))
    assert np.array_equal(got, np.asarray(made.images[0]))


@pytest.mark.parametrize("layer", [0, 40, 50])
def test_a_bend_before_step_l_is_the_plain_loop(network, pipe, unbent, layer):
    bend = Bend("r1", "rotate", f"latent@{layer / 50:g}", {"angle": 70.0}, units="raw")
    got = ours(network, SAMPLING, (bend,))
    assert np.array_equal(got, plain_loop(pipe, 50, layer, math.radians(70.0)))
    assert np.array_equal(got, ours(network, replace(SAMPLING, depth="insert"), (bend,)))
    assert not np.array_equal(got, unbent)


def test_layer_l_of_the_paper_is_exactly_step_l_of_fifty():
    depths = tuple(layer / 50 for layer in range(51))
    plan = schedule("ddim", 50, Noising())
    assert plan.t == (*(981.0 - 20.0 * layer for layer in range(50)), 0.0)
    assert [plan.nearest(depth) for depth in depths] == list(range(51))
    assert schedule("ddim", 50, Noising(), depths) == plan  # nothing is left to insert
