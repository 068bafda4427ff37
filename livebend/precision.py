"""Precision: what a network can be computed in, and whether it then paints the same picture."""

import torch

from livebend.core.errors import UnknownName
from livebend.device.memory import Versioned
from livebend.models import Model, best_device, name_of
from livebend.network import Network
from livebend.scene.values import Sampling

AUTO = "auto"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
ALIKE = 0.02  # mean difference of two pictures, 0..1: about what no eye sees without the other


def dtype_of(name: str) -> torch.dtype | None:
    """Return the type of that name; None for auto, which is the fastest. Raises: UnknownName."""
    if name not in (AUTO, *DTYPES):
        raise UnknownName("dtype", name, (AUTO, *DTYPES))
    return DTYPES.get(name)


def worth_measuring() -> tuple[str, ...]:
    """Return the precisions that may be the fastest here."""
    return tuple(dict.fromkeys(("float32", name_of(best_device()[1]))))


def picture_off(model: Model, exact: Model, size: tuple[int, int], seeds: int = 4) -> float:
    """Return the mean difference 0..1 of pictures painted by two loads of one model."""
    text = Versioned(-1, exact.encode([""]))
    painted = []
    for one in (model, exact):
        network = Network(one, *size)
        own = Versioned(text.version, text.tensor.to(one.dtype))
        painted.append(
            [
                network.paint(network.noise(seed)[0], own, (), Sampling("euler", 1)).pixels.tensor
                for seed in range(seeds)
            ]
        )
    pairs = zip(*painted, strict=True)
    return float(torch.stack([(a.float() - b.float()).abs().mean() for a, b in pairs]).mean()) / 255
