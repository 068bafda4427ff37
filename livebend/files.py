"""Files written whole or not at all, and how messages name them."""

import os
import tempfile
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a text file so that it is never seen half-written. Raises: OSError."""
    handle, part = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(part, file)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def short(file: Path) -> str:
    """Return a file as a message names it: its folder and its name."""
    return f"{file.parent.name}/{file.name}" if file.parent.name else file.name
