"""What a renderer keeps from one frame for the next, as text: another one that takes it, with the
same model, goes on with the same frames.

Numbers, the scene with what undo returns to, embeddings and noise that are on their way, and what
bends and the echo take of the last picture. What is only remembered (`Memory`) is computed again,
and what `reuse` takes from earlier frames begins anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import torch
from torch import Tensor

from livebend.bending.feedback_state import Made
from livebend.core.errors import Refused, shown
from livebend.core.records import Foreign, Foreigners, record_in, record_of
from livebend.device.memory import Memory, Versioned
from livebend.flow import Features
from livebend.modulation.band_time import BandTime
from livebend.modulation.heard import HEARD
from livebend.rendering.deck import KeptDecks
from livebend.scene.values import Scene

TYPES = {
    str(t): t
    for t in (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8)
}


@dataclass(eq=False)
class Kept:
    """What a renderer keeps.

    loads: scenes loaded on a deck, and which.
    made: what bends made in the last picture.
    shown: its pixels.
    """

    band: BandTime
    decks: KeptDecks
    loads: tuple[int, int]
    made: Made
    shown: Versioned | None

    def fitting(self, text: Tensor, noise: Sequence[int]) -> "Kept":
        """Return what fits a network with such embeddings [1, T, C] and noises of a shape: without
        any tensor where they are others, so that what was on its way is there at once."""
        inputs = [deck.inputs for deck in self.decks.decks]
        found = [value for one in inputs for value in (*one.shown.items(), *one.origins.items())]
        if all(_fits(name, value.tensor, text, noise) for name, value in found):
            return self
        for one in inputs:
            one.forget()
        return replace(self, made={}, shown=None)


def _fits(name: str, tensor: Tensor, text: Tensor, noise: Sequence[int]) -> bool:
    if name.startswith("noise"):
        return tuple(tensor.shape) == tuple(noise)
    return tensor.dtype == text.dtype and tensor.shape[2:] == text.shape[2:]


@dataclass(frozen=True, eq=False)
class Moment:
    """What the next frame is painted from besides its inputs: the scene that it begins with, and
    what is kept."""

    scene: Scene
    kept: Kept


@dataclass(frozen=True, slots=True)
class _Values:
    """A tensor in bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def text_of(moment: Moment) -> str:
    """Return a moment as text; what is on a device is fetched. Raises: Refused."""
    return record_of(moment, _foreigners(lambda tensor: Versioned(0, tensor), "cpu"))


def moment_in(text: str, memory: Memory, device: torch.device | str) -> Moment:
    """Return the moment in a text, its tensors on a device. Raises: Refused."""
    return record_in(text, Moment, _foreigners(memory.fresh, device))


def _foreigners(fresh: Callable[[Tensor], Versioned], device: torch.device | str) -> Foreigners:
    read = partial(_tensor, device=device)
    return {
        Features: HEARD,
        Tensor: Foreign(_Values, _values, read),
        Versioned: Foreign(_Values, lambda v: _values(v.tensor), lambda v: fresh(read(v))),
    }


def _values(tensor: Tensor) -> _Values:
    here = tensor.detach().cpu().contiguous()
    data = here.flatten().view(torch.uint8).numpy().tobytes()
    return _Values(str(here.dtype), tuple(here.shape), data)


def _tensor(values: _Values, device: torch.device | str) -> Tensor:
    if values.dtype not in TYPES:
        raise Refused(f"{shown(values.dtype)}: expected one of {', '.join(TYPES)}")
    dtype = TYPES[values.dtype]
    if min(values.shape, default=1) < 1 or prod(values.shape) * dtype.itemsize != len(values.data):
        raise Refused(f"{len(values.data)} bytes are no {dtype} {shown(values.shape)}")
    flat = torch.frombuffer(bytearray(values.data), dtype=dtype)
    return flat.reshape(values.shape).to(device)
