"""Our frame is diffusers' frame, bit for bit, for the same weights, prompt, seed and steps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, LCMScheduler, StableDiffusionPipeline

from livebend.models.checkpoint import load_model
from livebend.models.sampler import Noising, schedule
from livebend.rendering.network import Network
from livebend.scene.values import Sampling
from tests.fakes.networks import CPU, F32, picture


def ours(folder: Path, sampling: Sampling, size: tuple[int, int]):
    network = Network(load_model(str(folder), CPU, F32, torch.contiguous_format), *size)
    return picture(network, (), sampling).pixels.tensor.numpy()


def theirs(folder: Path, scheduler: object, size: tuple[int, int], **call: object):
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(
        "a red orb",
        width=size[0],
        height=size[1],
        generator=torch.Generator().manual_seed(46),
        **call,
    )
    return np.asarray(made.images[0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["turbo", "v"])
@pytest.mark.parametrize(("steps", "size"), [(1, (256, 256)), (2, (192, 320)), (4, (200, 312))])
def test_euler_equals_the_pipeline(model_folder, kind, steps, size):
    folder = model_folder(kind)
    expected = theirs(
        folder, EulerDiscreteScheduler, size, num_inference_steps=steps, guidance_scale=0.0
    )
    assert np.array_equal(ours(folder, Sampling("euler", steps), size), expected)


@pytest.mark.filterwarnings("ignore")
def test_lcm_equals_the_pipeline_at_one_call(model_folder):
    folder, size = model_folder("turbo"), (128, 128)
    expected = theirs(folder, LCMScheduler, size, num_inference_steps=1, guidance_scale=0.0)
    assert np.array_equal(ours(folder, Sampling("lcm", 1), size), expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_lcm_times_equal_diffusers(steps):
    scheduler = LCMScheduler()
    scheduler.set_timesteps(steps)
    assert list(schedule("lcm", steps, Noising()).t[:-1]) == scheduler.timesteps.tolist()


def test_turbo_times_and_sigmas():
    plan = schedule("euler", 4, Noising())
    assert plan.t == (999.0, 749.0, 499.0, 249.0, 0.0)
    assert plan.sigma == pytest.approx((14.6146, 4.0817, 1.6129, 0.6932, 0.0), abs=1e-4)
    assert plan.layers == pytest.approx((0.0, 11.6, 24.1, 36.6, 50.0))
