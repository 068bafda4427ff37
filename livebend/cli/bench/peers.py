"""What a user would otherwise run, on the same weights: for comparison only."""

import warnings
from collections.abc import Callable
from typing import Any

import torch

from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network

PROMPT = "a floating orb"
Paint = Callable[[int], object]  # the frame of index k


def peers(network: Network, steps: int) -> dict[str, Paint]:
    """Return diffusers' pipeline, and a plain loop whose text is encoded beforehand.

    Both in float32, as the library loads a model, and in the network's own precision where it
    differs; at the network's size, with the seeds of livebend's frames. Slow: loads the model
    again. Source: diffusers' documentation.
    """
    made = _peers(network, steps, torch.float32)
    if network.model.dtype != torch.float32:
        own = _peers(network, steps, network.model.dtype)
        made |= {f"{name}, {network.model.precision}": paint for name, paint in own.items()}
    return made


def _peers(network: Network, steps: int, dtype: torch.dtype) -> dict[str, Paint]:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (  # noqa: PLC0415
        StableDiffusionPipeline,
    )
    from diffusers.schedulers.scheduling_euler_discrete import (  # noqa: PLC0415
        EulerDiscreteScheduler,
    )

    ours = network.model
    model = load_model(ours.name, ours.device, dtype, torch.contiguous_format)
    noising = model.noising
    scheduler = EulerDiscreteScheduler(
        noising.steps,
        noising.beta_start,
        noising.beta_end,
        "scaled_linear",
        prediction_type=noising.prediction,
        timestep_spacing="trailing",
    )
    pipeline = StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        unet=model.unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    calls = steps or model.steps
    plain = _Plain(model, scheduler, network.shape, calls)

    def pipe(k: int) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library, about numpy
            return pipeline(
                PROMPT,
                num_inference_steps=calls,
                guidance_scale=0.0,
                width=network.width,
                height=network.height,
                generator=torch.Generator().manual_seed(k + 2),
                output_type="np",
            ).images

    return {"diffusers' pipeline": pipe, "plain loop": plain}


class _Plain:
    """unet(…), vae.decode(…), nothing else."""

    def __init__(self, model: Any, scheduler: Any, shape: tuple[int, ...], calls: int) -> None:
        self._model, self._scheduler, self._shape, self._calls = model, scheduler, shape, calls
        self._text = model.encode([PROMPT])

    @torch.inference_mode()
    def __call__(self, k: int) -> object:
        model, scheduler = self._model, self._scheduler
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library, about numpy
            scheduler.set_timesteps(self._calls)
        noise = torch.randn(self._shape, generator=torch.Generator().manual_seed(k + 2))
        x = noise.to(model.device, model.dtype) * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            seen = scheduler.scale_model_input(x, t)
            output = model.unet(seen, t, self._text, return_dict=False)[0]
            x = scheduler.step(output, t, x, return_dict=False)[0]
        image = model.vae.decode(x / model.scaling, return_dict=False)[0]
        pixels = (image[0].float() * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0) * 255
        return pixels.round().to(torch.uint8).cpu().numpy()
