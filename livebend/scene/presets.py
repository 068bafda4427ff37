"""Presets: TOML files and scenes.

    title = "Dub"
    about = "Bass turns the colours of a storm."
    seed = 46
    [prompt]
    text = "thunderstorm with lightning"
    [bend.swirl]
    operator = "rotate"
    site = "latent@0.8"
    [route.bass]
    source = "low"
    target = "bend.swirl.angle"
    high = 120

The built-in ones come with livebend; a user's own, in the settings folder, hide built-in ones of
the same name. A name is looked up among both and never becomes a path. Listing presets loads no
operators, and so no torch.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livebend.core import limits
from livebend.core.errors import LivebendError, OutOfRange, PresetError, UnknownName, shown
from livebend.core.files import config_folder, read_text, short, write_text
from livebend.scene import edit
from livebend.scene.cost import cost_of
from livebend.scene.preset_text import scene_in, table_in, text_of
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import Lora, Scene

DEFAULT = "default"
MASKS = "masks"  # the folder of drawn masks beside presets


@dataclass(frozen=True, slots=True)
class PresetInfo:
    """A preset as a list shows it. `about` is the error of one that cannot be read; `cost` is the
    fraction 0..1 of a frame that it computes again by itself, see `scene.cost`."""

    name: str
    title: str
    about: str
    file: Path
    cost: float = 1.0
    is_readable: bool = True


def built_in_folder() -> Path:
    """Return the folder of the presets that come with livebend."""
    package = Path(__file__).parent.parent
    packed = package / "preset_files"
    return packed if packed.is_dir() else package.parent / "presets"


def user_folder() -> Path:
    """Return the folder of the user's own presets, which may not exist yet."""
    return config_folder() / "presets"


def user_masks() -> Path:
    """Return the folder of the user's own drawn masks, which may not exist yet."""
    return user_folder() / MASKS


def list_presets(names: Sequence[str] = ()) -> list[PresetInfo]:
    """Return every preset, the default first, then by name, or those of these names.

    Raises: UnknownName.
    """
    return [_info(name, _file_of(name)) for name in names or _files()]


def names() -> list[str]:
    """Return the names of all presets, the default first, then by name, without reading them."""
    return list(_files())


def load(name_or_file: str | Path) -> Scene:
    """Return the scene of a preset by name, or of a file: a Path, or a name that ends in .toml.

    Not for names that come over the network: those go through `PresetBank`, which opens no paths.
    Raises: UnknownName for a name; PresetError for a file, with the key, the value and what is
    allowed.
    """
    if isinstance(name_or_file, Path) or name_or_file.endswith(".toml"):
        return _load_file(Path(name_or_file))
    return _load_file(_file_of(name_or_file))


def first_scene(
    preset: str, changes: Iterable[tuple[str, object]], loras: Iterable[Lora] = ()
) -> Scene:
    """Return the scene that a show begins with, and panic returns to: a preset, by name or file,
    with changed values by path, and the LoRAs of the show. The text of a mixed prompt that
    it does not have adds it. Raises: LivebendError."""
    scene = edit.with_loras(load(preset), loras)
    for path, value in changes:
        scene = edit.put(edit.with_prompt(scene, path, value), path, value)
    return replace(scene, home=scene)


def mask_folders(preset: str = "", folder: Path | None = None) -> list[Path]:
    """Return the folders of drawn masks; a mask hides one of the same name in an earlier folder.

    preset: its file's folder counts too, if it is given as a file.
    folder: one more, of the command line.
    Raises: PresetError where `folder` is none.
    """
    folders = [built_in_folder() / MASKS, user_masks()]
    if preset.endswith(".toml"):
        folders.append(Path(preset).parent / MASKS)
    if folder is not None:
        if not folder.is_dir():
            raise PresetError(f"--masks {short(folder)}: expected a folder")
        folders.append(folder)
    return folders


def sweep_of(name_or_file: str) -> Mapping[str, str]:
    """Return the rows and columns of a preset's [sweep]; empty where it has none.

    Raises: UnknownName, PresetError.
    """
    file = Path(name_or_file)
    found = _read(file if file.suffix == ".toml" else _file_of(name_or_file)).get("sweep", {})
    if not isinstance(found, Mapping):
        raise PresetError(f"{short(file)}: sweep = {shown(found)}: expected a table")
    return {side: _line(found[side]) for side in ("rows", "columns") if side in found}


def save(scene: Scene, file: Path, about: str = "") -> None:
    """Write a scene as a preset, whole or not at all. Raises: PresetError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text_of(scene, about))
    except OSError as why:
        raise PresetError(f"{short(file)}: cannot be written: {why.strerror}") from why


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot holds: a preset's name and title, and whether it was stored there in a show."""

    name: str
    title: str
    stored: bool = False


class PresetBank:
    """The presets that controllers can recall, by name or by slot 1 to SLOTS. Any thread may use
    it.

    The slots hold the presets of the list that are in no folder; a scene stored in slot N is the
    user's preset `stored-N`, and still there when livebend is started again. The folders are read
    once, and again when a name is not found. `version` counts changes of what the slots hold.
    """

    def __init__(self) -> None:
        self._files = _files()
        numbers = range(1, limits.SLOTS + 1)
        stored = {name: slot for slot in numbers if (name := _stored(slot)) in self._files}
        slots = [name for name in self._files if name not in stored and "/" not in name]
        self._usual = dict(enumerate(slots[: limits.SLOTS], 1))
        self._titles: dict[str, str] = {}  # of presets in files, as far as they were asked for
        self.version = 0
        self._held: dict[str, Scene] = {}
        self._lock = threading.Lock()  # of what is expected
        self._expected: Counter[str] = Counter()  # scenes that are on their way to a slot, by name
        self._slots = self._usual | {slot: name for name, slot in stored.items()}

    def slots(self) -> Mapping[int, Slot]:
        """Return what the slots hold that are not empty, by their numbers, rising. The first call
        reads their files."""
        return {
            slot: Slot(name, self._title(name), name == _stored(slot))
            for slot, name in sorted(self._slots.items())
        }

    def _title(self, name: str) -> str:
        if (held := self._held.get(name)) is not None:
            return held.title
        if name not in self._titles:
            self._titles[name] = _info(name, self._file(name)).title
        return self._titles[name]

    def recall(self, which: str | int) -> tuple[str, Scene]:
        """Return (name, scene) of the preset with that name or in that slot.

        Raises: OutOfRange for an empty slot, UnknownName, PresetError.
        """
        name = which if isinstance(which, str) else self._in_slot(which)
        held = self._held.get(name)
        return name, _load_file(self._file(name)) if held is None else scene_from(table_of(held))

    def names(self) -> list[str]:
        """Return the names of all presets, as far as the folders were read."""
        return list(self._files)

    def load(self, name: str) -> Scene:
        """Return the scene of a preset. Raises: UnknownName, PresetError."""
        return self.recall(name)[1]

    def expect(self, slot: int, scenes: int = 1) -> None:
        """Note that a scene is on its way to a slot, or, with −1, that it will not come.

        Raises: OutOfRange for a slot outside 1..SLOTS.
        """
        name = self._name_of(slot)
        with self._lock:
            self._expected[name] = max(self._expected[name] + scenes, 0)

    def expected(self, which: str | int) -> str:
        """Return the name of a preset that a scene is on its way to, or "" where none is."""
        name = _stored(which) if isinstance(which, int) else which
        with self._lock:
            return name if self._expected[name] else ""

    def hold(self, slot: int, scene: Scene) -> None:
        """Have a slot recall a scene from now on, before it is in its file.

        Raises: OutOfRange for a slot outside 1..SLOTS.
        """
        name = self._name_of(slot)
        self._held = self._held | {name: scene}
        self._slots = self._slots | {slot: name}
        self.version += 1
        self.expect(slot, -1)

    def store(self, slot: int, scene: Scene) -> Path:
        """Store a scene in a slot and in the user's folder; return its file.

        Raises: OutOfRange for a slot outside 1..SLOTS, PresetError.
        """
        name = self._name_of(slot)
        file = user_folder() / f"{name}.toml"
        save(scene, file, f"Stored during a show in slot {slot}.")
        self._files = self._files | {name: file}
        self._slots = self._slots | {slot: name}
        return file

    def release(self, slot: int) -> None:
        """Have a slot hold what it held before a scene was stored in it, from now on.

        Raises: OutOfRange for a slot outside 1..SLOTS, or one where nothing was stored.
        """
        name = self._name_of(slot)
        if self._slots.get(slot) != name:
            raise OutOfRange(f"slot {slot}: nothing was stored in it")
        self._held = {kept: scene for kept, scene in self._held.items() if kept != name}
        self._empty(slot)

    def clear(self, slot: int) -> None:
        """Remove the file of what was stored in a slot. Raises: OutOfRange, PresetError."""
        name = self._name_of(slot)
        file = user_folder() / f"{name}.toml"
        try:
            file.unlink(missing_ok=True)
        except OSError as why:
            raise PresetError(f"{short(file)}: cannot be removed: {why.strerror}") from why
        self._files = {kept: file for kept, file in self._files.items() if kept != name}
        if name not in self._held:  # stored again meanwhile, its file is on its way
            self._empty(slot)

    def _empty(self, slot: int) -> None:
        """Have a slot hold its usual preset, or nothing."""
        usual = {slot: self._usual[slot]} if slot in self._usual else {}
        self._slots = {n: name for n, name in self._slots.items() if n != slot} | usual
        self.version += 1

    def _name_of(self, slot: int) -> str:
        if not 1 <= slot <= limits.SLOTS:
            raise OutOfRange(f"slot {slot}: expected 1..{limits.SLOTS}")
        return _stored(slot)

    def _in_slot(self, slot: int) -> str:
        if slot not in self._slots:
            raise OutOfRange(f"preset {slot}: expected 1..{max(self._slots, default=0)}")
        return self._slots[slot]

    def _file(self, name: str) -> Path:
        if name not in self._files:
            self._files = _files()
        return _file_in(self._files, name)


def _stored(slot: int) -> str:
    return f"stored-{slot}"


def _files() -> dict[str, Path]:
    """Every preset's file by its name, the default first, then by name."""
    folders = (built_in_folder(), user_folder())
    files = {_name(f, d): f for d in folders for f in d.rglob("*.toml")}
    return {name: files[name] for name in sorted(files, key=lambda n: (n != DEFAULT, "/" in n, n))}


def _name(file: Path, folder: Path) -> str:
    """A preset's name is its path in the folder without the suffix: storm, or paper/v1."""
    return file.relative_to(folder).with_suffix("").as_posix()


def _file_of(name: str) -> Path:
    return _file_in(_files(), name)


def _file_in(files: Mapping[str, Path], name: str) -> Path:
    if name not in files:
        raise UnknownName("preset", name, files)
    return files[name]


def _info(name: str, file: Path) -> PresetInfo:
    try:
        table = _read(file)
    except PresetError as why:
        return PresetInfo(name, name, str(why), file, is_readable=False)
    title, about = (_line(table.get(key, "")) for key in ("title", "about"))
    try:
        cost = cost_of(table)
    except (LivebendError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError):
        cost = 1.0  # loading it will report what is wrong
    return PresetInfo(name, title or name, about, file, cost)


def _line(text: object) -> str:
    """A text of a table on one line, cut to what a preset may have."""
    return " ".join(str(text)[: limits.TEXT].split()) if isinstance(text, str) else ""


def _load_file(file: Path) -> Scene:
    return scene_in(read_text(file, limits.PRESET_BYTES), short(file), file.stem)


def _read(file: Path) -> dict[str, Any]:
    return table_in(read_text(file, limits.PRESET_BYTES), short(file))
