"""Keep a training's state as a folder of small parts with a manifest that tells their hashes.

Parts are named after what is in them and the manifest is replaced in one move, last: whenever the
process is killed, the manifest names a whole state. Small files because some machines hand back
nothing larger.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

PART = 16 * 2**20
"""Bytes of a part at most."""
MANIFEST = "manifest.json"

State = Mapping[str, Any]


def _write(path: Path, data: bytes | memoryview) -> None:
    """Write a file in one move."""
    part = path.with_suffix(f".{os.getpid()}")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _write_part(folder: Path, data: memoryview) -> dict[str, object]:
    """Write a part unless it is there; return what the manifest says of it."""
    digest = hashlib.sha256(data).hexdigest()
    path = folder / f"{digest[:20]}.part"
    if not path.exists() or path.stat().st_size != len(data):
        _write(path, data)
    return {"name": path.name, "bytes": len(data), "sha256": digest}


def write_state(folder: Path, state: State, told: State | None = None, size: int = PART) -> None:
    """Write a state of tensors, numbers and text; `told` is put in the manifest to be read."""
    folder.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    torch.save(dict(state), file)
    data = file.getbuffer()
    parts = [_write_part(folder, data[i : i + size]) for i in range(0, len(data), size)]
    manifest = {**(told or {}), "bytes": len(data), "parts": parts}
    _write(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    _clear(folder, {str(part["name"]) for part in parts} | {MANIFEST})


def _clear(folder: Path, named: set[str]) -> None:
    """Remove the files of states before this one."""
    for path in folder.iterdir():
        if path.name not in named:
            path.unlink(missing_ok=True)


def _read_part(folder: Path, part: State) -> bytes:
    """Read a part. Raises: SystemExit where it is missing or is not what was written."""
    path = folder / part["name"]
    data = path.read_bytes() if path.exists() else b""
    if len(data) != part["bytes"] or hashlib.sha256(data).hexdigest() != part["sha256"]:
        raise SystemExit(f"{path}: missing or damaged; copy it again, or remove {folder}")
    return data


def holds_state(folder: Path) -> bool:
    """Whether a state was written to the folder."""
    return (folder / MANIFEST).exists()


def read_state(folder: Path) -> dict[str, Any]:
    """Read the state back, to the processor's memory, and check every part of it."""
    manifest = json.loads((folder / MANIFEST).read_text())
    data = b"".join(_read_part(folder, part) for part in manifest["parts"])
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return state
