"""The families that play, and what a single file is: told from its tensors, metadata and name.

A file in the layout of Stable Diffusion's own code says neither which scheduler it was trained with
nor how it is configured. Widths and depths are read from its weights, the rest is in `families/`.
Source: the configurations of the published models, and CLIP's byte pairs (MIT, Copyright 2021
OpenAI) for their common tokenizer.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from livebend.core.errors import ModelError, UnknownName
from livebend.models.scheduler import is_called_lcm

FOLDER = Path(__file__).parent / "families"
FAMILIES = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))
NETWORK, DECODER = "model.diffusion_model.", "first_stage_model."
CLIP, OPEN_CLIP = "cond_stage_model.transformer.", "cond_stage_model.model."
CONV_IN = f"{NETWORK}input_blocks.0.0.weight"
ARCHITECTURES = {  # modelspec.architecture
    "stable-diffusion-v1": "sd-1.5",
    "stable-diffusion-v2-512": "sd-2-base",
    "stable-diffusion-v2-768-v": "sd-2.1-v",
}

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of Stable Diffusion: its name, how it is configured, and why it was taken for one."""

    name: str
    unet: Mapping[str, Any]
    vae: Mapping[str, Any]
    text_encoder: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    pad_token: str
    version: int  # 1 or 2
    assumed: str = field(default="", compare=False)  # "" where there is no doubt


@cache
def family(name: str) -> Family:
    """Return a family. Raises: UnknownName."""
    if name not in FAMILIES:
        raise UnknownName("family", name, FAMILIES)
    return Family(name, **json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def family_of(shapes: Shapes, metadata: Mapping[str, str], name: str, asked: str = "") -> str:
    """Return the family of a single file, and how sure that is: "name" or "name?".

    shapes, metadata: of its header.
    name: of the file, which may say turbo, LCM, base or v.
    asked: the family that the performer names.
    Raises: ModelError where it is nothing that plays.
    """
    check_playable(shapes)
    version = 2 if any(key.startswith(OPEN_CLIP) for key in shapes) else 1
    if asked:
        return _asked(asked, version)
    if version == 1:
        return "lcm-1.5" if is_called_lcm(name) else "sd-1.5"
    said = metadata.get("modelspec.architecture", ""), metadata.get("modelspec.prediction_type")
    return _second("turbo" in name.lower(), *said, "v_pred" in shapes) or _by_name(name.lower())


def _second(turbo: bool, architecture: str, prediction: str | None, says_v: bool) -> str:
    """The family of a 2.x as its metadata and its tensors have it; "" where they do not say."""
    if turbo:
        return "sd-turbo"
    if architecture in ARCHITECTURES:
        return ARCHITECTURES[architecture]
    if prediction in ("v", "epsilon") or says_v:
        return "sd-2-base" if prediction == "epsilon" else "sd-2.1-v"
    return ""


def _by_name(name: str) -> str:
    if re.search(r"(?<!\d)512(?!\d)|(?<![a-z])base(?![a-z])", name):
        return "sd-2-base"
    sure = re.search(r"(?<!\d)768(?!\d)|(?<![a-z])v(-?pred\w*)?(?![a-z\d])", name)
    return "sd-2.1-v" if sure else "sd-2.1-v?"


def _asked(name: str, version: int) -> str:
    if family(name).version != version:
        fitting = " or ".join(n for n in FAMILIES if family(n).version == version)
        raise ModelError(f"is Stable Diffusion {version}.x, not {name}: expected {fitting}")
    return name


# What else a file of weights may be, by a part of a tensor's name, and what to do about it.
OTHERS: tuple[tuple[str, str], ...] = (
    (r"lora_(unet|te|down|up|A|B|prior)|\.lora\.|hada_w1|lokr_w|^lycoris", "a LoRA, which changes"
     " a model and is none by itself: give the model that it was made for"),
    (r"(^|\.)double_blocks\.|(^|\.)joint_blocks\.|(^|\.)single_transformer_blocks\.",
     "a flow model (Stable Diffusion 3 or Flux): expected Stable Diffusion 1.x, 2.x or Turbo"),
    (r"^conditioner\.embedders\.|diffusion_model\.label_emb\.|^add_embedding\.linear",
     "Stable Diffusion XL: expected Stable Diffusion 1.x, 2.x or Turbo"),
    (r"^control_model\.|input_hint_block|controlnet_", "a ControlNet, which steers a model and is"
     " none by itself: give the model that it was made for"),
    (r"^(emb_params|string_to_param|clip_[lg])$", "an embedding of words (textual inversion), not"
     " a model"),
)  # fmt: skip
ALONE: tuple[tuple[str, str], ...] = (
    (r"^(first_stage_model\.|encoder\.(conv_in|down)|decoder\.(conv_in|up|mid)|(post_)?quant_conv)"
     r"|^\d+\.(weight|bias|conv)", "a decoder (VAE), not a whole model: give it with --vae"),
    (r"^(down_blocks|up_blocks|mid_block|conv_in)\.", "a network alone: give the folder that holds"
     " its unet/"),
    (r"^(text_model|embeddings)\.", "a text encoder alone: give the folder of the whole model"),
)  # fmt: skip
CHANNELS = {9: "an inpainting network", 8: "a network that edits pictures",
            5: "a network that reads depth", 7: "an upscaling network"}  # fmt: skip


def check_playable(shapes: Shapes) -> None:
    """Refuse a single file that holds no Stable Diffusion 1.x or 2.x, and say what it is.

    Raises: ModelError.
    """
    if other := _first(OTHERS, shapes):
        raise ModelError(f"is {other}")
    if CONV_IN not in shapes:
        if what := _first(ALONE, shapes):
            raise ModelError(f"is {what}")
        named = next(iter(shapes), "nothing")[:60]
        raise ModelError(f"holds no Stable Diffusion: its first tensor is {named}")
    check_channels(shapes[CONV_IN][1])
    if not any(key.startswith((CLIP, OPEN_CLIP)) for key in shapes):
        raise ModelError("holds a network without its text encoder: give the whole model")


def check_channels(read: int) -> None:
    """Refuse a network that does not read a latent's channels alone. Raises: ModelError."""
    if read != 4:
        what = CHANNELS.get(read, "a network of another kind")
        raise ModelError(f"is {what} (it reads {read} channels): expected one that reads 4")


def _first(kinds: tuple[tuple[str, str], ...], shapes: Shapes) -> str:
    for pattern, what in kinds:
        search = re.compile(pattern).search
        if any(search(key) for key in shapes):
            return what
    return ""


@cache
def clip_words() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return CLIP's vocabulary and the merges that it is made of. Source: Radford et al. 2021."""
    with gzip.open(FOLDER / "clip_merges.txt.gz", "rt", encoding="utf-8") as lines:
        merges = [(first, second) for first, second in (line.split() for line in lines)]
    letters = list(_letters())
    words = [*letters, *(letter + "</w>" for letter in letters), *(a + b for a, b in merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    return {word: i for i, word in enumerate(words)}, merges


def _letters() -> Iterator[str]:
    """Yield a visible letter for every byte: itself where it has one."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    yield from map(chr, visible)
    yield from (chr(256 + i) for i in range(256 - len(visible)))
