"""What a leader and its followers say to each other, as records. Commands are in the words of cue
files; nothing is evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from livebend.control.cue_words import command_of, words_of
from livebend.core.errors import Refused
from livebend.core.records import record_in, record_of
from livebend.core.specs import ParameterValue
from livebend.flow import Tick
from livebend.scene.commands import Command, Load, LoadOther, LoadStored
from livebend.scene.preset_text import scene_in, text_of
from livebend.scene.values import Scene


@dataclass(frozen=True)
class Opening:
    """What the leader plays on: where a follower differs, so may its frames.

    made: by what frames are painted, equal where the same inputs give equal bytes.
    size: (W, H) in pixels.
    material: a short hash of each drawn mask, by name.
    """

    made: str
    size: tuple[int, int]
    material: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """A command: its words, and the scene that it loads as the text of a preset, or ""."""

    words: str
    scene: str = ""


@dataclass(frozen=True)
class Painted:
    """What a frame is painted from.

    tick: when, on the leader's clock.
    heard: the numbers of the sound's features, see `modulation.heard`.
    said: the commands that came before it.
    view: settings of the display that changed, by name.
    mark: of the scene, or "" where it is not compared.
    """

    tick: Tick
    heard: tuple[float | int | bool, ...]
    said: tuple[Said, ...] = ()
    view: Mapping[str, ParameterValue] = field(default_factory=dict)
    mark: str = ""


@dataclass(frozen=True)
class Begin:
    """Where a follower begins: what the leader's renderer has kept, as text, and the next frame,
    whose commands the scene in it has already."""

    moment: str
    painted: Painted


@dataclass(frozen=True)
class Foreseen:
    """Prompts that will be played once they are encoded."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Join:
    """A follower asks where to begin."""


@dataclass(frozen=True)
class Ping:
    """A follower asks for the time; `sent` is its own, in s."""

    sent: float


@dataclass(frozen=True)
class Pong:
    """The leader's time, in s, when it was asked."""

    sent: float
    time: float


Message = Opening | Painted | Begin | Foreseen | Join | Ping | Pong
KINDS: Mapping[bytes, type] = {
    b"o": Opening, b"p": Painted, b"b": Begin, b"f": Foreseen, b"j": Join, b"i": Ping, b"a": Pong,
}  # fmt: skip
LETTERS = {kind: letter for letter, kind in KINDS.items()}
ASKED = (Join, Ping)  # what a follower may say


def bytes_of(message: Message) -> bytes:
    """Return a message as bytes. Raises: Refused."""
    return LETTERS[type(message)] + record_of(message).encode()


def message_in(data: bytes) -> Message:
    """Return the message in bytes. Raises: Refused where there is none."""
    kind = KINDS.get(data[:1])
    if kind is None:
        raise Refused("no message of a rig")
    found: Message = record_in(data[1:], kind)
    return found


def said_of(command: Command) -> Said:
    """Return how a command is said. Raises: LivebendError for one that cannot be."""
    if isinstance(command, Load | LoadOther):
        return Said(words_of(_named(command)), text_of(command.scene))
    if isinstance(command, LoadStored):
        return Said(words_of(command), text_of(command.recall(command.preset)[1]))
    return Said(words_of(command))


def _named(command: Load | LoadOther) -> Load | LoadOther:
    """The command with a name, which a scene that was pasted has none."""
    name = command.preset or "pasted"
    return type(command)(command.scene, name, command.fade, command.unit)


def command_in(said: Said) -> Command:
    """Return the command that was said. Raises: LivebendError."""

    def load(name: str) -> Scene:
        if not said.scene:
            raise Refused(f"preset {name!r}: the leader sends no scene with it")
        return scene_in(said.scene, "the leader's scene")

    return command_of(said.words, load)
