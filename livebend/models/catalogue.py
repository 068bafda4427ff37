"""Which models are here: the embedded one, those in folders, and those in the hub's cache."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from livebend.core.errors import ModelError, one_line
from livebend.models.checkpoint import check_place
from livebend.models.model_folder import read_sampled
from livebend.models.places import INDEX, PARTS, TINY, hub_cache, snapshots
from livebend.models.scheduler import Sampled
from livebend.models.single_file import describe_file
from livebend.models.weight_files import read_json

SINGLE = (".safetensors", ".ckpt")
FAMILIES = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x"}  # by width of the text


@dataclass(frozen=True, slots=True)
class Listed:
    """A model: what --model calls it, its family, how it is sampled, its size in bytes, and why it
    cannot play; "" where it can."""

    name: str
    family: str
    sampled: str
    size: int
    refused: str = ""


def catalogue(folders: Iterable[Path] = ()) -> list[Listed]:
    """Return the embedded model, those in the hub's cache, and those directly in folders."""
    return [listed("tiny", TINY), *_cached(), *(m for folder in folders for m in _inside(folder))]


def _cached() -> Iterator[Listed]:
    for folder in sorted(hub_cache().glob("models--*--*")):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        kept = snapshots(name)
        if kept and (kept[0] / INDEX).is_file():
            yield listed(name, kept[0])
        elif kept:
            files = (file for suffix in SINGLE for file in sorted(kept[0].glob(f"*{suffix}")))
            yield from (listed(f"{name}/{file.name}", file) for file in files)


def _inside(folder: Path) -> Iterator[Listed]:
    if (folder / INDEX).is_file():
        yield listed(str(folder), folder)
        return
    for place in sorted(folder.iterdir() if folder.is_dir() else ()):
        if (place / INDEX).is_file() or place.suffix in SINGLE:
            yield listed(str(place), place)


def listed(name: str, place: Path) -> Listed:
    """Return what there is to say of a model in a folder or a file, without loading it."""
    family = sampled = refused = ""
    try:
        check_place(place)
        family, how = describe_file(place) if place.is_file() else _folder(place, name)
        sampled = str(how)
    except (ModelError, OSError) as error:
        refused = one_line(error)
    return Listed(name, family, sampled, _size(place), refused)


def _folder(place: Path, name: str) -> tuple[str, Sampled]:
    sampled = read_sampled(place, Path(name).name)
    width = read_json(place / "unet" / "config.json").get("cross_attention_dim")
    return FAMILIES.get(width, "its own") if isinstance(width, int) else "its own", sampled


def _size(place: Path) -> int:
    files = [place] if place.is_file() else (f for p in PARTS for f in (place / p).glob("*"))
    return sum(file.stat().st_size for file in files if file.is_file())
