"""Small random LoRAs for random models, as kohya's scripts, diffusers and PEFT write them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from livebend.models.checkpoint import Model

ATTENTION = ("attn1.to_q", "attn2.to_k", "attn2.to_v", "attn2.to_out.0", "ff.net.2", "proj_in")
CONVOLUTIONS = ("resnets.0.conv1", "downsamplers.0.conv", "conv_in")
TEXT = ("q_proj", "fc1")


@dataclass(frozen=True)
class Layer:
    """One layer of a random LoRA: A [r, in, …], B [out, r, …], α or None, and a CP's middle."""

    down: Tensor
    up: Tensor
    alpha: float | None
    mid: Tensor | None = None

    @property
    def delta(self) -> Tensor:
        """(α/r)·B·A in the shape of the weight, in float64. Source: Hu et al. 2021, section 4.1;
        for three factors LyCORIS, Yeh et al. 2023, section 3.1."""
        rank = self.down.shape[0]
        scale = 1.0 if self.alpha is None else self.alpha / rank
        down, up = self.down.double(), self.up.double()
        if self.mid is not None:
            down = torch.einsum("rqhw,qixy->rihw", self.mid.double(), down)
        return scale * torch.einsum("or,r...->o...", up.flatten(1), down)


Layers = Mapping[tuple[str, str], Layer]  # by part and the layer's path


def random_layers(
    model: Model, ends: tuple[str, ...] = (*ATTENTION, *CONVOLUTIONS), text: tuple[str, ...] = TEXT,
    *, rank: int = 3, alpha: float | None = 2.0, seed: int = 1, where: str = "", mid: bool = False,
) -> Layers:  # fmt: skip
    """Random factors for the network's layers whose paths end so and have `where` in them, and for
    those of the text encoder."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    parts = (("unet", model.unet, ends), ("text_encoder", model.text_encoder, text))
    for part, net, wanted in parts:
        for path, module in net.named_modules():
            plain = isinstance(module, (nn.Linear, nn.Conv2d))
            if plain and path.endswith(wanted) and (where in path or part != "unet"):
                made[part, path] = _layer(module.weight, rank, alpha, generator, mid=mid)
    assert made
    return made


def _layer(
    weight: Tensor, rank: int, alpha: float | None, generator: torch.Generator, *, mid: bool
) -> Layer:
    kernel = weight.shape[2:]
    three = mid and len(kernel) == 2 and kernel[0] > 1
    ones = [1] * len(kernel)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    down = drawn(rank, weight.shape[1], *(ones if three else kernel))
    middle = drawn(rank, rank, *kernel) if three else None
    return Layer(down, drawn(weight.shape[0], rank, *ones), alpha, middle)


def kohya(layers: Layers) -> dict[str, Tensor]:
    """Tensors as kohya's scripts name them."""
    made = {}
    for (part, path), layer in layers.items():
        stem = f"lora_{'unet' if part == 'unet' else 'te_text_model'}_{path.replace('.', '_')}"
        made |= {f"{stem}.lora_down.weight": layer.down, f"{stem}.lora_up.weight": layer.up}
        if layer.mid is not None:
            made[f"{stem}.lora_mid.weight"] = layer.mid
        if layer.alpha is not None:
            made[f"{stem}.alpha"] = torch.tensor(layer.alpha)
    return made


def diffusers(layers: Layers) -> dict[str, Tensor]:
    """Tensors as diffusers names them today; alpha is in the metadata."""
    made = {}
    for (part, path), layer in layers.items():
        stem = path if part == "unet" else f"text_model.{path}"
        made[f"{part}.{stem}.lora_A.weight"] = layer.down
        made[f"{part}.{stem}.lora_B.weight"] = layer.up
    return made


def peft(layers: Layers) -> dict[str, Tensor]:
    """Tensors of the network as PEFT itself names them; alpha is in a file beside."""
    made = {}
    for (part, path), layer in layers.items():
        if part == "unet":
            made[f"base_model.model.{path}.lora_A.weight"] = layer.down
            made[f"base_model.model.{path}.lora_B.weight"] = layer.up
    return made


def old_diffusers(layers: Layers) -> dict[str, Tensor]:
    """Tensors as diffusers named them in 2023, without alpha: its attention and text encoder."""
    made = {}
    for (part, path), layer in layers.items():
        if part == "unet":
            block, _, last = path.removesuffix(".0").rpartition(".")
            stem = f"unet.{block}.processor.{last}_lora"
        else:
            stem = f"text_encoder.text_model.{path}.lora_linear_layer"
        made |= {f"{stem}.down.weight": layer.down, f"{stem}.up.weight": layer.up}
    return made


def write(
    file: Path,
    layers: Layers,
    style: Callable[[Layers], dict[str, Tensor]] = kohya,
    metadata: Mapping[str, object] | None = None,
) -> Path:
    """Write a LoRA; return its file."""
    said = {"lora_adapter_metadata": json.dumps(metadata)} if metadata else None
    state = {name: tensor.contiguous() for name, tensor in style(layers).items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(state, file, said)
    return file


@torch.no_grad()
def merge(model: Model, layers: Layers, strength: float) -> Model:
    """Add strength·(α/r)·B·A to the weights of a model, which has no LoRA of its own."""
    for (part, path), layer in layers.items():
        net = model.unet if part == "unet" else model.text_encoder
        weight = net.get_submodule(path).weight
        weight.copy_(weight.double() + strength * layer.delta)
    return model
