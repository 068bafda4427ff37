"""Where backends store what they have made: a folder for each model."""

import hashlib
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from livebend.core.files import write_file
from livebend.models.backends.read_ahead import ReadAhead


@dataclass(frozen=True, slots=True)
class EngineCache:
    """The files of one model. `key` contains its fingerprint; `folder` may not exist yet. Some may
    have been read ahead."""

    folder: Path
    key: str
    ahead: ReadAhead | None = None

    def file(self, backend: str, name: str, signature: object, more: object, suffix: str) -> Path:
        """Return the file for a stage run with inputs of this signature, on this machine and this
        torch; `more` is everything else that the content depends on, such as versions."""
        depends_on = repr((signature, more, machine(), torch.__version__))
        digest = hashlib.blake2b(depends_on.encode(), digest_size=8).hexdigest()
        return self.folder / self.key / backend / f"{name}-{digest}{suffix}"

    def write(self, file: Path, write: Callable[[Path], object]) -> None:
        """Have `write` make one of these files, as `write_file` does. Raises: OSError."""
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, write)


def machine() -> str:
    """Return what a measurement or a compilation on this machine depends on."""
    gpu = f" {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{_processor()} {os.cpu_count()} {torch.backends.cpu.get_cpu_capability()}{gpu}"


@cache
def _processor() -> str:
    """The processor's name, on Linux from a file, elsewhere from the system."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
