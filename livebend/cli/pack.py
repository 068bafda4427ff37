"""`livebend pack`: put a show in one file for somebody else, without weights."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from livebend.cli.options import wanted_of
from livebend.cli.printing import print_rows
from livebend.cli.show_pack import (
    CUES,
    KINDS,
    MASKS,
    MIDI,
    PRESETS,
    SUFFIX,
    Kind,
    Manifest,
    Show,
    show_in,
    write_pack,
)
from livebend.core import zip_files
from livebend.core.errors import LivebendError, PresetError, Refused
from livebend.core.files import check_place, short
from livebend.models.checkpoint import Wanted
from livebend.models.embedding_file import check_embedding
from livebend.models.lora_file import check_lora
from livebend.models.model_hash import model_weights, weights_of
from livebend.operators.drawn_masks import DrawnMasks
from livebend.scene import presets


class Packed(NamedTuple):
    """What is packed, by its name in the pack, and a row about each that is not as it was asked."""

    contents: dict[str, bytes]
    missing: list[tuple[str, str]]


def run(options: argparse.Namespace) -> int:
    """Write the pack, and list what it took and what it lacks. Raises: LivebendError."""
    file: Path = options.output
    if file.suffix.lower() != SUFFIX:
        raise Refused(f"{short(file)}: expected a file that ends in {SUFFIX}")
    check_place(file, "pack")
    packed = Packed({}, [])
    for name in options.names or _own():
        _take_preset(packed, name, is_named=bool(options.names))
    for cue_file in options.cues:
        _take(packed, CUES, cue_file.stem, cue_file)
    show = _whole(packed)
    _take_masks(packed, show, options)
    for profile in sorted(MIDI.home().glob(f"*{MIDI.suffix}")):
        _take(packed, MIDI, profile.stem, profile)
    show_in(packed.contents)
    wanted = wanted_of(options)
    manifest = _manifest(wanted)
    _miss_weights(packed, show, wanted, manifest)
    write_pack(file, packed.contents, manifest)
    print_rows(list(_rows(packed, manifest)), as_json=options.json)
    return 0


def _own() -> list[str]:
    """The names of the user's own presets."""
    home = presets.user_folder()
    return [one.name for one in presets.list_presets() if one.file.is_relative_to(home)]


def _take_preset(packed: Packed, name: str, *, is_named: bool) -> None:
    """Take a preset, by name or file. Raises: LivebendError where it was named and is none."""
    given = Path(name)
    file = given if given.suffix == PRESETS.suffix else presets.list_presets([name])[0].file
    known = given.stem if file is given else name
    try:
        presets.load(file)
        _take(packed, PRESETS, known, file)
    except LivebendError as why:
        if is_named:
            raise
        packed.missing.append((f"preset {name}", str(why)))


def _take(packed: Packed, kind: Kind, name: str, file: Path) -> None:
    """Raises: Refused for a file that cannot be read, is too large, or has no name for a pack."""
    path = kind.path_of(name)
    if not zip_files.is_name(path):
        raise Refused(f"{short(file)}: rename it: some systems have no file of that name")
    try:
        with file.open("rb") as opened:
            data = opened.read(kind.most + 1)
    except OSError as why:
        raise PresetError(f"{short(file)}: cannot be read: {why.strerror}") from why
    if len(data) > kind.most:
        raise PresetError(f"{short(file)}: more than {kind.most >> 10} KiB: expected less")
    if packed.contents.setdefault(path, data) != data:
        raise Refused(f"{short(file)}: another {path} is packed already")


def _whole(packed: Packed) -> Show:
    """Take the user's presets that cues recall, too, and return the show. Raises: LivebendError."""
    show, own = show_in(packed.contents), set(_own())
    for name in sorted((show.presets & own) - set(show.scenes)):
        _take_preset(packed, name, is_named=True)
    packed.missing.extend(
        (f"preset {name}", "named by cues, and not here") for name in show.unknown
    )
    return show_in(packed.contents)


def _take_masks(packed: Packed, show: Show, options: argparse.Namespace) -> None:
    """Take the drawn masks that the show names, but for livebend's own."""
    folders = presets.mask_folders("", options.masks)
    beside = [Path(n).parent / presets.MASKS for n in options.names if n.endswith(PRESETS.suffix)]
    here = DrawnMasks([*folders, *beside]).files()
    for name in sorted(show.masks):
        if name not in here:
            packed.missing.append((f"mask {name}", "named by a bend, and not here"))
        elif not here[name].is_relative_to(presets.built_in_folder()):
            _take(packed, MASKS, name, here[name])


def _manifest(wanted: Wanted) -> Manifest:
    """What the show needs beside the pack, with the hashes of what is here. Raises: ModelError."""
    for lora in wanted.loras:
        check_lora(lora.file)
    for one in wanted.embeddings:
        check_embedding(one.file)
    loras = [weights_of(lora.file) for lora in wanted.loras]
    embeddings = [weights_of(one.file) for one in wanted.embeddings]
    needs = {"model": [model_weights(wanted.name)], "lora": loras, "embedding": embeddings}
    return Manifest(needs=needs)


def _miss_weights(packed: Packed, show: Show, wanted: Wanted, manifest: Manifest) -> None:
    """Say which weights the receiver cannot be told how to find."""
    known = {lora.name for lora in wanted.loras}
    for name, scene in show.scenes.items():
        for lora in scene.loras:
            if lora.name not in known and lora.acts_in(scene):
                why = f"played by {name}: name its file by --lora, and its hash is packed"
                packed.missing.append((f"lora {lora.name}", why))
    for model in manifest.needs["model"]:
        if not model.sha256:
            packed.missing.append((f"model {model.name}", "not on this machine: without a hash"))


def _rows(packed: Packed, manifest: Manifest) -> Iterator[dict[str, str]]:
    for kind in KINDS:
        for name, data in kind.among(packed.contents):
            yield _row(f"{kind.one} {name}", "packed", f"{len(data) / 1000:.1f} kB")
    for need, weights in manifest.needs.items():
        for one in weights:
            if one.sha256:
                yield _row(f"{need} {one.name}", "named", f"sha256 {one.sha256[:12]}…, not packed")
    for what, why in packed.missing:
        yield _row(what, "MISSING", why)


def _row(what: str, state: str, about: str) -> dict[str, str]:
    return {"what": what, "is": state, "about": about}
