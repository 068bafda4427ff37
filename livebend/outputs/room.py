"""What belongs to the room and not to the scene: where the displays are, their corners, how they
meet and their light. It is kept in the user's folder, for the next show too:

    on = "HDMI-1"
    also = "HDMI-2"
    overlap = 0.12

    [projector.2]
    display = "HDMI-2"
    top_left_x = 0.04

What the command line sets is of that show alone; only what is changed in a show is kept.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import tomli_w

from livebend.core import limits
from livebend.core.errors import LivebendError, OutOfRange, PresetError, UnknownName, shown
from livebend.core.files import config_folder, read_text, short, write_text
from livebend.core.notify import Notify
from livebend.core.specs import ParameterValue, specs_of
from livebend.core.texts import plain_text
from livebend.outputs.display import SPECS, Display
from livebend.outputs.wall.projectors import HEAD, projector_specs
from livebend.outputs.wall.settings import Pinned, Shape, Span

EVERY = 1.0  # s between looks at what has changed
HOME = "on"  # the picture's display, by name
NAMES = (  # of the display's settings
    "rotate", "flip", *specs_of(Pinned), "gamma", "black_level",
    *(name for name in specs_of(Span) if name not in specs_of(Shape)), *projector_specs(),
)  # fmt: skip

Room = Mapping[str, ParameterValue]


def room_file() -> Path:
    """Return the file of the room, which may not exist yet."""
    return config_folder() / "room.toml"


def read_room(file: Path) -> Room:
    """Return what was kept, by the settings' names, and HOME; empty where there is no file.

    Raises: PresetError, with what is allowed.
    """
    if not file.is_file():
        return {}
    try:
        found = _flat(tomllib.loads(read_text(file, limits.PRESET_BYTES)))
    except (ValueError, RecursionError) as why:
        raise PresetError(f"{short(file)}: not TOML: {str(why).partition(chr(10))[0]}") from why
    try:
        return {name: _checked(name, value) for name, value in found.items()}
    except LivebendError as why:
        raise PresetError(f"{short(file)}: {why}") from why


def save_room(file: Path, room: Room) -> None:
    """Write it, whole or not at all. Raises: OSError."""
    table: dict[str, Any] = {}
    for name in sorted(room, key=[HOME, *NAMES].index):
        head, dot, leaf = name.rpartition(".")
        number = head.removeprefix(f"{HEAD}.")
        owner = table.setdefault(HEAD, {}).setdefault(number, {}) if dot else table
        owner[leaf] = room[name]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, tomli_w.dumps(table))


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table's values by the names of settings; what is no table where one belongs stays."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{leaf}": one for leaf, one in _flat(value).items()}
        else:
            found[name] = value
    return found


def _checked(name: str, value: object) -> ParameterValue:
    """Raises: LivebendError."""
    if name == HOME:
        if not isinstance(value, str):
            raise OutOfRange(f"{name} = {shown(value)}: expected the name of a display")
        return plain_text(value, name)
    if name not in NAMES:
        raise UnknownName("setting of the room", name, (HOME, *NAMES))
    return SPECS[name].check(value, name)


class KeptRoom:
    """Keeps what is changed of the room during a show. `work` is a part's body.

    Raises: PresetError where the file is of no use.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._kept = file, dict(read_room(file))
        self._before: Room | None = None
        self._failed = False

    @property
    def settings(self) -> Room:
        """What a show begins with, of the display's settings."""
        return {name: value for name, value in self._kept.items() if name != HOME}

    @property
    def home(self) -> str:
        """The name of the picture's display, or "" where none is kept."""
        return str(self._kept.get(HOME, ""))

    def keep(self, display: Display, warn: Notify) -> None:
        """Write down what has changed since the last call; the first only looks."""
        now = {name: display.view.value(name) for name in NAMES} | {HOME: display.chosen}
        before, self._before = self._before, now
        changed = {} if before is None else {k: v for k, v in now.items() if v != before[k]}
        if not changed:
            return
        self._kept |= changed
        self._kept = {k: v for k, v in self._kept.items() if not _is_neutral(k, v)}
        try:
            save_room(self._file, self._kept)
            self._failed = False
        except OSError as why:
            if not self._failed:
                warn(f"what is set of the room is not kept: {why.strerror}")
            self._failed = True

    def work(self, display: Display, warn: Notify, term: Event) -> None:
        """Keep what changes every EVERY seconds until stopped, and then once more."""
        while not term.wait(EVERY):
            self.keep(display, warn)
        self.keep(display, warn)


def _is_neutral(name: str, value: ParameterValue) -> bool:
    return value == ("" if name == HOME else SPECS[name].default)
