"""A short name for the content of a model's files."""

import hashlib
from functools import lru_cache
from pathlib import Path

PARTS = ("unet", "vae")
KEPT = (".json", ".safetensors", ".bin", ".ckpt", ".pt", ".pth")
WHOLE = 256 << 20  # bytes: files up to this size are read whole
PIECE, STRIDE = 1 << 20, 32 << 20  # bytes: of larger ones a piece is read at every stride


def fingerprint(*places: Path) -> str:
    """Return 16 hexadecimal digits that change with the networks' weights and configurations.

    places: the folder or file of a model, and that of a decoder from elsewhere.

    Of a file above 256 MB only pieces, size and time of writing count, to save seconds at a start.
    """
    files = []
    for place in places:
        for part in PARTS:
            for file in _files(place, part):
                found = file.stat()
                files.append((part, file, found.st_size, found.st_mtime_ns))
    return _digest(tuple(files))


def _files(place: Path, part: str) -> list[Path]:
    """The files of a part: in its folder, or, for what has none, all there is, once."""
    folder = place / part
    if place.is_file() or not any((place / name).is_dir() for name in PARTS):
        own = [place] if place.is_file() else sorted(place.glob("*"))
        return [file for file in own if part == PARTS[0] and file.suffix in KEPT]
    return [file for file in sorted(folder.glob("*")) if file.suffix in KEPT]


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
