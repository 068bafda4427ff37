"""A sheet of pictures, taken apart again."""

from pathlib import Path

import numpy as np
import pygame

from livebend.flow import Pixels
from livebend.outputs.sheet import GAP, MARGIN


def cells_of(file: Path, side: int = 64) -> list[list[Pixels]]:
    """Return the square pictures of a sheet, row by row, each [W, H, 3] as pygame has them."""
    sheet, step = pygame.surfarray.array3d(pygame.image.load(file)), side + GAP
    across, down = ((n - margin) // step for n, margin in zip(sheet.shape, MARGIN, strict=False))
    left, above = MARGIN
    return [
        [sheet[left + x * step :, above + y * step :][:side, :side] for x in range(across)]
        for y in range(down)
    ]


def count_of(cells: list[list[Pixels]]) -> int:
    """How many pictures of a sheet differ from all others."""
    return len({np.ascontiguousarray(cell).tobytes() for row in cells for cell in row})
