"""A pack: what a show needs in one zip, without weights. What both ways have in common.

    livebend.toml       who made it, and by which model, LoRAs and textual inversions it is played
    presets/NAME.toml   scenes, those stored in slots among them
    masks/NAME.png      drawn masks
    midi/NAME.toml      profiles of MIDI devices
    cues/NAME.txt       cue files

Everything in a pack that is read comes from a stranger: see `core.zip_files` for the zip itself;
what is in it is read by the same readers as during a show before anything is written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from livebend import __version__
from livebend.control.cues import Cue, cues_in, user_cues
from livebend.control.midi import profiles
from livebend.core import limits, zip_files
from livebend.core.errors import LivebendError, PresetError, Refused, shown
from livebend.core.files import short, write_file
from livebend.models.model_hash import SHA256, Weights, is_name
from livebend.operators import drawn_masks
from livebend.outputs.display import Display
from livebend.scene import presets
from livebend.scene.commands import Add, Load, LoadOther, Replace, Set
from livebend.scene.preset_text import scene_in, table_in
from livebend.scene.values import Bend, Scene

MANIFEST = "livebend.toml"
SUFFIX = ".zip"
PICTURE = ".mask.picture"  # how the path of a bend's drawn mask ends
NEEDS = ("model", "lora", "embedding")

Contents = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    one: what one of them is called.
    folder, suffix: where it is in a pack, and how its name ends.
    most: bytes that it may have.
    home: returns the folder of the user's own.
    """

    one: str
    folder: str
    suffix: str
    most: int
    home: Callable[[], Path]

    def name_in(self, path: str) -> str:
        """Return what a file of a pack is called: paper/v1 for presets/paper/v1.toml."""
        return path.removeprefix(f"{self.folder}/").removesuffix(self.suffix)

    def path_of(self, name: str) -> str:
        """Return where a file of this name is in a pack."""
        return f"{self.folder}/{name}{self.suffix}"

    def file_of(self, name: str) -> Path:
        """Return the file of the user's own that has this name."""
        return self.home() / f"{name}{self.suffix}"

    def among(self, contents: Contents) -> Iterator[tuple[str, bytes]]:
        """Yield the names and bytes of this kind."""
        for path in sorted(contents):
            if path.startswith(f"{self.folder}/"):
                yield self.name_in(path), contents[path]


PRESETS = Kind("preset", "presets", ".toml", limits.PRESET_BYTES, presets.user_folder)
MASKS = Kind("mask", "masks", ".png", limits.MASK_BYTES, presets.user_masks)
MIDI = Kind("midi", "midi", ".toml", limits.PRESET_BYTES, profiles.user_folder)
CUES = Kind("cues", "cues", ".txt", limits.CUES_BYTES, user_cues)
KINDS = (MASKS, PRESETS, MIDI, CUES)  # each names only what stands before it


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a pack says of itself: the version of livebend that made it, and what it needs that is
    not in it, by NEEDS."""

    livebend: str = __version__
    needs: Mapping[str, Sequence[Weights]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Show:
    """What is in a pack, read."""

    scenes: Mapping[str, Scene]
    cues: Mapping[str, Sequence[Cue]]
    unknown: Sequence[str]  # presets that cues name and nobody has

    @property
    def masks(self) -> set[str]:
        """The drawn masks that scenes and cues name."""
        bends = [bend for scene in self.scenes.values() for bend in scene.bends]
        named = set[str]()
        for cue in (cue for cues in self.cues.values() for cue in cues):
            match cue.command:
                case Add(Bend() as bend) | Replace(Bend() as bend):
                    bends.append(bend)
                case Set(path, str(name)) if path.endswith(PICTURE):
                    named.add(name)
        return {name for name in (*map(mask_of, bends), *named) if name}

    @property
    def presets(self) -> set[str]:
        """The presets that cues recall."""
        commands = (cue.command for cues in self.cues.values() for cue in cues)
        return {command.preset for command in commands if isinstance(command, Load | LoadOther)}


def mask_of(bend: Bend) -> str:
    """Return the name of a bend's drawn mask, or ""."""
    return str(bend.mask.get("picture", ""))


def show_in(contents: Contents) -> Show:
    """Read all that is in a pack, by the readers of a show.

    Raises: LivebendError for what one of them refuses, naming the file in the pack.
    """
    scenes = {name: scene_in(_text(d, f"{name}.toml"), PRESETS.path_of(name), name)
              for name, d in PRESETS.among(contents)}  # fmt: skip
    bank, unknown = presets.PresetBank(), dict[str, None]()

    def load(name: str) -> Scene:
        if name in scenes:
            return scenes[name]
        try:
            return bank.load(name)
        except LivebendError:
            unknown[name] = None
            return Scene()

    cues = {name: cues_in(_text(data, f"{name}.txt"), CUES.path_of(name), load)
            for name, data in CUES.among(contents)}  # fmt: skip
    for name, data in MIDI.among(contents):
        profiles.profile_in(_text(data, name), MIDI.path_of(name), Display.specs, name)
    for name, data in MASKS.among(contents):
        if not drawn_masks.NAME.fullmatch(name):
            raise Refused(f"{MASKS.path_of(name)}: a drawn mask is called by a-z, 0-9, - and _")
        drawn_masks.check_mask(data, MASKS.path_of(name))
    return Show(scenes, cues, tuple(unknown))


def write_pack(file: Path, contents: Contents, manifest: Manifest) -> None:
    """Write a pack, whole or not at all, with the same bytes for the same contents.

    Raises: Refused where it would be refused by who gets it, or the file cannot be written.
    """
    whole = {**contents, MANIFEST: _written(manifest).encode()}

    def write(part: Path) -> None:
        zip_files.write_zip(part, whole)
        read_pack(part)

    try:
        write_file(file, write)
    except OSError as why:
        raise Refused(f"{short(file)}: cannot be written: {why.strerror}") from why


def read_pack(file: Path) -> tuple[dict[str, bytes], Manifest]:
    """Return what is in a pack, by its name there, and what it says of itself.

    Raises: Refused, PresetError.
    """
    found = zip_files.read_zip(file, _most)
    if MANIFEST not in found:
        raise Refused(f"{short(file)}: no pack of livebend: it has no {MANIFEST}")
    manifest = _manifest(_text(found.pop(MANIFEST), MANIFEST))
    return found, manifest


def _most(name: str) -> int:
    """How many bytes a file of that name may have. Raises: Refused for a name of none."""
    if name == MANIFEST:
        return limits.PRESET_BYTES
    for kind in KINDS:
        if name.startswith(f"{kind.folder}/") and name.endswith(kind.suffix):
            return kind.most
    known = ", ".join(kind.path_of("NAME") for kind in KINDS)
    raise Refused(f"{shown(name)}: no file of a pack: expected {MANIFEST}, {known}")


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        raise PresetError(f"{where}: not text in UTF-8") from why


def _written(manifest: Manifest) -> str:
    table: dict[str, Any] = {"livebend": manifest.livebend}
    for need, wanted in manifest.needs.items():
        table[need] = [
            {"name": one.name} | ({"sha256": one.sha256, "size": one.size} if one.sha256 else {})
            for one in wanted
        ]
    return tomli_w.dumps(table)


def _manifest(text: str) -> Manifest:
    """Raises: Refused, PresetError. Keys that it does not know are those of a later version."""
    table = table_in(text, MANIFEST)
    version = table.get("livebend")
    if not isinstance(version, str) or not 0 < len(version) <= limits.NAME:
        raise Refused(f"{MANIFEST}: livebend = {shown(version)}: expected a version")
    return Manifest(version, {need: _weights(need, table.get(need, [])) for need in NEEDS})


def _weights(need: str, given: object) -> tuple[Weights, ...]:
    if not isinstance(given, list) or len(given) > limits.EMBEDDINGS:
        raise Refused(f"{MANIFEST}: {need}: expected a list of at most {limits.EMBEDDINGS}")
    return tuple(_one(need, entry) for entry in given)


def _one(need: str, entry: object) -> Weights:
    match entry:
        case {"name": str(name), **rest} if is_name(name):
            sha256, size = rest.get("sha256", ""), rest.get("size", 0)
            plain = isinstance(sha256, str) and (not sha256 or SHA256.fullmatch(sha256))
            if plain and type(size) is int and 0 <= size < 2**63:
                return Weights(name, str(sha256), size)
    raise Refused(f"{MANIFEST}: {need} = {shown(entry)}: expected a name, sha256 and size")
