"""The temperature of a block's attention to the prompt, set from outside its modules.

Logits q·k/√d become a·q·k/√d: a above 1 makes attention sharper, below 1 more even, at 0 every word
has the same weight. a is a tensor [B, heads, H, W], one factor for each head and place, all ones
unless it is bent. Source: temperature of a softmax, Hinton et al. 2015, equation 1 (there 1/a).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

LIMIT = 16.0  # of |a|: beyond it one word has all weight anyway, and half precision overflows


class Attention:
    """The cross-attention layers of one block, `attn2` of its transformers in diffusers.

    One thread runs the block at a time.
    """

    def __init__(self, layers: list[Any]) -> None:
        self.heads = int(layers[0].heads)
        self._queries: list[nn.Module] = [layer.to_q for layer in layers]
        self._ones: dict[tuple[object, ...], Tensor] = {}

    def shape(self, h: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the factor, from the shape [B, C, H, W] of what the block reads."""
        return (h[0], self.heads, *h[2:])

    def ones(self, h: Tensor) -> Tensor:
        """Return the factor that changes nothing, for a block that reads h [B, C, H, W]: always the
        same tensor, so that `scaled` recognises it without reading its values."""
        shape = self.shape(h.shape)
        key = (shape, h.dtype, h.device)
        if key not in self._ones:
            self._ones[key] = torch.ones(shape, dtype=h.dtype, device=h.device)
        return self._ones[key]

    @contextmanager
    def scaled(self, a: Tensor) -> Iterator[None]:
        """Multiply the block's queries by a [B, heads, H, W] while it runs inside."""
        if any(a is ones for ones in self._ones.values()):
            yield
            return
        with ExitStack() as hooks:
            factor = a.clamp(-LIMIT, LIMIT).flatten(2).transpose(1, 2).unsqueeze(3)
            for query in self._queries:
                hook = query.register_forward_hook(lambda _, __, q: _scaled(q, factor))
                hooks.callback(hook.remove)
            yield


def attention_of(block: nn.Module) -> Attention | None:
    """Return the attention of a block to the prompt; None where it has none of this kind."""
    layers: list[Any] = [m for name, m in block.named_modules() if name.endswith(".attn2")]
    return Attention(layers) if layers and all(hasattr(m, "to_q") for m in layers) else None


def _scaled(q: Tensor, factor: Tensor) -> Tensor:
    """q [B, H·W, heads·d] times factor [B, H·W, heads, 1]."""
    by_head: Tensor = q.reshape(q.shape[0], q.shape[1], factor.shape[2], -1)
    return (by_head * factor).flatten(2)
