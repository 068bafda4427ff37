"""Where what a backend has made is kept: one folder per model, precision, versions and processor.

Files are written whole or not at all, so that two shows may fill one store.
"""

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs
import torch


@dataclass(frozen=True, slots=True)
class Store:
    """The files of one model. `key` holds its fingerprint; `folder` may not exist yet."""

    folder: Path
    key: str

    def file(self, backend: str, name: str, signature: object, more: object, suffix: str) -> Path:
        """Return the file for a stage run with inputs of this signature; `more` is what else the
        content depends on, such as versions."""
        told = repr((signature, more, machine(), torch.__version__))
        digest = hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
        return self.folder / self.key / backend / f"{name}-{digest}{suffix}"


def cache_folder() -> Path:
    """Return the folder of the user's caches for livebend."""
    return Path(platformdirs.user_cache_dir("livebend", appauthor=False)) / "engines"


def machine() -> str:
    """Return what a measurement or a compilation on this machine depends on."""
    gpu = f" {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{_processor()} {os.cpu_count()} {torch.backends.cpu.get_cpu_capability()}{gpu}"


@cache
def _processor() -> str:
    """The processor's name; Linux keeps it in a file, other systems tell it themselves."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def fill(file: Path, write: Callable[[Path], object]) -> Path:
    """Have `write` make a file beside its place, then put it there; return it. Raises: OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        part = Path(folder) / file.name
        write(part)
        os.replace(part, file)
    return file
