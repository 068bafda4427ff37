"""What is kept of an unfinished film, in a folder beside it.

    clip.mp4.segments/
        film.json        what the film is made of: hashes of its inputs, options, versions
        000000.mov       or .mkv: the pictures of a segment, as they will be in the film
        000000.json      its record: the hash of that file, what made it, what was limited
        000000.points    points of its frames, until the limit of flashes has gone through them
        000000.npz       the state of that limit after the segment
        000000.png       the last picture, from which the next segment may have to go on

        000000-x1y2/     what a worker has written of a segment that is not finished

A segment is finished once its record is there. All files are written whole or not at all, and each
may be removed: what is missing is painted again. A worker writes into a folder of its own, since
one that is taken for lost may still be at work beside the one that has taken its place.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from livebend.cli.film.jobs import Record, record_of
from livebend.core.errors import Refused
from livebend.core.files import check_place, write_text

PIECE = 1 << 20  # bytes that are hashed at once
OWN = ".livebend-"  # how the folder of a worker is called, in one of pictures


class SegmentFiles:
    """The folder of an unfinished film; `film` is the film, or the folder of its pictures."""

    def __init__(self, film: Path, ending: str = ".mov") -> None:
        self._ending = ending.removeprefix(".")
        self.folder = film.with_name(f"{film.name}.segments")

    def pictures(self, number: int) -> Path:
        """The file of a segment's pictures."""
        return self._path(number, self._ending)

    def points(self, number: int) -> Path:
        """The file of its frames' points."""
        return self._path(number, "points")

    def state(self, number: int) -> Path:
        """The file of the state of the limit of flashes after it."""
        return self._path(number, "npz")

    def last(self, number: int) -> Path:
        """The file of its last picture."""
        return self._path(number, "png")

    def record(self, number: int) -> Record | None:
        """Return the record of a segment; None where it is not finished, or its pictures are not
        those that were recorded."""
        try:
            record = record_of(json.loads(self._path(number, "json").read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if record.sha256 and sha256(self.pictures(number)) != record.sha256:
            return None
        return record

    def attempt(self, number: int, pictures: Path | None) -> "Attempt":
        """Begin to write a segment, also into a folder of pictures. Raises: Refused."""
        try:
            own = Path(tempfile.mkdtemp(prefix=f"{number:06d}-", dir=self.folder))
            if pictures is not None:
                pictures.mkdir(exist_ok=True)
        except OSError as why:
            raise Refused(f"{why.filename}: cannot be written: {why.strerror}") from why
        return Attempt(self, number, own, pictures)

    def clear(self, pictures: Path | None) -> None:
        """Remove what workers have left that were lost."""
        for folder, pattern in ((self.folder, "[0-9]*-*"), (pictures, f"{OWN}*")):
            for left in folder.glob(pattern) if folder is not None else ():
                shutil.rmtree(left, ignore_errors=True)

    def finish(self, number: int, record: Record) -> None:
        """Write a segment's record. Raises: OSError."""
        write_text(self._path(number, "json"), json.dumps(asdict(record)))

    def unfinish(self, number: int) -> None:
        """Have a segment painted again."""
        self._path(number, "json").unlink(missing_ok=True)

    def make(self) -> None:
        """Make the folder. Raises: Refused where it cannot be."""
        check_place(self.folder.with_name(self.folder.name + ".json"), "")
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as why:
            raise Refused(f"{self.folder}: cannot be made: {why.strerror}") from why

    def described(self) -> dict[str, Any] | None:
        """Return what the film was made of when it was begun; None where there is none."""
        try:
            read: dict[str, Any] = json.loads((self.folder / "film.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return read

    def describe(self, made_of: Mapping[str, Any]) -> None:
        """Write down what the film is made of. Raises: OSError."""
        write_text(self.folder / "film.json", json.dumps(made_of, indent=1))

    def finished(self) -> int:
        """Return how many segments are finished, by their records alone."""
        return sum(1 for _ in self.folder.glob("[0-9]*.json"))

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int, ending: str) -> Path:
        return self.folder / f"{number:06d}.{ending}"


class Attempt:
    """The files of a segment while one worker writes them. See `SegmentFiles.attempt`."""

    def __init__(
        self, files: SegmentFiles, number: int, folder: Path, pictures: Path | None
    ) -> None:
        self._files, self._number, self._folder, self._pictures = files, number, folder, pictures
        self.frames = None if pictures is None else pictures / f"{OWN}{folder.name}"

    @property
    def movie(self) -> Path:
        """The file of the segment's pictures."""
        return self._own(self._files.pictures(self._number))

    @property
    def points(self) -> Path:
        """The file of its frames' points."""
        return self._own(self._files.points(self._number))

    @property
    def last(self) -> Path:
        """The file of its last picture."""
        return self._own(self._files.last(self._number))

    def finish(self, record: Record) -> None:
        """Put all files into their places, then the record. Raises: OSError."""
        if self.frames is not None and self._pictures is not None:
            for file in self.frames.iterdir():
                os.replace(file, self._pictures / file.name)
        for file in self._folder.iterdir():
            os.replace(file, self._files.folder / file.name)
        self._files.finish(self._number, record)

    def remove(self) -> None:
        """Remove what is not in its place."""
        for folder in (self._folder, self.frames):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def _own(self, file: Path) -> Path:
        return self._folder / file.name


def sha256(file: Path) -> str:
    """Return the hash of a file's bytes; "" where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()
