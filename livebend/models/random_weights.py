"""Models with the shape of real ones and random weights, made in memory: only for measuring.

    random:sd-turbo          866 million parameters, with the decoder they were trained with
    random:sd-turbo+taesd    the same with the small decoder, TAESD

Their pictures are noise, at the cost of the trained model's. The same name gives the same weights.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from livebend.core.errors import UnknownName
from livebend.models.families import family
from livebend.models.parts import Target, libraries, make_tokenizer
from livebend.models.weights import empty

PREFIX = "random:"
POOL = 1 << 22  # random numbers, repeated to fill all weights
NAMES = ("sd-turbo", "sd-turbo+taesd")


def random_parts(name: str, target: Target) -> tuple[nn.Module, nn.Module, nn.Module, Any]:
    """Return network, decoder, text encoder and tokenizer.

    name: without `random:`.
    Raises: UnknownName.
    """
    if name not in NAMES:
        raise UnknownName("random model", name, NAMES)
    known, turbo = libraries(), family("sd-turbo")
    vae = {} if name.endswith("+taesd") else turbo.vae
    text = _filled(lambda: known.text(known.text.config_class(**turbo.text_encoder)), target)
    return (
        _filled(lambda: known.unet.from_config(dict(turbo.unet)), target),
        _filled(lambda: known.kl.from_config(dict(vae)) if vae else known.tiny(), target),
        text,
        make_tokenizer(None, text, turbo.pad_token),
    )


@torch.no_grad()
def _filled(make: Callable[[], nn.Module], target: Target) -> nn.Module:
    """Make a module whose weights have deviation 1/sqrt(inputs)."""
    net = empty(make, torch.device("cpu"), None)
    pool = torch.randn(POOL, generator=torch.Generator().manual_seed(1))
    for name, weight in net.named_parameters():
        if weight.dim() < 2:
            weight.fill_(1.0 if name.endswith("weight") else 0.0)
            continue
        for piece in torch.split(weight.view(-1), POOL):
            piece.copy_(pool[: len(piece)])
        weight.mul_(weight[0].numel() ** -0.5)
    return net.to(target.device, target.dtype)
