"""Which backend is fastest for each stage here: what `livebend tune` measured and `auto` reads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from livebend.backends.store import Store, fill


@dataclass(frozen=True, slots=True)
class Choice:
    """A measured choice: the backend of every stage, and medians in ms, of the stages by backend
    and of whole frames."""

    stages: Mapping[str, str]
    stage_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    frame_ms: Mapping[str, float] = field(default_factory=dict)


def choice_file(store: Store, size: tuple[int, int], dtype: torch.dtype) -> Path:
    """Return where the choice for a size is kept. It is not that of other versions, threads or
    another machine."""
    conditions = (size, str(dtype), torch.get_num_threads(), _version("onnxruntime"))
    return store.file("choices", f"{size[0]}x{size[1]}", conditions, (), ".json")


def write_choice(file: Path, choice: Choice) -> None:
    """Keep a choice. Raises: OSError."""
    table = {"stages": choice.stages, "stage_ms": choice.stage_ms, "frame_ms": choice.frame_ms}
    text = json.dumps(table, indent=2) + "\n"
    fill(file, lambda part: part.write_text(text, encoding="utf-8"))


def read_choice(file: Path) -> Choice | None:
    """Return the choice in a file, or None where there is none that can be read."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        stages = {str(k): str(v) for k, v in table["stages"].items()}
        return Choice(stages, dict(table["stage_ms"]), dict(table["frame_ms"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
