"""Models with the shape of real ones and random weights, made in memory: only for measuring.

    random:sd-turbo          866 million parameters, with the decoder they were trained with
    random:sd-turbo+taesd    the same with the small decoder, TAESD

Their pictures are noise, at the cost of the trained model's. The same name gives the same weights.
Source: the configurations of stabilityai/sd-turbo and madebyollin/taesd.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from livebend.core.errors import UnknownName

PREFIX = "random:"
POOL = 1 << 22  # random numbers, repeated to fill all weights
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


def random_parts(
    name: str, tokenizer: Path, libraries: Sequence[Any]
) -> tuple[nn.Module, nn.Module, nn.Module, Any]:
    """Return network, decoder, text encoder and tokenizer, float32, on the processor.

    name: without `random:`.
    tokenizer: the folder of any tokenizer.
    libraries: the classes, as `checkpoint.libraries` returns them.
    Raises: UnknownName.
    """
    if name not in DECODERS:
        raise UnknownName("random model", name, DECODERS)
    unet, kl, tiny, text, tokenizers = libraries
    tokens = tokenizers.from_pretrained(tokenizer, local_files_only=True)
    tokens.model_max_length = TEXT["max_position_embeddings"]
    decoder = DECODERS[name]
    return (
        _filled(lambda: unet(**UNET)),
        _filled(lambda: kl(**decoder) if decoder else tiny()),
        _filled(lambda: text(text.config_class(vocab_size=len(tokens), **TEXT))),
        tokens,
    )


@torch.no_grad()
def _filled(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a module without its slow initialisation; its weights have deviation 1/sqrt(inputs)."""
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
    """The only buffer of these networks numbers the positions in a text."""
    if not name.endswith("position_ids"):
        raise ValueError(f"unknown buffer: {name}")
    buffer.copy_(torch.arange(buffer.shape[-1]).expand_as(buffer))
