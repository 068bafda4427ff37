"""What is fastest here: what `livebend tune` measured and `auto` reads.

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
    """What every stage is run with: torch's threads, and how the weights of convolutions lie."""

    threads: int = DEFAULT
    layout: str = "channels_last"

    def __str__(self) -> str:
        return f"{self.threads} thread{'s' if self.threads != 1 else ''}, {self.layout}"


USUAL = Conditions()


@dataclass(frozen=True, slots=True)
class Choice:
    """A measured choice: the backend of every stage, what all are run with, and medians in ms: of
    the stages by backend, of whole frames by backend, and of whole frames by backend and
    conditions before one of these was chosen. `dtype` names the precision, `off` is the mean
    difference 0..1 of its pictures from those of float32."""

    stages: Mapping[str, str]
    conditions: Conditions = USUAL
    stage_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    frame_ms: Mapping[str, float] = field(default_factory=dict)
    conditions_ms: Mapping[str, float] = field(default_factory=dict)
    dtype: str = "float32"
    off: float = 0.0

    @property
    def ms(self) -> float:
        """Milliseconds of a frame on what was chosen."""
        return min(self.frame_ms.values())


def choice_file(store: EngineCache, size: tuple[int, int], dtype: str) -> Path:
    """Return where the choice for a size and a precision is kept; `auto` is that for all. It is not
    that of other versions, of another machine, or of a process that may use fewer of its cores;
    which thread asks is the same."""
    signature = (size, dtype, usable(), _version("onnxruntime"))
    return store.file("choices", f"{size[0]}x{size[1]}", signature, (), ".json")


def write_choice(file: Path, choice: Choice) -> None:
    """Keep a choice. Raises: OSError."""
    text = json.dumps(asdict(choice), indent=2) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, text)


def read_choice(file: Path) -> Choice | None:
    """Return the choice in a file, or None where there is none that can be read."""
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
