"""The fastest settings on this machine, as `livebend tune` measures and `auto` reads them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from livebend.core.files import write_text
from livebend.device.torch_threads import usable
from livebend.models.backends.engine import BACKENDS
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Target


@dataclass(frozen=True, slots=True)
class Choice:
    """A measured choice. Times are medians of whole frames, in ms."""

    backend: str
    target: Target
    dtype: str
    off: float = 0.0  # mean difference 0..1 of its pictures from those in float32
    frame_ms: Mapping[str, float] = field(default_factory=dict)  # by everything that was tried

    @property
    def ms(self) -> float:
        """Milliseconds of a frame with this choice."""
        return self.frame_ms[str(self)]

    def __str__(self) -> str:
        return f"{self.backend}, {self.dtype}, {self.target}"


def choice_file(store: EngineCache, size: tuple[int, int], device: str, dtype: str) -> Path:
    """Return the file of the choice for a size (W, H), a device and a precision, of which `auto` is
    the best of all. It differs between versions, machines, and numbers of usable cores."""
    signature = (size, device, dtype, usable(), _version("openvino"), _version("onnxruntime"))
    return store.file("choices", f"{size[0]}x{size[1]}", signature, (), ".json")


def write_choice(file: Path, choice: Choice) -> None:
    """Store a choice. Raises: OSError."""
    text = json.dumps({**asdict(choice), "target": choice.target._asdict()}, indent=2) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, text)


def read_choice(file: Path) -> Choice | None:
    """Return the choice in a file, or None where it cannot be read."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        choice = Choice(**{**table, "target": Target(**table["target"])})
        possible = choice.backend in BACKENDS and 0 < int(choice.target.threads) <= usable()
        return choice if possible else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
