"""Models of a real shape with random weights, made in memory: for measuring alone.

    random:sd-turbo          866 million parameters and the decoder that came with them
    random:sd-turbo+taesd    the same with the small decoder, TAESD

Pictures of these are noise; what they cost is what the trained ones cost. The same name gives the
same weights. Source: the configurations of stabilityai/sd-turbo and madebyollin/taesd.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from livebend.core.errors import UnknownName

PREFIX = "random:"
POOL = 1 << 22  # random numbers, which are laid over the weights again and again
UNET = {
    "sample_size": 64,
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),
    "block_out_channels": (320, 640, 1280, 1280),
    "use_linear_projection": True,
}
KL = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}
TEXT = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "max_position_embeddings": 77,
    "hidden_act": "gelu",
}
DECODERS: Mapping[str, Mapping[str, Any]] = {"sd-turbo": KL, "sd-turbo+taesd": {}}


def random_parts(name: str, tokenizer: Path) -> tuple[nn.Module, nn.Module, nn.Module, Any]:
    """Return network, decoder, text encoder and tokenizer of a name without `random:`, float32, on
    the processor; `tokenizer` is the folder of any. Raises: UnknownName."""
    if name not in DECODERS:
        raise UnknownName("random model", name, DECODERS)
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: PLC0415
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny  # noqa: PLC0415
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: PLC0415
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer  # noqa: PLC0415

    tokens = CLIPTokenizer.from_pretrained(tokenizer, local_files_only=True)
    tokens.model_max_length = TEXT["max_position_embeddings"]
    decoder = DECODERS[name]
    return (
        _filled(lambda: UNet2DConditionModel(**UNET)),
        _filled(lambda: AutoencoderKL(**decoder) if decoder else AutoencoderTiny()),
        _filled(lambda: CLIPTextModel(CLIPTextConfig(vocab_size=len(tokens), **TEXT))),
        tokens,
    )


@torch.no_grad()
def _filled(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a module without its own slow start, and give it weights of deviation 1/sqrt(inputs)."""
    with torch.device("meta"):
        net = make()
    net.to_empty(device="cpu")
    pool = torch.randn(POOL, generator=torch.Generator().manual_seed(1))
    for name, weight in net.named_parameters():
        if weight.dim() < 2:
            weight.fill_(1.0 if name.endswith("weight") else 0.0)
            continue
        for piece in torch.split(weight.view(-1), POOL):
            piece.copy_(pool[: len(piece)])
        weight.mul_(weight[0].numel() ** -0.5)
    for name, buffer in net.named_buffers():
        _fill_buffer(name, buffer)
    return net


def _fill_buffer(name: str, buffer: Tensor) -> None:
    """The only buffer these networks have counts places in a text."""
    if not name.endswith("position_ids"):
        raise ValueError(f"a buffer that nobody knows: {name}")
    buffer.copy_(torch.arange(buffer.shape[-1]).expand_as(buffer))
