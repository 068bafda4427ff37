"""A short name for the content of a model's folder."""

import hashlib
from functools import lru_cache
from pathlib import Path

PARTS = ("unet", "vae")
WHOLE = 256 << 20  # bytes: files up to this size are read whole
PIECE, STRIDE = 1 << 20, 32 << 20  # bytes: of larger ones a piece is read at every stride


def fingerprint(folder: Path) -> str:
    """Return 16 hexadecimal digits that change with the networks' weights and configurations.

    Of a file above 256 MB only pieces, size and time of writing count, to save seconds at a start.
    """
    files = []
    for part in PARTS:
        for file in sorted((folder / part).glob("*")):
            if file.suffix in (".json", ".safetensors"):
                found = file.stat()
                files.append((part, file, found.st_size, found.st_mtime_ns))
    return _digest(tuple(files))


@lru_cache(maxsize=8)
def _digest(files: tuple[tuple[str, Path, int, int], ...]) -> str:
    """Return the digest of (part, file, bytes, time of writing). It is cached because a start needs
    it twice."""
    digest = hashlib.blake2b(digest_size=8)
    for part, file, size, written_ns in files:
        digest.update(f"{part}/{file.name} {size}".encode())
        with file.open("rb") as stream:
            if size <= WHOLE:
                digest.update(stream.read())
                continue
            digest.update(str(written_ns).encode())
            for offset in range(0, size, STRIDE):
                stream.seek(offset)
                digest.update(stream.read(PIECE))
    return digest.hexdigest()
