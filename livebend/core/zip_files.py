"""Zip files: written with the same bytes for the same contents, and read as what a stranger made.

Of a zip that is read nothing is trusted. Its size, the size of its directory and the number of its
files are bounded before zipfile reads that directory; names and declared sizes before anything is
unpacked; and each file is unpacked up to its bound and no further, whatever it says of itself.
"""

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from livebend.core import limits
from livebend.core.errors import LONGEST, Refused, one_line, shown
from livebend.core.files import short, write_file

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can say
PLAIN = stat.S_IFREG | 0o644
UNIX = 3  # the system that a zip says it was made on
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others take memory as the file says
ENCRYPTED = 0x1
ENTRY = 1024  # bytes of the directory for each file, at most
END, LOCATOR = b"PK\5\6", b"PK\6\7"  # how the last record begins, and the one before it in a zip64
END_LENGTH, LOCATOR_LENGTH = 22, 20
PART = re.compile(r'[^\0-\x1f\x7f/\\:*?"<>|]{1,64}')  # a segment of a name, on every system
RESERVED = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
PARTS = 4  # of a name, at most

Most = Callable[[str], int]


def write_zip(file: Path, contents: Mapping[str, bytes]) -> None:
    """Write a zip with these files by name, whole or not at all. Raises: OSError."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, UNIX
            entry.external_attr = PLAIN << 16
            archive.writestr(entry, contents[name])
    write_file(file, lambda part: part.write_bytes(made.getvalue()))


def read_zip(file: Path, most: Most) -> dict[str, bytes]:
    """Return the files in a zip, by name.

    most: returns how many bytes a file of that name may have. Raises: Refused for a name that is
        not expected.
    Raises: Refused, naming the file in it, for anything that is not as `write_zip` would have it:
    paths that lead elsewhere, links, names that differ only in case, more than `core.limits` allow.
    """
    try:
        with file.open("rb") as opened:
            _check_end(opened)
            with zipfile.ZipFile(opened) as archive:
                entries = [one for one in archive.infolist() if not _is_folder(one)]
                _check(entries, most)
                return {one.filename: _unpacked(archive, one) for one in entries}
    except Refused as why:
        raise Refused(f"{short(file)}: {why}") from why
    except OSError as why:
        raise Refused(f"{short(file)}: cannot be read: {why.strerror or one_line(why)}") from why
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError,
            ValueError, IndexError, OverflowError) as why:  # fmt: skip
        raise Refused(f"{short(file)}: no zip file, or damaged: {one_line(why)[:LONGEST]}") from why


def _check_end(opened: io.BufferedReader) -> None:
    """Refuse a file by its last bytes, which say how large its directory is."""
    if (size := opened.seek(0, io.SEEK_END)) > limits.PACK_BYTES:
        raise Refused(f"more than {limits.PACK_BYTES >> 20} MiB: expected less")
    opened.seek(max(size - END_LENGTH - LOCATOR_LENGTH, 0))
    tail = opened.read()
    end = tail[-END_LENGTH:]
    if len(end) < END_LENGTH or not end.startswith(END) or end[-2:] != b"\0\0":
        raise Refused("no zip file, or one with a comment or something else at its end")
    if tail.startswith(LOCATOR):
        raise Refused("a zip64: expected a plain zip")
    count, directory = struct.unpack_from("<HI", end, 10)
    if count > limits.PACK_FILES or directory > limits.PACK_FILES * ENTRY:
        raise Refused(f"more than {limits.PACK_FILES} files: expected less")


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder alone, as other programs write them."""
    return entry.is_dir() and not entry.file_size


def _check(entries: list[zipfile.ZipInfo], most: Most) -> None:
    """Raises: Refused for what may not be unpacked."""
    if len(entries) > limits.PACK_FILES:
        raise Refused(f"more than {limits.PACK_FILES} files: expected less")
    taken = dict[str, str]()
    for entry in entries:
        name = entry.orig_filename
        if not is_name(name):
            raise Refused(f"{shown(name)}: no name that a file in it may have")
        _check_kind(entry)
        if entry.file_size > most(name):
            raise Refused(f"{name}: more than {most(name) >> 10} KiB: expected less")
        folded = _folded(name)
        if folded in taken:
            raise Refused(f"{name} and {taken[folded]}: the same name on some systems")
        taken[folded] = name
    for folded, name in taken.items():
        for folder in PurePosixPath(folded).parents:
            if str(folder) in taken:
                raise Refused(f"{name}: within {taken[str(folder)]}, which is a file")
    if sum(entry.file_size for entry in entries) > limits.PACK_UNPACKED:
        raise Refused(f"more than {limits.PACK_UNPACKED >> 20} MiB unpacked: expected less")


def _folded(name: str) -> str:
    """A name as systems see it that do not tell large letters from small ones."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_name(name: str) -> bool:
    """Whether a file in a zip may be called so: a plain path downwards, on every system.

    >>> is_name("presets/storm.toml"), is_name("../storm.toml"), is_name("/storm.toml")
    (True, False, False)
    """
    parts = name.split("/")
    return len(parts) <= PARTS and all(map(_is_plain, parts)) and name.isprintable()


def _is_plain(part: str) -> bool:
    """Whether a segment of a name is one on every system, and is not hidden."""
    return bool(PART.fullmatch(part)) and not (
        part.startswith((".", " ")) or part.endswith((".", " ")) or RESERVED.fullmatch(part)
    )


def _check_kind(entry: zipfile.ZipInfo) -> None:
    """Raises: Refused for a link, a device, or what is packed in another way than usual."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.is_dir():
        raise Refused(f"{entry.orig_filename}: no plain file")
    if entry.flag_bits & ENCRYPTED or entry.compress_type not in METHODS:
        raise Refused(f"{entry.orig_filename}: encrypted, or packed in a way that is not read")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of a file, as many as it says and no more."""
    with archive.open(entry) as packed:
        found = packed.read(entry.file_size + 1)
    if len(found) != entry.file_size:
        raise Refused(f"{entry.filename}: damaged: {len(found)} bytes of {entry.file_size}")
    return found
