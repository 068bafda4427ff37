"""What a user would otherwise run, on the same weights: for comparison only."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.openvino import OpenVinoBackend
from livebend.models.backends.protocol import Inputs, Runner
from livebend.models.checkpoint import Model, load_model
from livebend.models.stages import Stage
from livebend.rendering.network import Network

PROMPT = "a floating orb"
Paint = Callable[[int], object]  # the frame of index k


def peers(network: Network, steps: int) -> dict[str, Paint]:
    """Return diffusers' pipeline, and a plain loop whose text is encoded beforehand.

    Both in float32, as the library loads a model; in the network's own precision where that
    differs; and, on a processor, with the unet and the decoder compiled by OpenVINO, each as a
    whole. At the network's size, with the seeds of livebend's frames. Slow: loads the model again.
    Source: diffusers' documentation.
    """
    ours = network.model

    def load(dtype: torch.dtype) -> Model:
        return load_model(ours.wanted, ours.device, dtype, torch.contiguous_format)

    made = _peers(network, steps, load(torch.float32))
    if ours.dtype != torch.float32:
        own = _peers(network, steps, load(ours.dtype))
        made |= {f"{name}, {ours.precision}": paint for name, paint in own.items()}
    if network.engine.target.device == "cpu":
        whole = _peers(network, steps, _by_openvino(load(ours.dtype), network))
        made |= {f"{name}, OpenVINO": paint for name, paint in whole.items()}
    return made


def _by_openvino(model: Model, network: Network) -> Model:
    """Have OpenVINO run a model's unet and decoder, as it runs livebend's stages."""
    unet: Any = model.unet
    vae: Any = model.vae
    x, t = torch.zeros(network.shape, dtype=model.dtype), torch.zeros(1)
    with tempfile.TemporaryDirectory() as folder:
        backend, store = OpenVinoBackend(network.engine.target), EngineCache(Path(folder), "whole")

        def compiled(name: str, run: Runner, *read: Tensor) -> Runner:
            names = tuple(f"read.{n}" for n in range(len(read)))
            stage = Stage(name, names, ("made",), run)
            return backend.load(stage, Inputs(read), store, build=True)()

        def whole_unet(x: Tensor, t: Tensor, text: Tensor) -> tuple[Tensor, ...]:
            return unet(x, t, text, return_dict=False)  # type: ignore[no-any-return]

        predict = compiled("unet", whole_unet, x, t, model.encode([PROMPT]))
        decode = compiled("decoder", lambda z: vae.decode(z, return_dict=False), x)

    def forward(x: Tensor, t: Tensor, encoder_hidden_states: Tensor, **_: object) -> Any:
        return predict(x, t.float().expand(len(x)), encoder_hidden_states)

    unet.forward = forward
    vae.decode = lambda z, **_: decode(z)
    return model


def _peers(network: Network, steps: int, model: Model) -> dict[str, Paint]:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (  # noqa: PLC0415
        StableDiffusionPipeline,
    )
    from diffusers.schedulers.scheduling_euler_discrete import (  # noqa: PLC0415
        EulerDiscreteScheduler,
    )

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
