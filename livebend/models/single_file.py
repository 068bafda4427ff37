"""A model in a single file, `.safetensors` or `.ckpt`, as Stable Diffusion's own code writes it.

Nothing is fetched for it: configurations and tokenizer are those of its family, which is told in
`families`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from livebend.core.errors import ModelError
from livebend.models.families import FAMILIES, Family, Shapes, family, family_of
from livebend.models.original_layout import parts_of, text_config, unet_config, vae_config
from livebend.models.parts import Target, make_text_encoder, make_tokenizer, make_unet, make_vae
from livebend.models.scheduler import Sampled, read_scheduler
from livebend.models.weight_files import SINGLE, check_whole, read_header
from livebend.models.weights import State, read_weights


class FileParts(NamedTuple):
    """What a single file holds; `vae` is None where that is to come from elsewhere."""

    unet: nn.Module
    vae: nn.Module | None
    text_encoder: nn.Module
    tokenizer: Any
    sampled: Sampled


def check_file(file: Path, asked: str = "") -> None:
    """Refuse a file that cannot play, as far as its header says. Raises: ModelError."""
    if file.suffix not in SINGLE:
        raise ModelError(f"{file.name}: expected a folder, a .safetensors or a .ckpt file")
    if file.suffix == ".safetensors":
        header = read_header(file)
        family_of(header.shapes, header.metadata, file.stem, asked)
    else:
        check_whole(file)


def load_file(file: Path, target: Target, asked: str = "", *, with_vae: bool = True) -> FileParts:
    """Return the parts of a single file.

    asked: its family, where the performer names it.
    with_vae: whether its own decoder is wanted.
    Raises: ModelError, also where it has no decoder.
    """
    check_file(file, asked)
    state = read_weights([file])
    metadata = read_header(file).metadata if file.suffix == ".safetensors" else {}
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    found, sampled = _told(shapes, metadata, file.stem, asked)
    unet, vae, text = parts_of(state)
    if with_vae and not vae:
        raise ModelError(f"{file.name} holds no decoder: name one with --vae, such as taesd")
    try:
        configs = unet_config(unet, found), text_config(text, found)
        vae_part = _decoder(vae, found, target) if with_vae else None
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{file.name} lacks weights, such as {error}") from error
    encoder = make_text_encoder(configs[1], text, target)
    tokens = make_tokenizer(None, encoder, found.pad_token)
    return FileParts(make_unet(configs[0], unet, target), vae_part, encoder, tokens, sampled)


def describe_file(file: Path) -> tuple[str, Sampled]:
    """Return the family of a single file and how it is sampled. Raises: ModelError."""
    if file.suffix == ".safetensors":
        header = read_header(file)
        shapes, metadata = header.shapes, header.metadata
    else:
        shapes, metadata = {n: tuple(t.shape) for n, t in read_weights([file]).items()}, {}
    found, sampled = _told(shapes, metadata, file.stem, "")
    return f"{found.name}{'?' if sampled.notes else ''}", sampled


def _decoder(state: State, found: Family, target: Target) -> nn.Module:
    return make_vae(vae_config(state, found), state, target)


def _told(
    shapes: Shapes, metadata: Mapping[str, str], name: str, asked: str
) -> tuple[Family, Sampled]:
    """Return the family of a file, and how it is sampled; a note says what is only assumed."""
    told = family_of(shapes, metadata, name, asked)
    found = family(told.rstrip("?"))
    config = dict(found.scheduler)
    if "v_pred" in shapes:
        config["prediction_type"] = "v_prediction"
    if "ztsnr" in shapes:
        config |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    sampled = read_scheduler(config, name=name)
    if told.endswith("?"):
        others = " or ".join(n for n in FAMILIES if family(n).version == 2 and n != found.name)
        note = f"taken for {found.name}; if its pictures are noise: --family {others}"
        sampled = replace(sampled, notes=(*sampled.notes, note))
    return found, sampled
