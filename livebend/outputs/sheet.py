"""A sheet of pictures in rows and columns, with labelled axes, as one PNG or JPEG."""

from collections.abc import Sequence
from pathlib import Path

import pygame

from livebend.core.errors import Refused
from livebend.core.files import write_file
from livebend.flow import Pixels
from livebend.outputs.drawing import DIM, GROUND, INK, Canvas, surface_of

GAP = 4  # pixels between pictures
MARGIN = (96, 56)  # units for the labels, left and above
KINDS = (".png", ".jpg")
PICTURE = 128  # pixels across: with larger pictures, units and so letters grow


def check_sheet(path: Path) -> None:
    """Raises: Refused where no sheet can be written. Call it before the pictures are painted."""
    if path.suffix.lower() not in KINDS:
        raise Refused(f"{path}: expected a file that ends in {' or '.join(KINDS)}")
    if not path.parent.is_dir():
        raise Refused(f"{path}: there is no folder {path.parent}")


def write_sheet(
    path: Path,
    cells: Sequence[Sequence[Pixels]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
) -> None:
    """Write pictures uint8 [H, W, 3], all of one size, as a grid with a label for every row and
    column. Raises: Refused where the file cannot be written."""
    check_sheet(path)
    height, width = cells[0][0].shape[:2]
    unit = max(1.0, width / PICTURE)
    left, above = (round(unit * side) for side in MARGIN)
    size = (left + len(columns) * (width + GAP) + GAP, above + len(rows) * (height + GAP) + GAP)
    pygame.font.init()
    canvas = Canvas(size, unit)
    canvas.clear(GROUND, 255)
    canvas.text(4, 14, canvas.fitted(title, 18, canvas.width - 8), 18, INK)
    for x, label in enumerate(columns):
        at = (left + x * (width + GAP)) / unit
        canvas.text(at, MARGIN[1] - 12, canvas.fitted(label, 18, width / unit), 18, DIM)
    for y, label in enumerate(rows):
        top = above + y * (height + GAP)
        text = canvas.fitted(label, 18, MARGIN[0] - 8)
        canvas.text(4, (top + height / 2) / unit, text, 18, DIM)
        for x, pixels in enumerate(cells[y]):
            canvas.surface.blit(surface_of(pixels), (left + x * (width + GAP), top))
    try:
        write_file(path, lambda part: pygame.image.save(canvas.surface, str(part)))
    except (pygame.error, OSError) as why:
        raise Refused(f"{path}: cannot be written: {why}") from why
