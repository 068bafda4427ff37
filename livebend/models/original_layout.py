"""From the layout of Stable Diffusion's own code, one file for everything, to that of diffusers.

Only names change, except that CLIP's queries, keys and values lie in one matrix in 2.x, and that
the decoder's attention is written as convolutions of one place.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from livebend.models.families import CLIP, DECODER, NETWORK, OPEN_CLIP, Family
from livebend.models.weights import State

LAYERS = 2  # residual blocks of a level on the way down; one more on the way up
HEAD = 64  # channels of an attention head, in 2.x and in CLIP

_BLOCK = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2", "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_ENDS = {
    "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in", "out.0": "conv_norm_out", "out.2": "conv_out",
    "middle_block.0": "mid_block.resnets.0", "middle_block.1": "mid_block.attentions.0",
    "middle_block.2": "mid_block.resnets.1",
    "time_embed.cond_proj": "time_embedding.cond_proj",
}  # fmt: skip
_MID = {"mid.block_1": "mid_block.resnets.0", "mid.block_2": "mid_block.resnets.1",
        "mid.attn_1": "mid_block.attentions.0"}  # fmt: skip
_ATTENTION = {  # of a decoder: in the original's names, and in those of old folders
    "norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0",
    "query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0",
}  # fmt: skip
_TEXT = {
    "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}  # fmt: skip


def unet_name(name: str) -> str:
    """Return a network's tensor as diffusers names it."""
    for old, new in _ENDS.items():
        if name.startswith(f"{old}."):
            return new + _block(name.removeprefix(old))
    found = re.fullmatch(r"(input|output)_blocks\.(\d+)\.(\d+)\.(.*)", name)
    if not found:
        return name
    way, index, part, rest = found[1], int(found[2]), int(found[3]), found[4]
    if way == "input":
        level, layer = divmod(index - 1, LAYERS + 1)
        if part == 0 and rest.startswith("op."):
            return f"down_blocks.{level}.downsamplers.0.conv.{rest.removeprefix('op.')}"
    else:
        level, layer = divmod(index, LAYERS + 1)
        if part and rest.startswith("conv."):
            return f"up_blocks.{level}.upsamplers.0.{rest}"
    kind = "attentions" if part else "resnets"
    return f"{'down' if way == 'input' else 'up'}_blocks.{level}.{kind}.{layer}{_block('.' + rest)}"


def _block(rest: str) -> str:
    for old, new in _BLOCK.items():
        if rest.startswith(f".{old}."):
            return f".{new}.{rest.removeprefix(f'.{old}.')}"
    return rest


def vae_name(name: str, levels: int = 4) -> str:
    """Return a decoder's tensor as diffusers names it."""
    part, _, rest = name.partition(".")
    if part not in ("decoder", "encoder"):
        return name
    for old, new in _MID.items():
        if rest.startswith(f"{old}."):
            rest = new + rest.removeprefix(old)
    if rest.startswith("norm_out."):
        rest = f"conv_{rest}"
    rest = rest.replace("nin_shortcut", "conv_shortcut")
    if found := re.fullmatch(r"(up|down)\.(\d+)\.(block|upsample|downsample)\.(.*)", rest):
        way, level, kind, end = found[1], int(found[2]), found[3], found[4]
        level = levels - 1 - level if way == "up" else level
        place = f"resnets.{end}" if kind == "block" else f"{kind}rs.0.{end}"
        rest = f"{way}_blocks.{level}.{place}"
    return f"{part}.{rest}"


def decoder_attention(state: State) -> dict[str, Tensor]:
    """Return a decoder's tensors with its attention as diffusers names and shapes it today."""
    made: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if found := re.fullmatch(r"(.*\.attentions\.\d+)\.(\w+)\.(weight|bias)", name):
            new = f"{found[1]}.{_ATTENTION.get(found[2], found[2])}.{found[3]}"
            made[new] = tensor[:, :, 0, 0] if tensor.dim() == 4 else tensor
        else:
            made[name] = tensor
    return made


def _open_clip(state: State, layers: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the text encoder of 2.x, whose last layer is not used, as CLIP's is named."""
    ends = {
        "token_embedding.weight": "embeddings.token_embedding.weight",
        "positional_embedding": "embeddings.position_embedding.weight",
        "ln_final.weight": "final_layer_norm.weight",
        "ln_final.bias": "final_layer_norm.bias",
    }
    for name, tensor in state.items():
        if name in ends:
            yield ends[name], tensor
        found = re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.*?)[._](weight|bias)", name)
        if not found or int(found[1]) >= layers:
            continue
        layer, kind = f"encoder.layers.{found[1]}", found[3]
        if found[2] == "attn.in_proj":
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                yield f"{layer}.self_attn.{part}_proj.{kind}", rows
        else:
            yield f"{layer}.{_TEXT.get(found[2], found[2])}.{kind}", tensor


def parts_of(state: State) -> tuple[State, State, State]:
    """Return the tensors of network, decoder and text encoder in a single file, named as diffusers
    and transformers name them; a decoder is empty where the file has none."""
    unet = {unet_name(name): tensor for name, tensor in _under(state, NETWORK)}
    decoder = decoder_attention({vae_name(name): tensor for name, tensor in _under(state, DECODER)})
    text = {name.removeprefix("text_model."): tensor for name, tensor in _under(state, CLIP)}
    if not text:
        open_clip = dict(_under(state, OPEN_CLIP))
        text = dict(_open_clip(open_clip, _count(open_clip, r"transformer\.resblocks\.(\d+)") - 1))
    return unet, decoder, text


def _under(state: State, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in state.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), tensor


def _count(state: State, pattern: str) -> int:
    """The number of levels or layers whose index a pattern finds."""
    found = (re.match(pattern, name) for name in state)
    return max((int(match[1]) for match in found if match), default=-1) + 1


def unet_config(state: State, family: Family) -> Mapping[str, Any]:
    """Return a network's configuration, in the widths that its weights have."""
    levels = _count(state, r"down_blocks\.(\d+)\.resnets")
    widths = [_width(state, f"down_blocks.{i}.resnets.0.conv1.weight") for i in range(levels)]
    heads = 8 if family.version == 1 else [max(width // HEAD, 1) for width in widths]
    attended = next((t for name, t in state.items() if name.endswith("attn2.to_k.weight")), None)
    projections = (t for n, t in state.items() if n.endswith("attentions.0.proj_in.weight"))
    linear = any(t.dim() == 2 for t in projections)
    cross = family.unet["cross_attention_dim"] if attended is None else attended.shape[1]
    return {
        **family.unet, "block_out_channels": widths, "attention_head_dim": heads,
        "cross_attention_dim": cross, "use_linear_projection": linear,
    }  # fmt: skip


def vae_config(state: State, family: Family) -> Mapping[str, Any]:
    """Return a full decoder's configuration, in the widths that its weights have."""
    levels = _count(state, r"decoder\.up_blocks\.(\d+)\.resnets")
    widths = [_width(state, f"decoder.up_blocks.{i}.resnets.0.conv1.weight") for i in range(levels)]
    return {**family.vae, "block_out_channels": widths[::-1]}


def text_config(state: State, family: Family) -> Mapping[str, Any]:
    """Return a text encoder's configuration, in the widths that its weights have."""
    words, width = state["embeddings.token_embedding.weight"].shape
    layers = _count(state, r"encoder\.layers\.(\d+)\.")
    return {
        **family.text_encoder, "vocab_size": words, "hidden_size": width,
        "intermediate_size": _width(state, "encoder.layers.0.mlp.fc1.weight"),
        "num_hidden_layers": layers, "num_attention_heads": max(width // HEAD, 1),
        "max_position_embeddings": _width(state, "embeddings.position_embedding.weight"),
    }  # fmt: skip


def _width(state: State, name: str) -> int:
    return int(state[name].shape[0])
