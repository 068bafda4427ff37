"""A model in a folder in the layout of diffusers:

model_index.json  unet/  vae/  text_encoder/  tokenizer/  scheduler/scheduler_config.json
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from livebend.core.errors import ModelError
from livebend.models.parts import (
    Config,
    Side,
    Target,
    check_unet,
    make_text_encoder,
    make_tokenizer,
    make_unet,
    make_vae,
)
from livebend.models.places import INDEX, PARTS
from livebend.models.scheduler import Sampled, read_scheduler
from livebend.models.weight_files import check_weights, read_json, weight_files
from livebend.models.weights import State, read_weights

Make = Callable[[Config, State, Target], nn.Module]


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot play, before anything heavy is imported. Raises: ModelError."""
    if not (folder / INDEX).is_file():
        raise ModelError(f"{folder} has no {INDEX}{_instead(folder)}")
    index = read_json(folder / INDEX)
    if "transformer" in index or (folder / "transformer").is_dir():
        kind = str(index.get("_class_name", "")).removesuffix("Pipeline")
        raise ModelError(
            f"is a flow model or another transformer ({kind}): expected Stable Diffusion 1.x, 2.x"
            " or Turbo"
        )
    for part in PARTS:
        if part != "tokenizer" and not (folder / part).is_dir():
            raise ModelError(f"{folder} has no folder {part}/")
    check_unet(read_json(folder / "unet" / "config.json"))
    for part in PARTS[:3]:
        check_weights(weight_files(folder / part))
    read_sampled(folder)


def _instead(folder: Path) -> str:
    """What a folder without an index is, if that can be told."""
    config = folder / "config.json"
    if config.is_file():
        kind = read_json(config).get("_class_name", "one part")
        hint = ": give it with --vae" if str(kind).startswith("Autoencoder") else ""
        return f"; it holds {kind}, a part of a model{hint}"
    files = sorted(f.name for f in folder.glob("*") if f.suffix in (".safetensors", ".ckpt"))
    return f"; give one of its files: {', '.join(files[:3])}" if files else ""


def read_sampled(folder: Path, name: str = "") -> Sampled:
    """Return how the model of a folder is sampled. Raises: ModelError."""
    index = read_json(folder / INDEX)
    steps = index.get("_livebend_steps", 0)
    config = read_json(folder / "scheduler" / "scheduler_config.json")
    return read_scheduler(config, name=name or folder.name, steps=int(steps))


def load_unet(folder: Path, target: Target) -> nn.Module:
    """Return the network of a folder. Raises: ModelError."""
    return _part(folder / "unet", make_unet, target)


def load_vae(folder: Path, target: Target, side: Side = "decoder") -> nn.Module:
    """Return the decoder in a part's own folder, or its encoder. Raises: ModelError."""
    return _part(folder, partial(make_vae, side=side), target)


def load_text(folder: Path, target: Target) -> tuple[nn.Module, Any]:
    """Return the text encoder and the tokenizer of a folder. Raises: ModelError."""
    encoder = _part(folder / "text_encoder", make_text_encoder, target)
    return encoder, make_tokenizer(folder / "tokenizer", encoder)


def _part(folder: Path, make: Make, target: Target) -> nn.Module:
    config = read_json(folder / "config.json")
    return make(config, read_weights(weight_files(folder)), target)
