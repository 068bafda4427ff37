"""The files that hold weights: which of a folder are read, and what is wrong with one.

Nothing is loaded here, so it needs no torch: a header says what a `.safetensors` file holds.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livebend.core.errors import ModelError
from livebend.core.files import short

STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
SUFFIXES = (".safetensors", ".bin")
VARIANTS = ("", ".fp16", ".bf16", ".non_ema", ".ema")  # the first that is there is read
SINGLE = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")  # of files that hold a whole model
LARGEST_HEADER = 100 << 20  # bytes
FETCH_AGAIN = "fetch it again"


@dataclass(frozen=True, slots=True)
class Header:
    """What a .safetensors file holds: the shape of every tensor by name, and its metadata."""

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str] = field(default_factory=dict)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of the weights in a model's part, several where they are sharded.

    Plain ones come before half precision, and .safetensors before .bin.
    Raises: ModelError where there are none.
    """
    for variant in VARIANTS:
        for suffix in SUFFIXES:
            for stem in STEMS:
                if found := _written(folder, stem, variant, suffix):
                    return found
    here = sorted(f.name for f in folder.glob("*") if f.suffix not in (".json", ".txt"))
    have = f"; it has {', '.join(here[:3])}" if here else ""
    raise ModelError(f"{folder.name}/ has no weights: expected {STEMS[0]}.safetensors{have}")


def _written(folder: Path, stem: str, variant: str, suffix: str) -> tuple[Path, ...]:
    whole = folder / f"{stem}{variant}{suffix}"
    if whole.is_file():
        return (whole,)
    index = folder / f"{stem}{suffix}.index{variant}.json"
    return _shards(index) if index.is_file() else ()


def _shards(index: Path) -> tuple[Path, ...]:
    try:
        names = sorted(set(read_json(index)["weight_map"].values()))
        files = tuple(index.parent / Path(name).name for name in names)
    except (KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{short(index)}: cannot be read: it has no weight_map") from error
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        raise ModelError(f"{short(index)}: {', '.join(missing[:3]) or 'every file'} is missing")
    return files


def read_json(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises: ModelError."""
    try:
        loaded = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        check_whole(file)
        raise ModelError(f"{short(file)}: cannot be read: {error}") from error
    if not isinstance(loaded, dict):
        raise ModelError(f"{short(file)}: cannot be read: expected an object")
    return loaded


def check_whole(file: Path) -> None:
    """Refuse a file that a download left unfinished, or never began. Raises: ModelError."""
    try:
        with file.open("rb") as stream:
            start = stream.read(256)
    except OSError as error:
        raise ModelError(f"{short(file)}: cannot be read: {error.strerror}") from error
    if start.startswith(b"version https://git-lfs"):
        raise ModelError(
            f"{short(file)} is a pointer of git-lfs, not the file itself: run `git lfs pull`"
            " in its folder"
        )
    if not start:
        raise ModelError(f"{short(file)} is empty: {FETCH_AGAIN}")
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise ModelError(f"{short(file)} is a web page, not the file itself: {FETCH_AGAIN}")


def check_weights(files: Iterable[Path]) -> None:
    """Refuse files of weights that are not whole, without loading them. Raises: ModelError."""
    for file in files:
        if file.suffix == ".safetensors":
            read_header(file)
        else:
            check_whole(file)


def read_header(file: Path) -> Header:
    """Return what a .safetensors file holds. Raises: ModelError where it is not whole."""
    check_whole(file)
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > LARGEST_HEADER:
            raise ModelError(f"{short(file)} is no .safetensors file, whatever its name says")
        text = stream.read(length)
    if len(text) < length:
        raise _truncated(file, size, 8 + length)
    try:
        table = json.loads(text)
        metadata = table.pop("__metadata__", {})
        shapes = {name: tuple(entry["shape"]) for name, entry in table.items()}
        end = max((entry["data_offsets"][1] for entry in table.values()), default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ModelError(f"{short(file)} is no .safetensors file, or damaged") from error
    if size < 8 + length + end:
        raise _truncated(file, size, 8 + length + end)
    return Header(shapes, metadata)


def _truncated(file: Path, size: int, wanted: int) -> ModelError:
    return ModelError(
        f"{short(file)} is cut short: {size / 1e6:.1f} of {wanted / 1e6:.1f} MB: {FETCH_AGAIN}"
    )
