"""From what a performer types after --picture to pictures.

the name of a file
"""

from pathlib import Path

from livebend.core.errors import PictureError
from livebend.flow import PictureSource
from livebend.video.still import SUFFIXES, Still


def open_picture(name: str) -> PictureSource:
    """Return the pictures of that name. Raises: PictureError."""
    file = Path(name)
    if file.suffix.lower() not in SUFFIXES:
        raise PictureError(f"--picture {name}: expected a file that ends in {', '.join(SUFFIXES)}")
    return Still(file)
