"""A model: the parts of a Stable Diffusion 1.x or 2.x folder in the diffusers layout.

    model_index.json  unet/  vae/  text_encoder/  tokenizer/  scheduler/scheduler_config.json

A name is `tiny` (embedded), a folder, or a hub id such as stabilityai/sd-turbo, which is looked up
in the local cache first and downloaded once. `random:sd-turbo` has no folder: it is for measuring.
"""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from livebend.core.errors import ModelError, one_line
from livebend.device.devices import on_torch, usual
from livebend.device.gpu import aside, wait_for
from livebend.models.lean_imports import lean
from livebend.models.precision import best_dtype, name_of
from livebend.models.random_weights import PREFIX, random_parts
from livebend.models.sampler import Noising
from livebend.models.vocabulary import ReadPrompt, Vocabulary, load_vocabulary

TINY = Path(__file__).parent / "tiny"
TURBO_SCHEDULER = {"beta_schedule": "scaled_linear", "timestep_spacing": "trailing"}
PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")


@dataclass(frozen=True, slots=True)
class Model:
    """A model on its device. `steps` and `guidance` are what it paints best with."""

    name: str
    folder: Path | None  # None for random weights
    unet: nn.Module
    vae: nn.Module
    text_encoder: nn.Module
    tokenizer: Any
    noising: Noising
    steps: int
    guidance: float
    vocabulary: Vocabulary | None
    device: torch.device
    dtype: torch.dtype

    @property
    def scaling(self) -> float:
        """What latents are divided by before the decoder."""
        return float(self.vae.config.scaling_factor)  # type: ignore[union-attr,arg-type]

    @property
    def factor(self) -> int:
        """Pixels per latent element, along each side."""
        config: Any = self.vae.config
        blocks = getattr(config, "block_out_channels", None) or config.decoder_block_out_channels
        return int(2 ** (len(blocks) - 1))

    @property
    def native(self) -> int:
        """The side, in pixels, of the pictures that the network was trained on."""
        return int(self.unet.config.sample_size) * self.factor  # type: ignore[union-attr,arg-type]

    @property
    def precision(self) -> str:
        """The name of its precision: float32, bfloat16 or float16."""
        return name_of(self.dtype)

    def understand(self, text: str) -> ReadPrompt:
        """Return a prompt as this model reads it."""
        return ReadPrompt(text) if self.vocabulary is None else self.vocabulary.understand(text)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Return the embeddings [len(texts), T, C] of prompts, without holding up frames."""
        return aside(self.device, lambda: self._embedded(texts))

    @torch.inference_mode()
    def _embedded(self, texts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(
            list(texts),
            padding="max_length",
            max_length=self.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        embedded: Tensor = self.text_encoder(tokens.to(self.device), attention_mask=None)[0]
        return embedded.to(self.dtype)


def load_model(
    name: str,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
    layout: torch.memory_format = torch.channels_last,
) -> Model:
    """Load a model.

    device, dtype: the best ones of this machine where None.
    layout: of the convolutions' weights. channels_last is faster on processors and GPUs; with
        contiguous_format frames are bit for bit those of diffusers' own pipeline.
    Raises: ModelError, naming what is missing.
    """
    found = usual() if device is None else device.type
    device, dtype = device or on_torch(found), dtype or best_dtype(found)
    folder = None if name.startswith(PREFIX) else find_folder(name)
    index, scheduler = ({}, TURBO_SCHEDULER) if folder is None else _settings(name, folder)
    *parts, tokenizer = _parts(name, folder)
    for part in parts:
        nn.Module.to(part, device, dtype).eval().requires_grad_(False)
    unet, vae, text = parts
    turbo = scheduler.get("timestep_spacing") == "trailing"
    model = Model(
        name,
        folder,
        unet,
        vae,
        text,
        tokenizer,
        _noising(scheduler, name),
        steps=int(index.get("_livebend_steps", 1 if turbo else 20)),
        guidance=0.0 if turbo else 7.5,
        vocabulary=load_vocabulary(folder) if folder else None,
        device=device,
        dtype=dtype,
    )
    for part in parts:
        part.to(memory_format=layout)  # type: ignore[call-overload]
    wait_for(device)  # any stream may read them
    return model


def _settings(name: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a folder's index and its scheduler's configuration. Raises: ModelError."""
    index = _json(folder / "model_index.json")
    for part in PARTS:
        if not (folder / part).is_dir():
            raise ModelError(f"model {name!r}: {folder} has no folder {part}/")
    return index, _json(folder / "scheduler" / "scheduler_config.json")


def _parts(name: str, folder: Path | None) -> tuple[nn.Module, nn.Module, nn.Module, Any]:
    if folder is None:
        return random_parts(name.removeprefix(PREFIX), TINY / "tokenizer", libraries())
    try:
        return _load_parts(folder)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"model {name!r}: cannot be loaded from {folder}: {one_line(error)}"
        ) from error


def find_folder(name: str) -> Path:
    """Return the folder of a model's name. Raises: ModelError."""
    folder = TINY if name == "tiny" else Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "model_index.json").is_file():
            raise ModelError(f"model {name!r}: {folder} has no model_index.json")
        return folder
    if name.count("/") != 1 or name.startswith((".", "~", "/")):
        raise ModelError(
            f"unknown model {name!r}; expected tiny, a folder, or a hub id such as"
            " stabilityai/sd-turbo"
        )
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow, and seldom needed
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    wanted = ["model_index.json", *(f"{p}/*" for p in PARTS)]
    unwanted = ["*.bin", "*.ckpt", "*.msgpack", "*.onnx*", "*.fp16.safetensors"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns=unwanted))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise ModelError(
            f"model {name!r}: not here and not to be fetched: {one_line(error)}"
        ) from error


def libraries() -> tuple[Any, ...]:
    """Import and return the classes that a model is made of: the network, AutoencoderKL,
    AutoencoderTiny, the text encoder and the tokenizer. Slow the first time."""
    with lean():
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: PLC0415
        from diffusers.models.autoencoders.autoencoder_tiny import (  # noqa: PLC0415
            AutoencoderTiny,
        )
        from diffusers.models.unets.unet_2d_condition import (  # noqa: PLC0415
            UNet2DConditionModel,
        )
        from transformers import CLIPTextModel, CLIPTokenizer  # noqa: PLC0415

        _quieten()
    return UNet2DConditionModel, AutoencoderKL, AutoencoderTiny, CLIPTextModel, CLIPTokenizer


def _load_parts(folder: Path) -> tuple[nn.Module, nn.Module, nn.Module, Any]:
    unet, kl, tiny, text, tokenizer = libraries()
    decoders = {"AutoencoderKL": kl, "AutoencoderTiny": tiny}
    kind = _json(folder / "vae" / "config.json").get("_class_name", "AutoencoderKL")
    unet_kind = _json(folder / "unet" / "config.json").get("_class_name")
    if kind not in decoders or unet_kind != "UNet2DConditionModel":
        raise ValueError(f"unet {unet_kind} with vae {kind} is not Stable Diffusion 1.x or 2.x")
    whole = {"low_cpu_mem_usage": False, "local_files_only": True}
    with lean(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(diffusers|transformers|huggingface_hub)\b")
        return (
            unet.from_pretrained(folder / "unet", **whole),
            decoders[kind].from_pretrained(folder / "vae", **whole),
            text.from_pretrained(folder / "text_encoder", local_files_only=True),
            tokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        )


def _quieten() -> None:
    """Turn the libraries' advice and progress bars off."""
    from diffusers.utils import logging as diffusers_logging  # noqa: PLC0415
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


def _noising(config: dict[str, Any], name: str) -> Noising:
    if config.get("beta_schedule") != "scaled_linear":
        raise ModelError(
            f"model {name!r}: beta_schedule = {config.get('beta_schedule')!r}:"
            " expected scaled_linear"
        )
    return Noising(
        config.get("beta_start", 0.00085),
        config.get("beta_end", 0.012),
        config.get("num_train_timesteps", 1000),
        config.get("prediction_type", "epsilon"),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    return loaded if isinstance(loaded, dict) else {}
