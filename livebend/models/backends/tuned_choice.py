"""The fastest settings on this machine, as `livebend tune` measures and `auto` reads them.

For a model at a size: the backend of every stage, the number of threads, the memory layout.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from livebend.core.files import write_text
from livebend.device.torch_threads import DEFAULT, usable
from livebend.models.backends.engine_cache import EngineCache

LAYOUTS: Mapping[str, torch.memory_format] = {
    "channels_last": torch.channels_last,
    "contiguous": torch.contiguous_format,
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What every stage is run with."""

    threads: int = DEFAULT  # of torch
    layout: str = "channels_last"  # of the weights of convolutions

    def __str__(self) -> str:
        return f"{self.threads} thread{'s' if self.threads != 1 else ''}, {self.layout}"


USUAL = Conditions()


@dataclass(frozen=True, slots=True)
class Choice:
    """A measured choice. Times are medians, in ms."""

    stages: Mapping[str, str]  # the backend of every stage
    conditions: Conditions = USUAL
    stage_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # then by backend
    frame_ms: Mapping[str, float] = field(default_factory=dict)  # by backend
    conditions_ms: Mapping[str, float] = field(default_factory=dict)  # by backend and conditions
    dtype: str = "float32"
    off: float = 0.0  # mean difference 0..1 of its pictures from those in float32

    @property
    def ms(self) -> float:
        """Milliseconds of a frame with this choice."""
        return min(self.frame_ms.values())


def choice_file(store: EngineCache, size: tuple[int, int], dtype: str) -> Path:
    """Return the file of the choice for a size (W, H) and a precision; "auto" is the best of all
    precisions. It differs between versions, machines, and numbers of usable cores."""
    signature = (size, dtype, usable(), _version("onnxruntime"))
    return store.file("choices", f"{size[0]}x{size[1]}", signature, (), ".json")


def write_choice(file: Path, choice: Choice) -> None:
    """Store a choice. Raises: OSError."""
    text = json.dumps(asdict(choice), indent=2) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, text)


def read_choice(file: Path) -> Choice | None:
    """Return the choice in a file, or None where it cannot be read."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        stages = {str(k): str(v) for k, v in table.pop("stages").items()}
        conditions = Conditions(**table.pop("conditions"))
        if conditions.layout not in LAYOUTS or not 0 < int(conditions.threads) <= usable():
            return None
        return Choice(stages, conditions, **table)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
