"""A sheet of pictures in rows and columns, with labelled axes, as one PNG."""

from collections.abc import Sequence
from pathlib import Path

import pygame

from livebend.errors import Refused
from livebend.flow import Pixels
from livebend.outputs.drawing import DIM, INK, Canvas
from livebend.outputs.images import surface_of

GAP = 4  # pixels between pictures
MARGIN = (96, 56)  # pixels for the labels, left and above


def write_sheet(
    path: Path,
    cells: Sequence[Sequence[Pixels]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
) -> None:
    """Write pictures uint8 [H, W, 3], all of one size, as a grid with a label for every row and
    column. Raises: Refused where the file cannot be written."""
    if path.suffix.lower() != ".png":
        raise Refused(f"{path}: expected a file that ends in .png")
    height, width = cells[0][0].shape[:2]
    size = (
        MARGIN[0] + len(columns) * (width + GAP) + GAP,
        MARGIN[1] + len(rows) * (height + GAP) + GAP,
    )
    pygame.font.init()
    canvas = Canvas(size, 1.0)
    canvas.clear((9, 10, 14), 255)
    canvas.text(GAP, 14, title, 18, INK)
    for x, label in enumerate(columns):
        at = MARGIN[0] + x * (width + GAP)
        canvas.text(at, MARGIN[1] - 12, canvas.fitted(label, 18, width), 18, DIM)
    for y, label in enumerate(rows):
        top = MARGIN[1] + y * (height + GAP)
        text = canvas.fitted(label, 18, MARGIN[0] - 8)
        canvas.text(GAP, top + height / 2, text, 18, DIM)
        for x, pixels in enumerate(cells[y]):
            canvas.surface.blit(surface_of(pixels), (MARGIN[0] + x * (width + GAP), top))
    _save(canvas.surface, path)


def _save(surface: pygame.Surface, path: Path) -> None:
    part = path.with_name(f".{path.stem}.part.png")
    try:
        pygame.image.save(surface, str(part))
        part.replace(path)
    except (pygame.error, OSError) as why:
        part.unlink(missing_ok=True)
        raise Refused(f"{path}: cannot be written: {why}") from why
