"""LoRA files, as kohya's scripts, diffusers and PEFT write them, checked against a network.

    lora_unet_mid_block_attentions_0_proj_in.lora_down.weight · .lora_up.weight · .alpha
    unet.mid_block.attentions.0.proj_in.lora_A.weight · .lora_B.weight
    unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight

and text encoders as `lora_te_…` or `text_encoder.…`. Without an alpha, α is the rank.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from livebend.core import limits
from livebend.core.errors import ModelError, Refused, shown
from livebend.core.files import short
from livebend.core.texts import name_like
from livebend.models.adapted_layers import Factors, is_adaptable
from livebend.models.original_layout import unet_name
from livebend.models.weight_files import check_whole, read_header
from livebend.models.weights import read_weights

UNET, TEXT = "unet", "text_encoder"
FACTOR = re.compile(
    r"(?P<layer>.+?)(?:\.lora_(?P<kind>down|up|mid|A|B)(?:\.\w+)?"
    r"|(?:[._]lora|\.lora_linear_layer)\.(?P<old>down|up))\.weight"
)
ALPHA = re.compile(r"(?P<layer>.+?)(?:\.lora)?\.alpha")
KINDS = {"A": "down", "B": "up"}
PREFIXES = {  # what a layer's name begins with, and the part that it is in
    "lora_unet_": UNET, "lora_te_": TEXT, "lora_te1_": TEXT, "unet.": UNET, "text_encoder.": TEXT,
    "diffusion_model.": UNET, "text_model.": TEXT, "down_blocks.": UNET, "mid_block.": UNET,
    "up_blocks.": UNET,
}  # fmt: skip
STRANGE = {  # what other methods, and LoRAs of other networks, have in their names
    "lora_te2_": "Stable Diffusion XL", "text_encoder_2.": "Stable Diffusion XL",
    "lora_transformer_": "a flow transformer", "transformer.": "a flow transformer",
    "lora_te3_": "a flow transformer", "double_blocks": "a flow transformer",
}  # fmt: skip
METHODS = {"hada_": "LoHa", "lokr_": "LoKr", "dora_scale": "DoRA", "magnitude_vector": "DoRA",
           ".oft_": "OFT", ".a1.weight": "GLoRA"}  # fmt: skip
ORIGINAL = re.compile(r"(input_blocks|output_blocks|middle_block)_(\d+)_(?:(\d+)_)?(.+)")
VERSIONS = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x", 2048: "Stable Diffusion XL"}


@dataclass(frozen=True, slots=True)
class WantedLora:
    """A LoRA that is loaded: its name in a scene, its file, and its strength at the beginning."""

    name: str
    file: Path
    strength: float = 1.0


class LoadedLora(NamedTuple):
    """The factors of a LoRA by the part of the model and the path of the layer."""

    name: str
    layers: Mapping[str, Mapping[str, Factors]]


@dataclass(slots=True)
class _Layer:
    """What a file says about one layer."""

    tensors: dict[str, Tensor] = field(default_factory=dict)  # down, up, mid
    alpha: float | None = None


def named(files: Sequence[tuple[Path, float]]) -> tuple[WantedLora, ...]:
    """Return LoRAs, each named after its file, from files and strengths. Raises: Refused."""
    if len(files) > limits.LORAS:
        raise Refused(f"{len(files)} LoRAs: expected up to {limits.LORAS}")
    made: dict[str, WantedLora] = {}
    for file, strength in files:
        stem = name_like(file.stem, "lora")[: limits.NAME - 3]
        names = (stem, *(f"{stem}-{n}" for n in range(2, limits.LORAS + 1)))
        name = next(name for name in names if name not in made)
        made[name] = WantedLora(name, file, strength)
    return tuple(made.values())


def check_lora(file: Path) -> None:
    """Refuse a file that is no LoRA, as far as its header says. Raises: ModelError."""
    if not file.is_file():
        raise ModelError(f"--lora {short(file)}: there is no such file")
    if file.suffix == ".safetensors":
        _check_names(file, read_header(file).shapes)
    else:
        check_whole(file)


def load_lora(wanted: WantedLora, parts: Mapping[str, nn.Module]) -> LoadedLora:
    """Read a LoRA for the parts of a model, `unet` and `text_encoder`.

    Raises: ModelError where it is none, is not whole, or was made for another network.
    """
    file = wanted.file
    check_lora(file)
    state = read_weights([file])
    _check_names(file, state)
    found = _layers(state, _metadata(file))
    _check_version(file, found, parts[UNET])
    tables = {part: _paths(net) for part, net in parts.items()}
    made: dict[str, dict[str, Factors]] = {part: {} for part in parts}
    unknown = []
    for name, layer in found.items():
        part, flat = _place(name)
        path = tables[part].get(flat) or tables[part].get(f"{flat}_0")
        if path is None:
            unknown.append(name)
        else:
            module = parts[part].get_submodule(path)
            made[part][path] = _fitted(file, path, layer, module)
    if unknown:
        raise ModelError(
            f"--lora {short(file)} was made for another network: {len(unknown)} of its"
            f" {len(found)} layers are not in this one, such as {shown(unknown[0])}"
        )
    return LoadedLora(wanted.name, made)


def _check_names(file: Path, names: Mapping[str, object]) -> None:
    """Raises: ModelError where the names of tensors are not those of a LoRA that can play."""
    where = f"--lora {short(file)}"
    method = next((said for name in names for part, said in METHODS.items() if part in name), None)
    if method:
        raise ModelError(f"{where} is a {method}: expected a LoRA (down and up, or A and B)")
    if not any(FACTOR.fullmatch(name) for name in names):
        raise ModelError(f"{where} is no LoRA; a whole model is played by --model")
    for name in names:
        bare = _bare(name)
        other = next((said for part, said in STRANGE.items() if bare.startswith(part)), None)
        if other or "double_blocks" in bare:
            raise ModelError(f"{where} was made for {other or STRANGE['double_blocks']}")


def _metadata(file: Path) -> Mapping[str, Any]:
    """What diffusers, or PEFT in a file beside, says about alpha: of all layers of a part."""
    beside = file.parent / "adapter_config.json"
    try:
        if file.stem == "adapter_model" and beside.is_file():
            alpha = json.loads(beside.read_text(encoding="utf-8")).get("lora_alpha")
            return {f"{part}.lora_alpha": alpha for part in (UNET, TEXT)}
        if file.suffix == ".safetensors":
            said = read_header(file).metadata.get("lora_adapter_metadata", "{}")
            found = json.loads(said)
            return found if isinstance(found, dict) else {}
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"--lora {short(file)}: its metadata cannot be read: {error}") from error
    return {}


def _layers(state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> dict[str, _Layer]:
    """Return what a file says about each layer, by the layer's name in the file."""
    found: dict[str, _Layer] = {}
    for name, tensor in state.items():
        if factor := FACTOR.fullmatch(name):
            kind = factor["old"] or factor["kind"]
            layer = found.setdefault(factor["layer"], _Layer())
            layer.tensors[KINDS.get(kind, kind)] = tensor.float()
    for name, tensor in state.items():
        if (alpha := ALPHA.fullmatch(name)) and alpha["layer"] in found:
            found[alpha["layer"]].alpha = float(tensor)
    for name, layer in found.items():
        told = metadata.get(f"{_place(name)[0]}.lora_alpha")
        if layer.alpha is None and isinstance(told, (int, float)):
            layer.alpha = float(told)
    return found


def _bare(name: str) -> str:
    return name.removeprefix("base_model.model.")


def _place(name: str) -> tuple[str, str]:
    """Return the part that a layer is in, and its path there with _ for every dot."""
    name = _bare(name)
    prefix = next((p for p in PREFIXES if name.startswith(p)), "")
    part = PREFIXES.get(prefix, UNET)
    if prefix not in ("down_blocks.", "mid_block.", "up_blocks."):
        name = name.removeprefix(prefix)
    flat = name.replace(".processor", "").replace(".", "_").removeprefix("text_model_")
    if part == UNET and (found := ORIGINAL.fullmatch(flat)):
        flat = unet_name(".".join((*_dotted(found), "weight"))).removesuffix(".weight")
        flat = flat.replace(".", "_")
    return part, flat


def _dotted(found: re.Match[str]) -> Iterator[str]:
    """Yield the parts of a name of Stable Diffusion's own code that came with _ for dots."""
    yield from (part for part in found.groups()[:3] if part is not None)
    yield re.sub(r"^((?:in|out|emb)_layers|to_out|net)_(\d)", r"\1.\2", found[4])


def _paths(net: nn.Module) -> dict[str, str]:
    """The paths of layers that can have a LoRA, by the same with _ for every dot."""
    layers = (path for path, module in net.named_modules() if is_adaptable(module))
    return {path.replace(".", "_").removeprefix("text_model_"): path for path in layers}


def _check_version(file: Path, found: Mapping[str, _Layer], unet: nn.Module) -> None:
    """Raises: ModelError where a LoRA reads a text of another width than the network."""
    asked = int(unet.config.cross_attention_dim)  # type: ignore[union-attr,arg-type]
    for name, layer in found.items():
        part, flat = _place(name)
        if part != UNET or not flat.endswith(("attn2_to_k", "attn2_to_v")):
            continue
        down = layer.tensors.get("down")
        if down is not None and down.shape[1] != asked:
            raise ModelError(
                f"--lora {short(file)} was made for {version_of(down.shape[1])};"
                f" this is {version_of(asked)}"
            )


def version_of(width: int) -> str:
    """Return what reads a text of a width, in words."""
    return VERSIONS.get(width, "another network") + f" (text {width} wide)"


@torch.no_grad()
def _fitted(file: Path, path: str, layer: _Layer, module: Any) -> Factors:
    """The factors of a layer in the shapes of its weight. Raises: ModelError."""
    where, got = f"--lora {short(file)}: {path}", layer.tensors
    if "down" not in got or "up" not in got:
        raise ModelError(f"{where} has {' and '.join(got)}: expected down and up")
    down, up = got["down"], got["up"]
    if "mid" in got:  # a convolution in three: 1×1, the kernel, 1×1
        down = torch.einsum("rq...,qi->ri...", got["mid"], down.flatten(1))
    rank, weight = len(down), module.weight
    if weight.dim() == 2:
        down, up = down.flatten(1), up.flatten(1)
    elif down.dim() == 2:
        down, up = down[:, :, None, None], up[:, :, None, None]
    wanted = ((rank, *weight.shape[1:]), (len(weight), rank, *[1] * (weight.dim() - 2)))
    if (tuple(down.shape), tuple(up.shape)) != wanted:
        raise ModelError(
            f"{where} is {list(down.shape)} and {list(up.shape)}: expected {list(wanted[0])} and"
            f" {list(wanted[1])}: it was made for another network"
        )
    alpha = rank if layer.alpha is None else layer.alpha
    up = up * (alpha / rank)
    if not (math.isfinite(alpha) and bool(down.isfinite().all()) and bool(up.isfinite().all())):
        raise ModelError(f"{where} is not finite: the file is damaged")
    return Factors(down, up)
