"""Options that several commands share, and what is opened with them."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from livebend.cli.printing import print_notice
from livebend.core.notify import Notify, ignore
from livebend.core.specs import specs_of
from livebend.flow import PictureSource
from livebend.models.backends.read_ahead import ReadAhead
from livebend.models.checkpoint import NONE, OWN, VAE, Wanted, find_model
from livebend.models.declared_sites import check_sites
from livebend.models.default_model import model_or_default
from livebend.models.embedding_file import WantedEmbedding
from livebend.models.lora_file import WantedLora, named
from livebend.operators.drawn_masks import DrawnMasks
from livebend.outputs.codecs import DEFAULT
from livebend.rendering.network import Network
from livebend.rendering.open_network import open_network
from livebend.scene import presets
from livebend.scene.values import Lora, Scene
from livebend.video.open_picture import open_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """Which network is opened: see `rendering.open_network`."""

    model: str = "tiny"
    family: str = ""
    vae: str = OWN
    picture: str | None = None  # what painting begins at
    encoder: str = VAE  # of pictures
    loras: Sequence[tuple[Path, float]] = ()  # files, and their strengths at the beginning
    embeddings: Sequence[tuple[Path, str]] = ()  # files of textual inversions, and their names
    size: tuple[int, int] | None = None  # width, height in pixels
    backend: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    threads: int | None = None  # that compute on the processor; None = as many as suit it

    @property
    def wanted(self) -> Wanted:
        """Which model is opened."""
        return _wanted(self.model, self)

    def pictures(self) -> PictureSource | None:
        """Open the pictures that painting begins at, for offline; None without. Raises:
        LivebendError."""
        return None if self.picture is None else open_picture(self.picture, self.size or (512, 512))

    def check_model(self, scenes: Iterable[Scene], notify: Notify) -> None:
        """Refuse, before anything is loaded, a model that cannot play and scenes that bend where it
        has no site; fetch what is not on this machine. Raises: LivebendError."""
        places = find_model(self.wanted, notify)
        check_sites((bend.site for scene in scenes for bend in scene.bends), places)

    def network(
        self,
        notify: Notify,
        *,
        guidance: float = 1.0,
        drawn: DrawnMasks | None = None,
        ahead: ReadAhead | None = None,
        on_phase: Notify = ignore,
        shape: tuple[int, int] | None = None,
    ) -> Network:
        """Open the network; without a size, with that shape. Raises: LivebendError."""
        return open_network(
            self.wanted, self.size, self.backend, notify,
            device=self.device, dtype=self.dtype, guidance=guidance, drawn=drawn, ahead=ahead,
            threads=self.threads, on_phase=on_phase, shape=shape,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOptions(NetworkOptions):
    """Which scene is painted: a preset, by name or file, and changes of it."""

    preset: str | None = None
    steps: int | None = None  # None = the preset's
    seed: int | None = None  # None = the preset's
    sets: Sequence[tuple[str, object]] = ()  # (path, value), applied in order
    masks: Path | None = None  # a folder of drawn masks

    def changes(self) -> list[tuple[str, object]]:
        """Return the values that replace the preset's, by path, in the order to set them."""
        own = (("seed", self.seed), ("sampling.steps", self.steps))
        return [*((path, value) for path, value in own if value is not None), *self.sets]

    def scene_loras(self) -> list[Lora]:
        """Return the LoRAs of the command line as a scene has them. Raises: LivebendError."""
        return [Lora(one.name, one.strength, first=one.strength) for one in self.wanted.loras]

    def drawn_masks(self) -> DrawnMasks:
        """Return the drawn masks that the scene may name. Raises: PresetError."""
        return DrawnMasks(presets.mask_folders(self.preset or "", self.masks))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(SceneOptions):
    """How a scene is played in time."""

    preset: str = "default"
    fps: float = 20.0
    seconds: float | None = None  # None = without an end, or that of the sound
    cues: Path | None = None
    strobe_limit: bool = True
    codec: str = DEFAULT  # of a film: one of CODECS
    record_size: tuple[int, int] | None = None  # of a film; None = the picture's own

    def first_scene(self) -> Scene:
        """Return the scene that the show begins with. Raises: LivebendError."""
        return presets.first_scene(self.preset, self.changes(), self.scene_loras())


T = TypeVar("T", bound=NetworkOptions)


def options_of(kind: type[T], given: argparse.Namespace) -> T:
    """Return a command line as `kind`, with the best model for this machine if none is named."""
    names = {field.name for field in fields(kind)}
    values = {name: value for name, value in vars(given).items() if name in names}
    return kind(**{**values, "model": wanted_of(given).name})


def wanted_of(given: argparse.Namespace) -> Wanted:
    """Return the model that a command line names, or the best one for this machine."""
    name = model_or_default(given.model, print_notice)
    return _wanted(name, given)


def _wanted(name: str, given: argparse.Namespace | NetworkOptions) -> Wanted:
    words = tuple(WantedEmbedding(*each) for each in given.embeddings)
    encoder = NONE if getattr(given, "picture", None) is None else given.encoder
    return Wanted(name, given.family, given.vae, encoder, _wanted_loras(given.loras), words)


def _wanted_loras(files: Sequence[tuple[Path, float]]) -> tuple[WantedLora, ...]:
    strength = specs_of(Lora)["strength"]
    for file, given in files:
        strength.check(given, f"--lora {file.name}")
    return named(files)
