"""Files written whole or not at all, the folder of caches, and how messages name a file."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs


def write_file(file: Path, write: Callable[[Path], object]) -> Path:
    """Have `write` make the file in a temporary folder, then move it into place; return it.

    So nobody reads half a file, and two processes may write the same one. Raises: OSError, also
    where the folder is missing, and whatever `write` raises.
    """
    with tempfile.TemporaryDirectory(prefix=".", dir=file.parent) as folder:
        part = Path(folder) / file.name
        write(part)
        os.replace(part, file)
    return file


def write_text(file: Path, text: str) -> None:
    """Write a text file like `write_file`. Raises: OSError."""
    write_file(file, lambda part: part.write_text(text, encoding="utf-8"))


def cache_folder() -> Path:
    """Return the folder of the user's caches for livebend."""
    return Path(platformdirs.user_cache_dir("livebend", appauthor=False)) / "engines"


def short(file: Path) -> str:
    """Return a file as a message names it: its folder and its name."""
    return f"{file.parent.name}/{file.name}" if file.parent.name else file.name
