"""Random models as people bring them: folders of every kind of weights, and single files in the
layout of Stable Diffusion's own code."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.schedulers import DDIMScheduler, EulerDiscreteScheduler, LCMScheduler, PNDMScheduler
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from livebend.models.families import clip_words
from tests.fakes.models import BETAS

WEIGHTS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
SCHEDULERS = {
    "sd-1.5": PNDMScheduler(**BETAS, steps_offset=1, skip_prk_steps=True),
    "lcm-1.5": LCMScheduler(**BETAS),
    "sd-2-base": PNDMScheduler(**BETAS, steps_offset=1, skip_prk_steps=True),
    "sd-2.1-v": DDIMScheduler(
        **BETAS, steps_offset=1, clip_sample=False, set_alpha_to_one=False,
        prediction_type="v_prediction",
    ),
    "sd-turbo": EulerDiscreteScheduler(**BETAS, steps_offset=1, timestep_spacing="trailing"),
}  # fmt: skip

State = dict[str, Tensor]


def weights(folder: Path, part: str) -> Path:
    """The plain file of a part's weights."""
    return folder / part / f"{WEIGHTS[part]}.safetensors"


def as_half(folder: Path) -> None:
    """Leave nothing but half precision, as `.fp16.safetensors`."""
    for part, stem in WEIGHTS.items():
        state = safetensors.torch.load_file(weights(folder, part))
        weights(folder, part).unlink()
        half = {name: tensor.half() for name, tensor in state.items()}
        safetensors.torch.save_file(half, folder / part / f"{stem}.fp16.safetensors")


def as_bin(folder: Path) -> None:
    """Leave nothing but pickled weights."""
    for part, stem in WEIGHTS.items():
        own = "pytorch_model" if stem == "model" else stem
        state = safetensors.torch.load_file(weights(folder, part))
        weights(folder, part).unlink()
        torch.save(state, folder / part / f"{own}.bin")


def as_shards(folder: Path) -> None:
    """Divide every part's weights between two files."""
    for part, stem in WEIGHTS.items():
        state = safetensors.torch.load_file(weights(folder, part))
        weights(folder, part).unlink()
        names = sorted(state)
        table = {}
        for n, own in enumerate((names[::2], names[1::2]), 1):
            file = f"{stem}-{n:05d}-of-00002.safetensors"
            safetensors.torch.save_file({k: state[k] for k in own}, folder / part / file)
            table |= dict.fromkeys(own, file)
        index = folder / part / f"{stem}.safetensors.index.json"
        index.write_text(json.dumps({"metadata": {}, "weight_map": table}))


def as_old(folder: Path) -> None:
    """Name tensors as folders of 2022 do: the text encoder's with a prefix, the decoder's attention
    by its old names."""
    text = safetensors.torch.load_file(weights(folder, "text_encoder"))
    old = {f"text_model.{name}": tensor for name, tensor in text.items()}
    old["text_model.embeddings.position_ids"] = torch.arange(16)[None]
    safetensors.torch.save_file(old, weights(folder, "text_encoder"))
    vae = safetensors.torch.load_file(weights(folder, "vae"))
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    old = {f".attentions.0.{new}.": f".attentions.0.{former}." for new, former in names.items()}
    renamed = {_replaced(name, old): tensor for name, tensor in vae.items()}
    safetensors.torch.save_file(renamed, weights(folder, "vae"))
    shutil.rmtree(folder / "safety_checker", ignore_errors=True)


# ---- single files ------------------------------------------------------------------------------


def real_folder(folder: Path, family: str) -> Path:
    """Save a random model in the form of a family: its depths and heads, CLIP's own words, few
    channels."""
    torch.manual_seed(5)
    second = family not in ("sd-1.5", "lcm-1.5")
    words, merges = clip_words()
    tokens = CLIPTokenizer(vocab=words, merges=merges, pad_token="!" if second else "<|endoftext|>")
    tokens.model_max_length = 77
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=1, hidden_act="gelu" if second else "quick_gelu",
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(64, 64, 64, 128) if second else (32, 32, 64, 64),
        attention_head_dim=(1, 1, 1, 2) if second else 8, use_linear_projection=second,
        cross_attention_dim=64, upcast_attention=family == "sd-2.1-v",
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(32, 32, 32, 64), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=2, latent_channels=4,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokens, unet=unet,
        scheduler=SCHEDULERS[family], safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return folder


def original(folder: Path) -> State:
    """The tensors of a saved model, as Stable Diffusion's own code names them."""
    parts = {part: safetensors.torch.load_file(weights(folder, part)) for part in WEIGHTS}
    made = {f"model.diffusion_model.{_unet(n)}": t for n, t in parts["unet"].items()}
    for name, tensor in parts["vae"].items():
        conv = ".attentions." in name and "group_norm" not in name and tensor.dim() == 2
        made[f"first_stage_model.{_vae(name)}"] = tensor[:, :, None, None] if conv else tensor
    second = json.loads((folder / "unet" / "config.json").read_text())["use_linear_projection"]
    text = parts["text_encoder"]
    if second:
        made |= {f"cond_stage_model.model.{n}": t for n, t in _open_clip(text).items()}
    else:
        prefix = "cond_stage_model.transformer.text_model."
        made |= {f"{prefix}{n}": t for n, t in text.items()}
    return {name: tensor.clone().contiguous() for name, tensor in made.items()}


def _replaced(name: str, table: Mapping[str, str]) -> str:
    for new, old in table.items():
        name = name.replace(new, old)
    return name


_RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
           "norm2": "out_layers.0", "conv2": "out_layers.3",
           "conv_shortcut": "skip_connection"}  # fmt: skip
_UNET = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
         "conv_norm_out": "out.0", "conv_out": "out.2", "mid_block.resnets.0": "middle_block.0",
         "mid_block.attentions.0": "middle_block.1",
         "mid_block.resnets.1": "middle_block.2"}  # fmt: skip


def _unet(name: str) -> str:
    if name.startswith("conv_in"):
        return name.replace("conv_in", "input_blocks.0.0")
    if ".resnets." in name:
        name = _replaced(name, _RESNET)
    if not re.match(r"(down|up)_blocks", name):
        return _replaced(name, _UNET)
    way, level, kind, layer, rest = re.fullmatch(
        r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name
    ).groups()
    level, layer = int(level), int(layer)
    if kind == "downsamplers":
        return f"input_blocks.{3 * level + 3}.0.op.{rest.removeprefix('conv.')}"
    if kind == "upsamplers":  # behind the attention, where there is one
        return f"output_blocks.{3 * level + 2}.{1 if level == 0 else 2}.{rest}"
    part = int(kind == "attentions")
    if way == "down":
        return f"input_blocks.{3 * level + layer + 1}.{part}.{rest}"
    return f"output_blocks.{3 * level + layer}.{part}.{rest}"


_VAE = {"conv_norm_out": "norm_out", "mid_block.resnets.0": "mid.block_1",
        "mid_block.resnets.1": "mid.block_2", "conv_shortcut": "nin_shortcut",
        "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
        "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
        "mid_block.attentions.0.to_": "mid.attn_1."}  # fmt: skip


def _vae(name: str) -> str:
    name = _replaced(name, _VAE)
    if found := re.match(r"(.*)\.(up|down)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name):
        part, way, level, kind, layer, rest = found.groups()
        level = 3 - int(level) if way == "up" else level
        place = f"block.{layer}" if kind == "resnets" else kind.removesuffix("rs")
        return f"{part}.{way}.{level}.{place}.{rest}"
    return name


def _open_clip(text: State) -> State:
    made = {
        "token_embedding.weight": text["embeddings.token_embedding.weight"],
        "positional_embedding": text["embeddings.position_embedding.weight"],
        "ln_final.weight": text["final_layer_norm.weight"],
        "ln_final.bias": text["final_layer_norm.bias"],
        "text_projection": torch.zeros(64, 64), "logit_scale": torch.zeros(()),
    }  # fmt: skip
    for layer in range(3):  # the last one is not used
        here = f"encoder.layers.{min(layer, 1)}"
        there = f"transformer.resblocks.{layer}"
        for kind in ("weight", "bias"):
            rows = [text[f"{here}.self_attn.{p}_proj.{kind}"] for p in "qkv"]
            made[f"{there}.attn.in_proj_{kind}"] = torch.cat(rows)
            for new, old in {
                "self_attn.out_proj": "attn.out_proj", "layer_norm1": "ln_1", "layer_norm2": "ln_2",
                "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
            }.items():  # fmt: skip
                made[f"{there}.{old}.{kind}"] = text[f"{here}.{new}.{kind}"]
    return made
