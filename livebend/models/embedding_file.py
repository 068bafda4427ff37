"""Textual inversions: words that a text encoder is given, each of one or several vectors.

    .safetensors with `emb_params`, or with the word as its one key, as diffusers writes it
    .pt with `string_to_param` and a name, .pt or .bin with the word as its one key, or one tensor

A prompt names one as `<name>`. Source: Gal et al. 2022, "An Image is Worth One Word".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from livebend.core import limits
from livebend.core.errors import ModelError, Refused, shown
from livebend.core.files import short
from livebend.core.texts import name_like
from livebend.models.lora_file import version_of
from livebend.models.weight_files import check_weights
from livebend.models.weights import read_table

KINDS = (".safetensors", ".pt", ".bin")
PARAMS = "emb_params"
NO_NAMES = ("*", PARAMS, "<*>")  # that files have in the place of one


@dataclass(frozen=True, slots=True)
class WantedEmbedding:
    """A textual inversion that is loaded, and its name; "" = as its file says, or like the file."""

    file: Path
    name: str = ""


def check_embedding(file: Path) -> None:
    """Refuse a file that is missing or not whole, without loading it. Raises: ModelError."""
    if not file.is_file():
        raise ModelError(f"--embedding {short(file)}: no such file")
    if file.suffix not in KINDS:
        raise ModelError(f"--embedding {short(file)}: expected one of {', '.join(KINDS)}")
    check_weights([file])


@torch.no_grad()
def add_embeddings(
    text: Any, wanted: Sequence[WantedEmbedding], room: int
) -> Mapping[str, tuple[int, ...]]:
    """Give a text encoder the words of files; return their tokens by name.

    room: tokens that a prompt may have.
    Raises: ModelError where one is none, or was made for another text encoder; Refused for too many
    or a name used twice.
    """
    if len(wanted) > limits.EMBEDDINGS:
        raise Refused(f"{len(wanted)} embeddings: expected up to {limits.EMBEDDINGS}")
    layer = text.get_input_embeddings()
    vectors, tokens, count = [layer.weight], dict[str, tuple[int, ...]](), len(layer.weight)
    for one in wanted:
        name, found = _read(one, layer.embedding_dim)
        if name in tokens:
            raise Refused(f"two embeddings are called {name!r}: --embedding FILE=NAME")
        if len(found) > room:
            where = f"--embedding {short(one.file)}"
            raise ModelError(f"{where} has {len(found)} vectors: a prompt has {room} tokens")
        tokens[name] = tuple(range(count, count + len(found)))
        vectors.append(found.to(layer.weight))
        count += len(found)
    if tokens:
        layer.weight = nn.Parameter(torch.cat(vectors), requires_grad=False)
        layer.num_embeddings = count
    return tokens


def _read(wanted: WantedEmbedding, width: int) -> tuple[str, Tensor]:
    """Return the name of a textual inversion and its vectors [n, width]."""
    check_embedding(wanted.file)
    where = f"--embedding {short(wanted.file)}"
    said, found = _told(where, read_table(wanted.file))
    vectors = found.detach().float()
    vectors = vectors[None] if vectors.dim() == 1 else vectors
    if vectors.dim() != 2 or not vectors.numel():
        raise ModelError(f"{where} is {list(vectors.shape)}: expected vectors of a text encoder")
    if vectors.shape[1] != width:
        raise ModelError(
            f"{where} was made for {version_of(vectors.shape[1])}; this is {version_of(width)}"
        )
    if not bool(vectors.isfinite().all()):
        raise ModelError(f"{where} is not finite: the file is damaged")
    said = "" if said in NO_NAMES else said
    return name_like(wanted.name or said or wanted.file.stem, "word"), vectors


def _told(where: str, table: Any) -> tuple[str, Tensor]:
    """Return the name in a file, or "", and its tensor. Raises: ModelError."""
    if isinstance(table, Tensor):
        return "", table
    if not isinstance(table, Mapping):
        raise ModelError(f"{where} is no textual inversion")
    if "clip_g" in table:
        raise ModelError(f"{where} was made for Stable Diffusion XL")
    params = table.get("string_to_param")
    if isinstance(params, Mapping):
        name, table = str(table.get("name") or ""), params
    else:
        name = ""
        table = {key: value for key, value in table.items() if isinstance(value, Tensor)}
    tensors = {str(key): value for key, value in table.items()}
    key = PARAMS if PARAMS in tensors else next(iter(tensors), "")
    if not isinstance(tensors.get(key), Tensor) or (key != PARAMS and len(tensors) > 1):
        held = ", ".join(list(tensors)[:3]) or "no tensor"
        raise ModelError(f"{where} is no textual inversion: it holds {shown(held)}")
    return name or key, tensors[key]
