"""What a film is made of, so that one that was stopped goes on, or says what differs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av

from livebend import __version__
from livebend.cli.film.options import FilmOptions
from livebend.cli.film.plan import Plan
from livebend.cli.film.segment_files import SegmentFiles, sha256
from livebend.core.errors import Refused
from livebend.models.checkpoint import find_model
from livebend.models.fingerprint import fingerprint
from livebend.scene import presets

PACKAGES = ("torch", "av", "openvino")
TOLD = {  # what of the options has a hash instead, or does not change the film
    "sound", "output", "frames", "cues", "masks", "operators", "picture", "preset", "loras",
    "embeddings", "tags",
}  # fmt: skip


def made_of(options: FilmOptions, plan: Plan) -> dict[str, Any]:
    """Return what a film is made of, by names that a message can say.

    Raises: LivebendError.
    """
    values = {
        f"--{name.replace('_', '-')}": value
        for name, value in options.described().items()
        if name not in TOLD
    }
    versions = {package: version(package) for package in PACKAGES}
    segments = [list(segment) for segment in plan.segments]
    what = "the preset, its changes or the presets of its cues"
    files = {str(file): sha256(file) for file in _files(options)}
    model = fingerprint(*find_model(options.wanted))
    return {
        "livebend": __version__, **versions, "the model": model, **files, **values,
        what: plan.scenes, "segments": segments,
    }  # fmt: skip


def _files(options: FilmOptions) -> Iterator[Path]:
    """Every file that a film is made of, but for those of presets and the model."""
    if options.sound != "demo":
        yield Path(options.sound)
    picture = Path(options.picture or "")
    for file in (options.cues, options.operators, picture):
        if file is not None and file.is_file():
            yield file
    yield from (file for file, _ in (*options.loras, *options.embeddings))
    for folder in presets.mask_folders(options.preset, options.masks):
        yield from sorted(folder.glob("*.png"))


def digest_of(made: Mapping[str, Any]) -> str:
    """Return what a film is made of as 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]


def is_made_of(film: Path, digest: str) -> bool:
    """Whether a film is there and notes that it was made of that."""
    try:
        with av.open(str(film)) as opened:
            found = {name.lower(): text for name, text in opened.metadata.items()}
    except (av.FFmpegError, OSError):
        return False
    return str(found.get("comment", "")).endswith(f"made of {digest}")


def take_up(files: SegmentFiles, new: Mapping[str, Any]) -> int:
    """Begin a film in its folder, or go on with one; return how many segments are there.

    Raises: Refused where what is there is made of something else, which is named.
    """
    files.make()
    old = files.described()
    if old is None:
        files.remove()
        files.make()
        try:
            files.describe(new)
        except OSError as why:
            raise Refused(f"{files.folder}: cannot be written: {why.strerror}") from why
        return 0
    if differing := list(_differing(old, new)):
        raise Refused(
            f"{files.folder} holds {files.finished()} segments of a film that is made of something"
            f" else: {'; '.join(differing)}; bring that back, or give --anew"
        )
    return files.finished()


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Say what differs; values in words, hashes not."""
    for name in {**old, **new}:
        before, now = old.get(name), new.get(name)
        if before == now:
            continue
        if name == "segments":
            yield "where it is cut"
        elif name.startswith("--") or name in (*PACKAGES, "livebend"):
            yield f"{name} was {before}, is {now}"
        elif not before or not now:
            yield f"{name} is {'new' if now else 'gone'}"
        else:
            yield f"{name} differs"
