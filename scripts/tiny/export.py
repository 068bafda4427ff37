"""Write the trained parts as a folder that diffusers' StableDiffusionPipeline runs unchanged."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from .card import History, write_card
from .network import Shape, build_scheduler
from .text import MAX_TOKENS
from .words import vocabulary

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderTiny"],
    "_livebend_steps": 1,
}
"""diffusers passes over what begins with "_"; livebend reads it."""
HISTORY = "_livebend_history"


def _edit_config(path: Path) -> None:
    """Drop the path that saving leaves, and have half weights loaded as float32 unless told.

    transformers loads a model in the type its configuration names, diffusers in float32: without
    this a plain from_pretrained would mix the two. AutoencoderTiny writes a setting that it does
    not read; it goes too.
    """
    data = json.loads(path.read_text())
    data.pop("_name_or_path", None)
    if data.get("_class_name") == "AutoencoderTiny":
        data.pop("block_out_channels", None)
    if "dtype" in data:
        data["dtype"] = "float32"
    path.write_text(json.dumps(data, indent=2) + "\n")


def write_vocabulary(folder: Path) -> None:
    """Write the words that the model knows, for people and for prompt matching."""
    text = json.dumps(vocabulary(), indent=1, ensure_ascii=False)
    (folder / "vocabulary.json").write_text(text + "\n")


def read_history(folder: Path) -> History:
    """Read what an exported folder's weights have been through; nothing, where it does not say."""
    index = json.loads((folder / "model_index.json").read_text())
    found = index.get(HISTORY, {})
    return History(**{k: tuple(v) if isinstance(v, list) else v for k, v in found.items()})


@torch.no_grad()
def export(
    folder: Path,
    vae: AutoencoderTiny,
    unet: UNet2DConditionModel,
    text: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    history: History | None = None,
) -> int:
    """Write the folder in half precision; return its size in bytes.

    Only where the weights' history is told is the model card written: it would be wrong without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, nn.Module] = {"vae": vae, "unet": unet, "text_encoder": text}
    for name, module in parts.items():
        half = copy.deepcopy(module).half().to(memory_format=torch.contiguous_format)
        half.save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / "tokenizer")
    _write_bpe_files(tokenizer, folder / "tokenizer")
    build_scheduler().save_pretrained(folder / "scheduler")
    index = INDEX | ({HISTORY: asdict(history)} if history else {})
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    write_vocabulary(folder)
    for path in folder.glob("*/config.json"):
        _edit_config(path)
    if history:
        sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
        write_card(folder, history, sizes, len(tokenizer), Shape.of(folder))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _write_bpe_files(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write vocab.json and merges.txt beside tokenizer.json, as Stable Diffusion's folder has."""
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    assert tokenizer.model_max_length == MAX_TOKENS
