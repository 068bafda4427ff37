"""Masks by kind, a sound that fades for those that show it, and a folder of drawn ones."""

from pathlib import Path

import numpy as np
import pygame
import torch
from torch import Tensor

from livebend.core.specs import ParameterValue
from livebend.flow import TRACE_LENGTH
from livebend.operators import masks

TRACE = tuple(np.linspace(1.0, 0.0, TRACE_LENGTH).tolist())


def trace(name: str, span: float) -> tuple[float, ...]:
    """The history of every feature: loud now, silent `span` seconds ago."""
    return TRACE


def drawn(height: int = 64, width: int = 48) -> Tensor:
    """Black above, white below."""
    picture = torch.zeros(1, 1, height, width)
    picture[..., height // 2 :, :] = 1.0
    return picture


def built(kind: str, on: tuple[int, int] = (32, 32), **values: ParameterValue) -> Tensor:
    """A mask of a kind [H, W]."""
    chosen, device = masks.settings({"kind": kind, **values}), torch.device("cpu")
    return masks.build(
        chosen, on, device, drawn=drawn() if kind == "picture" else None, trace=TRACE
    )


def draw_masks(home: Path) -> Path:
    """Draw `left`, and a broken one, in home/masks, and one in home itself; return the folder."""
    made = home / "masks"
    made.mkdir()
    surface = pygame.Surface((6, 4), pygame.SRCALPHA)
    surface.fill((255, 255, 255, 255), (0, 0, 3, 4))
    surface.fill((255, 255, 255, 128), (3, 0, 1, 4))
    pygame.image.save(surface, made / "left.png")
    (made / "broken.png").write_bytes(b"no picture")
    (home / "secret.png").write_bytes((made / "left.png").read_bytes())
    return made
