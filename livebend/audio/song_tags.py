"""What a sound file says about itself: its tags, and its chapters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from livebend.audio.joined_files import name_for_ffmpeg
from livebend.audio.sound_file import reading
from livebend.core import limits

KEPT = ("title", "artist", "album", "album_artist", "track", "disc", "date", "genre")


@dataclass(frozen=True, slots=True)
class SongTags:
    """The tags of a song, by FFmpeg's names of KEPT, and its chapters: when each begins, in s, and
    its title."""

    tags: Mapping[str, str] = field(default_factory=dict)
    chapters: tuple[tuple[float, str], ...] = ()

    @property
    def place(self) -> tuple[int, int]:
        """Its disc and its number on that; 0 where it says none."""
        return _number(self.tags.get("disc")), _number(self.tags.get("track"))


def read_tags(file: Path) -> SongTags:
    """Return what a file says. Raises: SoundError where it cannot be opened."""
    import av  # noqa: PLC0415 - heavy

    with reading(file), av.open(name_for_ffmpeg(file), metadata_errors="replace") as container:
        stream = container.streams.best("audio")
        found = {**(stream.metadata if stream else {}), **container.metadata}
        chapters = tuple(
            (float(one["start"] * one["time_base"]), one["metadata"].get("title", ""))
            for one in container.chapters()
        )
    lower = {name.lower(): " ".join(value.split())[: limits.TEXT] for name, value in found.items()}
    return SongTags({name: lower[name] for name in KEPT if lower.get(name)}, chapters)


def _number(text: str | None) -> int:
    """The first number of a text such as 3/12; 0 where there is none."""
    first = (text or "").partition("/")[0].strip()
    return int(first) if first.isdecimal() and len(first) < 6 else 0
