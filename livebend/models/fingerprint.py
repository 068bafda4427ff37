"""Whose weights these are: a short name for the content of a model's folder."""

import hashlib
from functools import lru_cache
from pathlib import Path

WHOLE = 256 << 20  # bytes: files up to this size are read whole
PIECE, STRIDE = 1 << 20, 32 << 20  # bytes: of larger ones a piece is read at every stride


def fingerprint(folder: Path, parts: tuple[str, ...] = ("unet", "vae")) -> str:
    """Return 16 hexadecimal digits that change with the networks' weights and configurations.

    Of a file above 256 MB pieces, size and time of writing are read: seconds matter at a start.
    """
    files = []
    for part in parts:
        for file in sorted((folder / part).glob("*")):
            if file.suffix in (".json", ".safetensors"):
                found = file.stat()
                files.append((part, file, found.st_size, found.st_mtime_ns))
    return _digest(tuple(files))


@lru_cache(maxsize=8)
def _digest(files: tuple[tuple[str, Path, int, int], ...]) -> str:
    """Read the files; a start asks twice for the same, as long as nobody has written them anew."""
    digest = hashlib.blake2b(digest_size=8)
    for part, file, size, _ in files:
        digest.update(f"{part}/{file.name} {size}".encode())
        _read(file, digest)
    return digest.hexdigest()


def _read(file: Path, digest: "hashlib.blake2b") -> None:
    found = file.stat()
    with file.open("rb") as stream:
        if found.st_size <= WHOLE:
            digest.update(stream.read())
            return
        digest.update(str(found.st_mtime_ns).encode())
        for offset in range(0, found.st_size, STRIDE):
            stream.seek(offset)
            digest.update(stream.read(PIECE))
