"""Files written whole or not at all, the folder of caches, and how messages name a file."""

import os
import tempfile
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping
from itertools import chain, count, islice
from pathlib import Path

from livebend.core.errors import PresetError, Refused, shown

LONGEST_NAME = 255  # bytes, on every usual system
PIECE = 1 << 16  # bytes that are read at once


def check_place(file: Path, option: str) -> None:
    """Raises: Refused, naming the option, where no file of that name can be written."""
    what, folder = f"{option} {shown(str(file))}".lstrip(), file.parent
    if (length := len(os.fsencode(file.name))) > LONGEST_NAME:
        raise Refused(f"{what}: a name of {length} bytes; expected at most {LONGEST_NAME}")
    if file.is_dir():
        raise Refused(f"{what}: is a folder; expected the name of a file")
    if not folder.is_dir():
        raise Refused(f"{what}: the folder {shown(str(folder))} does not exist")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as why:
        reason = f"cannot be written to: {why.strerror}"
        raise Refused(f"{what}: the folder {shown(str(folder))} {reason}") from why


def free_name(file: Path, is_used: Callable[[Path], bool] = Path.exists) -> Path:
    """Return a name in the same folder that is not in use: NAME, NAME-2, NAME-3 …"""
    others = (file.with_stem(f"{file.stem}-{number}") for number in count(2))
    return next(name for name in chain((file,), others) if not is_used(name))


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


def write_new(files: Mapping[Path, bytes]) -> None:
    """Write files that are not there yet, all or none; their folders are made.

    Raises: OSError, also FileExistsError where one has come meanwhile, and then nothing is written.
    """
    placed: list[Path] = []
    try:
        for file, data in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".", dir=file.parent) as folder:
                part = Path(folder) / file.name
                part.write_bytes(data)
                _move_new(part, file)
            placed.append(file)
    except OSError:
        for file in placed:
            file.unlink(missing_ok=True)
        raise


def _move_new(part: Path, file: Path) -> None:
    """Raises: FileExistsError rather than write over a file."""
    try:
        os.link(part, file)
    except FileExistsError:
        raise
    except OSError as why:  # a file system without links, as of some memory sticks
        if file.exists():
            raise FileExistsError(None, f"{file} exists") from why
        os.rename(part, file)


def write_text(file: Path, text: str) -> None:
    """Write a text file like `write_file`. Raises: OSError."""
    write_file(file, lambda part: part.write_text(text, encoding="utf-8"))


def read_text(file: Path, most: int, *, may_be_cut: bool = False) -> str:
    """Return a text file of up to `most` bytes, without the byte order mark that some editors put
    first.

    may_be_cut: leave out half a letter, or what a disk without power fills up with, at the end.

    Raises: PresetError where it cannot be read, is larger, or is not text in UTF-8.
    """
    try:
        with file.open("rb") as opened:
            pieces = iter(lambda: opened.read(PIECE), b"")
            found = b"".join(islice(pieces, most // PIECE + 1))
    except OSError as why:
        raise PresetError(f"{short(file)}: cannot be read: {why.strerror}") from why
    except ValueError as why:
        raise PresetError(f"{shown(str(file))}: no name of a file") from why
    if len(found) > most:
        raise PresetError(f"{short(file)}: more than {most // 1024} KiB: expected less")
    try:
        if may_be_cut:
            return getincrementaldecoder("utf-8-sig")().decode(found.rstrip(b"\0"))
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        raise PresetError(f"{short(file)}: not text in UTF-8") from why


def config_folder() -> Path:
    """Return the folder of the user's settings; it may not exist yet."""
    import platformdirs  # noqa: PLC0415 - the doctor runs where packages are missing

    return Path(platformdirs.user_config_dir("livebend", appauthor=False))


def cache_folder() -> Path:
    """Return the folder of the user's caches for livebend."""
    import platformdirs  # noqa: PLC0415 - the doctor runs where packages are missing

    return Path(platformdirs.user_cache_dir("livebend", appauthor=False)) / "engines"


def film_folder() -> Path:
    """Return the folder of the user's films, or the current one where there is none."""
    import platformdirs  # noqa: PLC0415 - the doctor runs where packages are missing

    folder = Path(platformdirs.user_videos_dir())
    return folder if folder.is_dir() else Path()


def state_folder() -> Path:
    """Return the folder of what livebend remembers for the user; it may not exist yet."""
    import platformdirs  # noqa: PLC0415 - the doctor runs where packages are missing

    return Path(platformdirs.user_state_dir("livebend", appauthor=False))


def short(file: Path) -> str:
    """Return a file as a message names it: its folder and its name."""
    return f"{file.parent.name}/{file.name}" if file.parent.name else file.name
