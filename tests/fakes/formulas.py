"""An operator beside its formula in numpy: the same tensor through both."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from livebend.operators.library import all_operators

Array = NDArray[np.float64]

SHAPES = [(1, 4, 64, 64), (2, 320, 32, 32)]
both_shapes = pytest.mark.parametrize("shape", SHAPES)


def run(name: str, shape: tuple[int, ...], **values: object) -> tuple[Array, Array]:
    """Return x in double precision, and what the operator makes of it in single."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    return x.numpy().astype(np.float64), all_operators()[name].function(x, **values).numpy()


def assert_close(y: Array, expected: Array) -> None:
    """Single precision leaves no more than this."""
    assert np.abs(y - expected).max() <= 1e-5


def coordinates(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Columns and rows of a plane as −1..1 along its longer side."""
    H, W = shape[2:]
    rows, columns = np.mgrid[0:H, 0:W]
    return (columns - (W - 1) / 2) / (max(H, W) / 2), (rows - (H - 1) / 2) / (max(H, W) / 2)


def smooth(shape: tuple[int, ...]) -> Array:
    """A tensor without steps: one that is read a hair beside a place is nearly the same."""
    u, v = coordinates(shape)
    x = np.stack([np.sin(3 * u + c % 7) * np.cos(2 * v - c % 5) for c in range(shape[1])])
    return np.repeat(x[None], shape[0], 0)
