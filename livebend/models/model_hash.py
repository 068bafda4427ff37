"""Models and LoRAs by their hash, which two machines can compare, and where they are here."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from livebend.core.errors import ModelError
from livebend.models.places import INDEX, TINY, hub_name, snapshots
from livebend.models.weight_files import SINGLE, weight_files

TINY_NAME = "tiny"
WEIGHTS = ("text_encoder", "unet", "vae")  # parts of a model that have some
SHA256 = re.compile(r"[0-9a-f]{64}")
PLAIN = re.compile(r"[^\0-\x1f\x7f/\\]{1,200}")


@dataclass(frozen=True, slots=True)
class Weights:
    """What a model or a file is known by elsewhere.

    name: tiny, a hub id, or the name of a file or a folder without what it lies in.
    sha256, size: of what it holds, in bytes; see `weights_of`. "" and 0 where it is not here.
    """

    name: str
    sha256: str = ""
    size: int = 0


def weights_of(place: Path, name: str = "") -> Weights:
    """Return what a file holds, or a model in a folder, read whole; `name`, or else that of the
    place, is what it is called.

    The hash of a file is the SHA-256 that model pages and `sha256sum` print; that of a folder is of
    the list of the weights that are read, as `sha256sum` prints it.
    Raises: ModelError for a folder without weights, OSError.
    """
    files = _files(place)
    lines = [f"{_sha256(file)}  {file.parent.name}/{file.name}\n" for file in files]
    listed = hashlib.sha256("".join(lines).encode()).hexdigest()
    sha256 = lines[0][:64] if place.is_file() else listed
    return Weights(name or place.name, sha256, _size(files))


def model_weights(name: str) -> Weights:
    """Return what the model of that name is known by elsewhere, without a hash where it is not on
    this machine. Raises: OSError."""
    own = Path(name).expanduser()
    place, known = (own, own.name) if own.exists() else (_kept(name), name)
    try:
        return Weights(known) if place is None else weights_of(place, known)
    except ModelError:
        return Weights(known)


def place_of(wanted: Weights, folders: Iterable[Path]) -> tuple[Path | None, bool]:
    """Return where a model or a file is on this machine, and whether it holds the same.

    A file or a folder is known by its hash alone, directly in `folders`; a hub id and the embedded
    model by their names. Nothing else that a stranger wrote is looked up.
    Raises: OSError.
    """
    if _is_public(wanted.name):
        place = _kept(wanted.name)
        return place, place is not None and (not wanted.sha256 or _is_same(place, wanted))
    for folder in folders:
        for place in _inside(folder):
            if _is_same(place, wanted):
                return place, True
    return None, False


def is_name(name: str) -> bool:
    """Whether a name is one that `Weights` may have: it leads nowhere by itself."""
    return _is_public(name) or (bool(PLAIN.fullmatch(name)) and name not in (".", ".."))


def _is_public(name: str) -> bool:
    """Whether a name means the same on every machine."""
    parts = name.split("/")
    return name == TINY_NAME or (hub_name(name)[0] is not None and not {"..", ".", ""} & {*parts})


def _kept(name: str) -> Path | None:
    """Where the embedded model is, or a hub id in the hub's cache, without dialling."""
    known, file = hub_name(name)
    if name == TINY_NAME or known is None:
        return TINY if name == TINY_NAME else None
    places = (folder / file if file else folder for folder in snapshots(known))
    return next((place for place in places if place.exists()), None)


def _inside(folder: Path) -> Iterator[Path]:
    if (folder / INDEX).is_file():
        yield folder
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (place / INDEX).is_file() or place.suffix in SINGLE:
            yield place


def _is_same(place: Path, wanted: Weights) -> bool:
    """Whether a place holds what is wanted; what has another size is not read."""
    try:
        return _size(_files(place)) == wanted.size and weights_of(place).sha256 == wanted.sha256
    except ModelError:
        return False


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [file for part in WEIGHTS for file in weight_files(place / part)]


def _size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
