"""The temperature of a block's attention to the prompt, set from outside its modules.

Logits q·k/√d become a·q·k/√d: a above 1 makes attention sharper, below 1 more even, at 0 every word
counts alike. a is a tensor [B, heads, H, W], one number for each head and place, all ones unless it
is bent. Source: temperature of a softmax, Hinton et al. 2015, equation 1 (there 1/a).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

LIMIT = 16.0  # of |a|: beyond it one word has everything anyway, and half precision ends


class Attention:
    """The layers of one block that ask the prompt: `attn2` of its transformers, as diffusers says.

    One thread runs the block at a time.
    """

    def __init__(self, layers: list[Any]) -> None:
        self.heads = int(layers[0].heads)
        self._queries: list[nn.Module] = [layer.to_q for layer in layers]
        self._ones: dict[tuple[object, ...], Tensor] = {}

    def shape(self, h: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the factor for a block that reads h of a shape [B, C, H, W]."""
        return (h[0], self.heads, *h[2:])

    def ones(self, h: Tensor) -> Tensor:
        """Return what leaves the attention of a block that reads h [B, C, H, W] as it is: always
        the same tensor, which is how the block knows, for nothing, that there is nothing to do."""
        shape = self.shape(h.shape)
        key = (shape, h.dtype, h.device)
        if key not in self._ones:
            self._ones[key] = torch.ones(shape, dtype=h.dtype, device=h.device)
        return self._ones[key]

    @contextmanager
    def scaled(self, a: Tensor) -> Iterator[None]:
        """Have the block's queries multiplied by a [B, heads, H, W] while it runs inside."""
        if any(a is ones for ones in self._ones.values()):
            yield
            return
        with ExitStack() as ending:
            factor = a.clamp(-LIMIT, LIMIT).flatten(2).transpose(1, 2).unsqueeze(3)
            for query in self._queries:
                hook = query.register_forward_hook(lambda _, __, q: _times(q, factor))
                ending.callback(hook.remove)
            yield


def attention_of(block: nn.Module) -> Attention | None:
    """Return the attention of a block to the prompt; None where it has none of this shape."""
    layers: list[Any] = [m for name, m in block.named_modules() if name.endswith(".attn2")]
    return Attention(layers) if layers and all(hasattr(m, "to_q") for m in layers) else None


def _times(q: Tensor, factor: Tensor) -> Tensor:
    """q [B, H·W, heads·d] times factor [B, H·W, heads, 1]."""
    by_head: Tensor = q.reshape(q.shape[0], q.shape[1], factor.shape[2], -1)
    return (by_head * factor).flatten(2)
