"""A model's scheduler is read: each kind plays as diffusers' pipeline does with the same file."""

import json
import shutil

import diffusers
import numpy as np
import pytest
import torch

from livebend.core.errors import ModelError
from livebend.models.checkpoint import load_model
from livebend.models.sampler import Noising, Spacing, lcm_step, schedule
from livebend.models.scheduler import read_scheduler
from livebend.rendering.network import Network
from livebend.scene.values import Sampling
from tests.fakes.networks import CPU, F32, picture, text_of

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
LINEAR = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "linear"}
V = {"prediction_type": "v_prediction"}
ZERO = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", **V}
TRAILING = {"timestep_spacing": "trailing"}
DDIM = {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}
PNDM = {"skip_prk_steps": True, "steps_offset": 1}
SIZE = (64, 64)

# Class, options beside those that save_pretrained writes, network calls compared.
CASES = [
    ("EulerDiscreteScheduler", {**BETAS, **TRAILING, "steps_offset": 1}, 1),
    ("EulerDiscreteScheduler", BETAS, 5),  # linspace: times that are not whole
    ("EulerDiscreteScheduler", {**BETAS, "timestep_spacing": "leading", "steps_offset": 1}, 3),
    ("EulerDiscreteScheduler", {**BETAS, **TRAILING, "prediction_type": "sample"}, 2),
    ("EulerDiscreteScheduler", {**BETAS, **ZERO}, 4),
    ("EulerDiscreteScheduler", {**LINEAR, **TRAILING}, 2),
    ("DDIMScheduler", {**BETAS, **DDIM}, 5),
    ("DDIMScheduler", {**BETAS, **DDIM, **V}, 5),
    ("DDIMScheduler", {**BETAS, **DDIM, **ZERO}, 4),
    ("DDIMScheduler", {**BETAS, **DDIM, **TRAILING, "set_alpha_to_one": True}, 4),
    ("DDIMScheduler", {**BETAS, **DDIM, "clip_sample": True, "steps_offset": 0}, 4),
    ("DDIMScheduler", {**LINEAR, **DDIM, "prediction_type": "sample"}, 4),
    ("PNDMScheduler", {**BETAS, **PNDM}, 1),
    ("PNDMScheduler", {**BETAS, **PNDM}, 2),
    ("PNDMScheduler", {**BETAS, **PNDM}, 7),
    ("PNDMScheduler", {**LINEAR, **PNDM, **V}, 5),
    ("PNDMScheduler", {**BETAS, **PNDM, **TRAILING, "set_alpha_to_one": True}, 5),
    ("DPMSolverMultistepScheduler", BETAS, 1),
    ("DPMSolverMultistepScheduler", BETAS, 6),
    ("DPMSolverMultistepScheduler", {**BETAS, **V, "timestep_spacing": "leading"}, 5),
    ("DPMSolverMultistepScheduler", {**BETAS, "use_karras_sigmas": True}, 6),
    ("DPMSolverMultistepScheduler", {**BETAS, **ZERO}, 4),
    ("DPMSolverMultistepScheduler", {**LINEAR, **TRAILING, "prediction_type": "sample"}, 3),
    ("DPMSolverMultistepScheduler", {**BETAS, "final_sigmas_type": "sigma_min"}, 16),
    ("LCMScheduler", {**BETAS, "set_alpha_to_one": True}, 1),
    ("LCMScheduler", {**BETAS, **V, "original_inference_steps": 100}, 1),
]  # fmt: skip


@pytest.fixture
def folder(model_folder, tmp_path):
    """Return a function of a scheduler's class and options: the folder of a model with it."""

    def made(kind, options):
        place = tmp_path / "model"
        shutil.copytree(model_folder("v1"), place)
        getattr(diffusers, kind)(**options).save_pretrained(place / "scheduler")
        index = json.loads((place / "model_index.json").read_text())
        index["scheduler"] = ["diffusers", kind]
        (place / "model_index.json").write_text(json.dumps(index))
        return place

    return made


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "options", "calls"), CASES)
def test_the_first_frame_is_that_of_diffusers_pipeline(folder, kind, options, calls):
    place = folder(kind, options)
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(place, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    assert type(pipe.scheduler).__name__ == kind
    model = load_model(str(place), CPU, F32, torch.contiguous_format)
    network = Network(model, *SIZE)
    negative = text_of(network, "", -2) if model.guidance else None
    ours = picture(network, (), Sampling(steps=calls), negative=negative).pixels.tensor.numpy()
    theirs = pipe(
        "a red orb", width=SIZE[0], height=SIZE[1], num_inference_steps=calls,
        guidance_scale=model.guidance, generator=torch.Generator().manual_seed(46),
    ).images[0]  # fmt: skip
    assert np.array_equal(ours, np.asarray(theirs))


@pytest.mark.parametrize("calls", [1, 3, 4])
def test_all_steps_of_lcm_are_diffusers_for_the_same_noise(monkeypatch, calls):
    """The pipeline draws other noise between steps than a show, whose walk has to stay smooth."""
    scheduler = diffusers.LCMScheduler(**BETAS)
    scheduler.set_timesteps(calls)
    plan = schedule("lcm", calls, Noising())
    draw = torch.Generator().manual_seed(1)
    x, output, noise = torch.randn(3, 1, 4, 8, 8, generator=draw)
    monkeypatch.setattr(diffusers.schedulers.scheduling_lcm, "randn_tensor", lambda *_, **__: noise)
    ours = theirs = x
    for k, t in enumerate(scheduler.timesteps):
        assert plan.t[k] == float(t)
        theirs = scheduler.step(output, t, theirs, return_dict=False)[0]
        abar, after = (torch.tensor(a) for a in plan.abar[k : k + 2])
        ours = lcm_step(
            ours, output, t=plan.t[k], abar=abar, abar_next=after,
            noise=noise if k + 1 < calls else None, prediction="epsilon",
        )  # fmt: skip
        assert torch.equal(ours, theirs)


def config(kind, **options):
    return {"_class_name": kind, **BETAS, **options}


@pytest.mark.parametrize(
    ("given", "name", "said"),
    [
        (config("PNDMScheduler", steps_offset=1), "", "ddim, 20 steps, guidance 7.5"),
        (config("PNDMScheduler", **PNDM), "", "pndm, 20 steps, guidance 7.5"),
        (config("DPMSolverMultistepScheduler", timestep_spacing="trailing"), "",
         "dpm++, 20 steps, guidance 7.5"),
        (config("EulerDiscreteScheduler", **TRAILING), "", "euler, 1 step, no guidance"),
        (config("EulerDiscreteScheduler", **ZERO), "", "euler, 20 steps, guidance 7.5"),
        (config("DDIMScheduler", **TRAILING), "", "ddim, 20 steps, guidance 7.5"),
        (config("EulerAncestralDiscreteScheduler", **TRAILING), "", "euler, 1 step, no guidance"),
        (config("LCMScheduler"), "", "lcm, 4 steps, no guidance"),
        (config("TCDScheduler"), "", "ddim, 4 steps, no guidance"),
        (config("PNDMScheduler"), "my-turbo-mix", "ddim, 1 step, no guidance"),
        (config("DDIMScheduler"), "dreams_LCM_8", "ddim, 4 steps, no guidance"),
        (config("SomeNewScheduler"), "almclm", "ddim, 20 steps, guidance 7.5"),
    ],
)  # fmt: skip
def test_class_and_name_decide_sampler_steps_and_guidance(given, name, said):
    assert str(read_scheduler(given, name=name)) == said


def test_steps_that_a_model_says_itself_are_without_guidance():
    made = read_scheduler(config("EulerDiscreteScheduler", **TRAILING, **V), steps=2)
    assert (made.steps, made.guidance) == (2, 0.0)


def test_another_sampler_than_the_models_has_its_usual_times():
    made = read_scheduler(config("PNDMScheduler", steps_offset=1)).noising
    assert made.spaced("ddim") == Spacing("leading")
    assert schedule("euler", 4, made).t == (999.0, 749.0, 499.0, 249.0, 0.0)


@pytest.mark.parametrize(
    ("given", "notes"),
    [
        (config("DDIMScheduler"), ()),
        (config("PNDMScheduler", **PNDM), ()),
        (config("PNDMScheduler"), ("PNDMScheduler is played as ddim: skip_prk_steps is off",)),
        (config("DPMSolverMultistepScheduler", use_karras_sigmas=True, solver_order=2), ()),
        (config("DPMSolverMultistepScheduler", algorithm_type="sde-dpmsolver++"),
         ("algorithm_type = 'sde-dpmsolver++' is left out",)),
        (config("UniPCMultistepScheduler", solver_order=3),
         ("UniPCMultistepScheduler is played as ddim",)),
        (config("EulerDiscreteScheduler", use_karras_sigmas=True),
         ("use_karras_sigmas = True is left out",)),
    ],
)  # fmt: skip
def test_what_is_played_otherwise_is_noted(given, notes):
    assert read_scheduler(given).notes == notes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (config("FlowMatchEulerDiscreteScheduler"), "a flow model; expected Stable Diffusion"),
        (config("EulerDiscreteScheduler", prediction_type="flow_prediction"), "a flow model"),
        (config("DDIMScheduler", prediction_type="noise"),
         "prediction_type = 'noise': expected epsilon or v_prediction or sample"),
        (config("DDIMScheduler", beta_schedule="squaredcos_cap_v2"),
         "beta_schedule = 'squaredcos_cap_v2': expected scaled_linear or linear"),
        (config("DDIMScheduler", timestep_spacing="sideways"), "timestep_spacing = 'sideways'"),
        (config("DDIMScheduler", num_train_timesteps=500), "num_train_timesteps = 500"),
        (config("DDIMScheduler", trained_betas=[0.1] * 1000), "trained_betas = [0.1, 0.1"),
        (config("DDIMScheduler", rescale_betas_zero_snr=True, **TRAILING), "divides by zero"),
        ({"_class_name": "SchrodingerScheduler"}, "SchrodingerScheduler is not known"),
    ],
)  # fmt: skip
def test_what_would_be_another_picture_is_refused(given, said):
    with pytest.raises(ModelError) as refused:
        read_scheduler(given)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 200
