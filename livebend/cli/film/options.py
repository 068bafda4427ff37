"""What a film is made of, as the command line says it and as a worker is told."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from livebend.audio.feature_sources import PulledSound
from livebend.audio.look_ahead import LookAhead
from livebend.audio.open_input import look_ahead, pull_sound
from livebend.audio.sound import Sound
from livebend.cli.options import ShowOptions
from livebend.control.command_queue import CommandQueue
from livebend.control.cues import Cues
from livebend.core.notify import Notify
from livebend.outputs.codecs import codec_of
from livebend.scene import presets
from livebend.scene.commands import CommandSource
from livebend.scene.values import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOptions(ShowOptions):
    """What is rendered: a sound file or `demo`, into a video, a folder of pictures or both."""

    sound: str
    output: Path | None = None
    frames: Path | None = None
    operators: Path | None = None  # the performer's own
    blur: int = 1  # pictures that are painted and averaged for each frame
    look_ahead: bool = False  # whether beats and loudness are those of the whole song
    tags: Sequence[tuple[str, str]] = ()  # of the film, by FFmpeg's names

    @property
    def is_folder(self) -> bool:
        """Whether the film is a folder of pictures, with the sound beside them."""
        return self.output is not None and not codec_of(self.codec).endings

    @property
    def movie(self) -> Path | None:
        """The film, where that is a file."""
        return None if self.is_folder else self.output

    @property
    def pngs(self) -> Path | None:
        """The folder of pictures, where there is one."""
        return self.output if self.is_folder else self.frames

    @property
    def ending(self) -> str:
        """What the names of segments' files end in: what holds the exact times, where it can."""
        endings = codec_of(self.codec).endings
        return ".mov" if ".mov" in endings else next(iter(endings), "")

    @property
    def named(self) -> Path:
        """What the film is called: its file, or the folder of its pictures."""
        made = self.output or self.frames
        assert made is not None
        return made

    def features(self, sound: Sound) -> PulledSound | LookAhead:
        """Return the features of its sound, from the beginning on. Raises: SoundError."""
        return (look_ahead if self.look_ahead else pull_sound)(sound, self.fps)

    def described(self) -> dict[str, Any]:
        """Return the values as they come back from a file of JSON."""
        made: dict[str, Any] = json.loads(as_text(self))
        return made

    def commands(self, scene: Scene, notify: Notify) -> CommandSource:
        """Open the cues; without any, a queue that nobody fills. Raises: LivebendError."""
        if self.cues is None:
            return CommandQueue(notify=notify)
        return Cues(self.cues, presets.PresetBank().load, scene)


def as_text(options: FilmOptions) -> str:
    """Return options as one line of text, which `read_options` reads."""
    return json.dumps(asdict(options), default=str)


def read_options(text: str) -> FilmOptions:
    """Return the options that `as_text` wrote."""
    values: dict[str, Any] = json.loads(text)
    known = {field.name for field in fields(FilmOptions)}
    return FilmOptions(**{name: _read(name, values[name]) for name in known & values.keys()})


def _read(name: str, value: Any) -> Any:
    return value if value is None else _READ.get(name, lambda same: same)(value)


def _each(*kinds: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """How to read a list of tuples, or one tuple of as many."""

    def read(rows: Any) -> Any:
        return tuple(tuple(kind(one) for kind, one in zip(kinds, row, strict=True)) for row in rows)

    return read


_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("output", "frames", "cues", "masks", "operators"), Path),
    **dict.fromkeys(("size", "record_size"), tuple),
    "tags": _each(str, str),
    "loras": _each(Path, float),
    "embeddings": _each(Path, str),
    "sets": _each(str, lambda value: value),
}
