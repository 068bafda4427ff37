"""Films joined into one: their pictures as they were encoded, and the sound of the whole."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av

from livebend.outputs.codecs import DEFAULT
from livebend.outputs.encoders import TICKS
from livebend.outputs.film_sound import FilmSound, Track
from livebend.outputs.movie_file import MovieFile


class Piece(NamedTuple):
    """A film whose first picture is the whole film's picture number `first`."""

    path: Path
    first: int


class Chapter(NamedTuple):
    """A place that players can jump to: from `begin` to `end` s."""

    begin: float
    end: float
    title: str


class JoinedMovie(MovieFile):
    """The pictures of films of one encoder, one film after the other, with its sound.

    Equal pieces make equal bytes. Every piece begins with a picture of its own and reads no other's
    (a closed group), so that nothing is encoded again.
    """

    def __init__(
        self,
        path: Path | str,
        pieces: Sequence[Piece],
        fps: float,
        sound: FilmSound | None = None,
        *,
        codec: str = DEFAULT,
        note: str = "",
        tags: Mapping[str, str] | None = None,
        chapters: Sequence[Chapter] = (),
    ) -> None:
        """Raises: Refused where the film cannot be written, or a piece cannot be read."""
        self._pieces, self._fps, self._film_sound = pieces, fps, sound
        self._track: Track | None = None
        self._tags, self._chapters = tags or {}, chapters
        super().__init__(path, (0, 0), fps, codec=codec, note=note)

    def write(self) -> None:
        """Write all of it."""
        for number, packet in enumerate(self._packets()):
            packet.stream = self._stream
            with self._writing():
                self._mux(packet)
                if self._track is not None:
                    self._track.add_until((number + 1) / self._fps)
        self.finish()

    def _options(self, _: str) -> Mapping[str, str]:
        return {"fflags": "+bitexact"}  # Matroska would draw names for its parts at random

    def _describe(self, note: str) -> None:
        super()._describe(note)
        self._container.metadata.update(self._tags)
        if self._chapters:
            self._container.set_chapters([
                {
                    "id": number, "start": round(one.begin * 1000), "end": round(one.end * 1000),
                    "time_base": Fraction(1, 1000), "metadata": {"title": one.title},
                }
                for number, one in enumerate(self._chapters, 1)
            ])  # fmt: skip

    def _begin_pictures(self, _: tuple[int, int], fps: float) -> None:
        with av.open(str(self._pieces[0].path)) as first:
            stream = self._container.add_stream_from_template(first.streams.video[0], opaque=True)
        stream.codec_context.framerate = Fraction(fps).limit_denominator(1001)
        stream.time_base = Fraction(1, TICKS)
        self._stream = stream
        if self._film_sound is not None:
            self._track = self._film_sound.begin(self._container)

    def _packets(self) -> Iterator[Any]:
        """Yield the pictures of all pieces as they are encoded, at their times in the whole."""
        for piece in self._pieces:
            with self._writing(), av.open(str(piece.path)) as film:
                stream = film.streams.video[0]
                per_picture = 1.0 / (self._fps * float(stream.time_base))
                for packet in film.demux(stream):
                    if packet.size:
                        packet.pts = self._moved(packet.pts, per_picture, piece.first)
                        packet.dts = self._moved(packet.dts, per_picture, piece.first)
                        packet.time_base = Fraction(1, TICKS)
                        packet.duration = round(TICKS / self._fps)
                        yield packet

    def _moved(self, ticks: int, per_picture: float, first: int) -> int:
        """When a picture of a piece is to show in the whole: its number, at the rate, rounded."""
        return round((first + round(ticks / per_picture)) / self._fps * TICKS)

    def _end_pictures(self) -> None:
        """No encoder of pictures holds anything back; what is left of the sound is written."""
        if self._track is not None:
            self._track.end()

    def _close(self, end: int | None = None) -> None:
        super()._close(end)
        self._leave_song()

    def _name(self) -> None:
        self._leave_song()
        super()._name()

    def _leave_song(self) -> None:
        if self._track is not None:
            self._track.close()
