"""A frame that begins at a picture is diffusers' img2img, bit for bit, for the same weights,
picture, prompt, seed, steps and strength, wherever diffusers can say that strength."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
)
from PIL import Image

from livebend.flow import Pixels
from livebend.models.checkpoint import Wanted, load_model
from livebend.rendering.network import Network
from livebend.scene.values import InputPicture, Prompt, Sampling, Scene, Walk
from tests.fakes.networks import CPU, F32
from tests.fakes.pictures import StillSource, garden
from tests.fakes.shows import Show

SCHEDULERS = {
    "euler": EulerDiscreteScheduler, "ddim": DDIMScheduler, "lcm": LCMScheduler,
    "pndm": PNDMScheduler, "dpm++": DPMSolverMultistepScheduler,
}  # fmt: skip


def theirs(folder: Path, sampler: str, pixels: Pixels, **call: object) -> Pixels:
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None)
    config = dict(pipeline.scheduler.config)
    own = pipeline.scheduler.__class__ is SCHEDULERS[sampler]
    if not own:
        spacing = "trailing" if sampler in ("euler", "dpm++") else "leading"
        config |= {"timestep_spacing": spacing, "skip_prk_steps": True, "steps_offset": 1}
        config |= {"set_alpha_to_one": False, "clip_sample": False}
    if not own and sampler == "dpm++":
        config |= {"final_sigmas_type": "sigma_min"}
    pipeline.scheduler = SCHEDULERS[sampler].from_config(config)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(46)
    made = pipeline("a red orb", image=Image.fromarray(pixels), generator=generator, **call)
    return np.asarray(made.images[0])


def ours(folder: Path, pixels: Pixels, sampling: Sampling, strength: float) -> Pixels:
    wanted = Wanted(str(folder), encoder="vae")
    model = load_model(wanted, CPU, F32, torch.contiguous_format)
    show = Show(Network(model, *pixels.shape[1::-1]), pictures=StillSource(pixels))
    scene = Scene(
        prompt=Prompt("a red orb"), walk=Walk(radius=0.0), sampling=sampling,
        picture=InputPicture(strength=strength),
    )  # fmt: skip
    return show.frame(scene)


CASES = [
    ("turbo", "euler", 1, 1.0), ("turbo", "euler", 2, 0.5), ("turbo", "euler", 4, 0.75),
    ("v", "euler", 4, 0.5), ("v", "euler", 2, 1.0), ("v", "ddim", 4, 0.5),
    ("v1", "ddim", 10, 0.5), ("v2", "ddim", 8, 0.25), ("v1", "euler", 4, 0.5),
    ("turbo", "lcm", 2, 0.5), ("turbo", "lcm", 4, 0.25),
    ("turbo", "dpm++", 4, 0.5), ("v", "dpm++", 20, 0.5), ("v1", "dpm++", 8, 0.75),
    ("v1", "pndm", 4, 1.0), ("v1", "pndm", 4, 0.75), ("v1", "pndm", 8, 0.5),
    ("turbo", "pndm", 8, 0.25), ("v2", "pndm", 4, 0.25), ("turbo", "pndm", 1, 1.0),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "sampler", "steps", "strength"), CASES)
def test_a_picture_equals_the_pipeline(model_folder, kind, sampler, steps, strength):
    folder, pixels = model_folder(kind), garden(72, 104)
    expected = theirs(
        folder, sampler, pixels, num_inference_steps=steps, strength=strength, guidance_scale=0.0
    )
    made = ours(folder, pixels, Sampling(sampler, steps, 1.0), strength)
    assert np.array_equal(made, expected)
