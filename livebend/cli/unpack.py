"""`livebend unpack`: take up a show that somebody else has packed."""

import argparse
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

from livebend import __version__
from livebend.cli.printing import print_rows
from livebend.cli.show_pack import (
    CUES,
    KINDS,
    MASKS,
    MIDI,
    PICTURE,
    PRESETS,
    Contents,
    Kind,
    Manifest,
    Show,
    mask_of,
    read_pack,
    show_in,
)
from livebend.control.cues import Cue, cue_line
from livebend.core.errors import LivebendError, Refused
from livebend.core.files import free_name, write_new
from livebend.models.model_hash import Weights, place_of
from livebend.operators.drawn_masks import DrawnMasks
from livebend.scene import presets
from livebend.scene.commands import Add, Command, Load, LoadOther, Replace, Set
from livebend.scene.values import Bend

Names = dict[str, str]  # what has another name here, by its name in the pack


class Placed(NamedTuple):
    """A file of a pack, what it is called here, and where; `is_new` is False for one that is here
    already."""

    kind: Kind
    name: str
    here: str
    file: Path
    data: bytes
    is_new: bool


def run(options: argparse.Namespace) -> int:
    """Unpack, and say where everything went and what is missing here. Raises: LivebendError."""
    contents, manifest = read_pack(options.file)
    try:
        show = show_in(contents)
    except LivebendError as why:
        made = manifest.livebend
        by = f"; it was made by livebend {made}" if made != __version__ else ""
        raise Refused(f"{options.file.name}: nothing was unpacked: {why}{by}") from why
    placed = _placed(contents, show)
    try:
        write_new({one.file: one.data for one in placed if one.is_new})
    except OSError as why:
        raise Refused(f"nothing was unpacked: {why.strerror or why}") from why
    rows = [*map(_row, placed), *_lacking(show, manifest, options.folders or [Path()])]
    print_rows(rows, as_json=options.json)
    return 0


# ---- where everything goes ---------------------------------------------------------------------


def _placed(contents: Contents, show: Show) -> list[Placed]:
    """Find a file for all there is. What exists with other contents is left: NAME-2 is used, and
    what the pack says of it says NAME-2, too."""
    renamed: dict[str, Names] = {kind.one: {} for kind in KINDS}
    placed: list[Placed] = []
    for kind in KINDS:
        for name, packed in kind.among(contents):
            data = packed
            if kind is PRESETS:
                data = _with_masks(data, renamed[MASKS.one])
            elif kind is CUES:
                cues = show.cues[name]
                data = _with_names(data, cues, renamed[PRESETS.one], renamed[MASKS.one])
            one = _place(kind, name, data, {str(one.file).casefold() for one in placed})
            placed.append(one)
            if one.here != name:
                renamed[kind.one][name] = one.here
    return placed


def _place(kind: Kind, name: str, data: bytes, taken: set[str]) -> Placed:
    """Find the file for one; `taken` are those of the others, in small letters."""

    def is_used(file: Path) -> bool:
        there = _there(kind, file)
        return str(file).casefold() in taken or (there is not None and not _holds(there, data))

    file = free_name(kind.file_of(name), is_used)
    here = file.relative_to(kind.home()).with_suffix("").as_posix()
    there = _there(kind, file)
    return Placed(kind, name, here, there or file, data, is_new=there is None)


def _there(kind: Kind, file: Path) -> Path | None:
    """What has the name of one of the user's files: that file, or one that comes with livebend."""
    if file.exists() or file.is_symlink():
        return file
    own = {PRESETS: presets.built_in_folder(), MASKS: presets.built_in_folder() / presets.MASKS}
    if kind not in own:
        return None
    built_in = own[kind] / file.relative_to(kind.home())
    return built_in if built_in.exists() else None


def _holds(file: Path, data: bytes) -> bool:
    """Whether a file is here and holds this."""
    try:
        return file.is_file() and file.stat().st_size == len(data) and file.read_bytes() == data
    except OSError as why:
        raise Refused(f"{file}: cannot be read: {why.strerror}") from why


def _with_masks(data: bytes, masks: Names) -> bytes:
    """A preset whose drawn masks have their names here."""
    table: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    tables = (bend.get("mask", {}) for bend in table.get("bend", {}).values())
    named = [mask for mask in tables if mask.get("picture") in masks]
    for mask in named:
        mask["picture"] = masks[mask["picture"]]
    return tomli_w.dumps(table).encode() if named else data


def _with_names(data: bytes, cues: Sequence[Cue], scenes: Names, masks: Names) -> bytes:
    """Cues whose presets and drawn masks have their names here; other lines stay as they are."""
    lines = list(StringIO(data.decode("utf-8-sig")))
    for cue in cues:
        command = _renamed(cue.command, scenes, masks)
        if command is not cue.command:
            lines[cue.line - 1] = cue_line(cue.time, command) + "\n"
    return "".join(lines).encode()


def _renamed(command: Command, scenes: Names, masks: Names) -> Command:
    match command:
        case Load(preset=name) | LoadOther(preset=name) if name in scenes:
            return replace(command, preset=scenes[name])
        case Set(path, str(name)) if path.endswith(PICTURE) and name in masks:
            return Set(path, masks[name])
        case Add(Bend() as bend) | Replace(Bend() as bend) if mask_of(bend) in masks:
            mask = {**bend.mask, "picture": masks[mask_of(bend)]}
            return replace(command, part=replace(bend, mask=mask))
    return command


# ---- what is said ------------------------------------------------------------------------------


def _row(placed: Placed) -> dict[str, str]:
    kind, name, here = placed.kind, placed.name, placed.here
    about = str(placed.file)
    if here != name:
        of = "; cues and presets of the pack say so" if kind in (PRESETS, MASKS) else ""
        of = "; your own is played until this one has its name" if kind is MIDI else of
        about += f": another {name} is here{of}"
    elif kind is CUES:
        about += f": play it by --cues {placed.file}"
    return {
        "what": f"{kind.one} {name}",
        "is": "unpacked" if placed.is_new else "here",
        "about": about,
    }


def _lacking(show: Show, manifest: Manifest, folders: list[Path]) -> Iterator[dict[str, str]]:
    """What the show needs and the pack does not have: where it is here, or that it is not."""
    for need, weights in manifest.needs.items():
        for one in weights:
            yield _found(need, one, folders)
    masks = DrawnMasks(presets.mask_folders()).names()
    for name in sorted(show.masks - {*masks}):
        yield _missing(f"mask {name}", "named by a bend")
    for name in show.unknown:
        yield _missing(f"preset {name}", "named by cues")


def _found(need: str, wanted: Weights, folders: list[Path]) -> dict[str, str]:
    what, option = f"{need} {wanted.name}", f"--{need}"
    try:
        place, is_same = place_of(wanted, folders)
    except OSError as why:
        return _missing(what, f"cannot be read: {why.strerror}")
    if place is None:
        sha256 = f"sha256 {wanted.sha256}" if wanted.sha256 else "its hash is not known"
        return _missing(what, f"give its file by {option}; {sha256}")
    by = wanted.name if need == "model" and "/" in wanted.name else str(place)
    state = "here" if is_same else "DIFFERS"
    about = "the embedded model" if wanted.name == "tiny" else f"{option} {by}"
    return {"what": what, "is": state, "about": about}


def _missing(what: str, about: str) -> dict[str, str]:
    return {"what": what, "is": "MISSING", "about": about}
