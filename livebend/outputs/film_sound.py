"""The sound of a rendered film: the song's own packets, where the film can hold them.

What it cannot hold is encoded again: without loss what had lost nothing, as well as can be what
had. A player finds the sound of mp4 and mov cut exactly where the film is; in mkv the last packet
is heard to its end, which is less than a tenth of a second.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import av

from livebend.audio.song_packets import Encoding, SongPackets, encoding_of
from livebend.audio.sound import Sound
from livebend.audio.sound_file import SoundFile
from livebend.core.files import write_file
from livebend.outputs.codecs import Codec, codec_of
from livebend.outputs.sound_track import AAC, BITS, LAYOUTS, SoundStream

WAV = ".wav"
_PCM = {f"pcm_{kind}le" for kind in ("s16", "s24", "s32", "f32", "f64")}
_PCM_BE = {name.replace("le", "be") for name in _PCM}
HELD: Mapping[str, frozenset[str]] = {  # by its ending: what a file holds so that players find it
    ".mp4": frozenset({"aac", "mp3", "alac", "flac", "opus"}),
    ".mov": frozenset({"aac", "mp3", "alac", *_PCM, *_PCM_BE}),
    ".mkv": frozenset({"aac", "mp3", "alac", "flac", "opus", "vorbis", *_PCM}),
    WAV: frozenset(_PCM),
}
LOSSLESS = {".mp4": "flac", ".mkv": "flac"}  # else PCM
MOST_BITS = 24  # of what is encoded again
SECOND = 1.0  # s of sound that are read at once


class Track(Protocol):
    """The sound of an open film."""

    def add_until(self, seconds: float) -> None:
        """Add what is heard up to a moment of the film."""

    def end(self) -> None:
        """Add the rest."""

    def close(self) -> None:
        """Close the song, also after a fault."""


@dataclass(frozen=True, slots=True)
class FilmSound:
    """How a sound comes into a film.

    until: s of it that the film has.
    encoding: that of a song whose packets are copied; None = it is encoded.
    encoder, channels, bits: what it is encoded by, see `SoundStream`.
    line: for the user, where a song is encoded again; else "".
    """

    sound: Sound
    until: float
    encoding: Encoding | None
    encoder: str
    channels: int = 2
    bits: int = 24
    line: str = ""

    def begin(self, container: Any) -> Track:
        """Add it as a stream to a container of FFmpeg's that is not begun. Raises: SoundError."""
        if self.encoding is None:
            return _Encoded(container, self)
        assert isinstance(self.sound, SoundFile)
        return _Copied(container, SongPackets(self.sound.path, self.encoding, self.until))

    def write(self, file: Path) -> None:
        """Write it as a WAV file. Raises: OSError, SoundError."""
        write_file(file, self._write)

    def _write(self, part: Path) -> None:
        options = {"rf64": "auto", "fflags": "+bitexact"}
        with av.open(str(part), "w", format="wav", options=options) as container:
            track = self.begin(container)
            try:
                track.end()
            finally:
                track.close()


def film_sound(sound: Sound, ending: str, codec: str, until: float) -> FilmSound:
    """Return how a sound comes into a film.

    ending: of the film's name, or WAV.
    codec: of the film, one of CODECS.
    until: s at which the film is cut; inf where it goes on to the sound's end.

    Raises: SoundError.
    """
    kind, ending = codec_of(codec), ending.lower()
    if not isinstance(sound, SoundFile):
        return FilmSound(sound, until, None, kind.sound)
    song = encoding_of(sound.path, until)
    if song.is_steady and song.codec in HELD[ending]:
        return FilmSound(sound, until, song, "")
    encoder, bits = _encoder(song, ending, kind)
    channels = song.channels if song.is_steady and song.channels in LAYOUTS else 2
    return FilmSound(
        sound, until, None, encoder, channels, bits,
        "".join(_said(sound.name, song, ending, encoder, bits, channels)),
    )  # fmt: skip


def _encoder(song: Encoding, ending: str, kind: Codec) -> tuple[str, int]:
    """What encodes it, and how many bits of a sample."""
    if not song.is_lossless:
        return kind.sound, 24
    bits = min(song.bits, MOST_BITS)
    return LOSSLESS.get(ending, f"pcm_s{bits}le"), bits


def _said(
    name: str, song: Encoding, ending: str, encoder: str, bits: int, channels: int
) -> Iterator[str]:
    if encoder == AAC:
        made = f"AAC of {BITS * channels / 2000:.0f} kbit/s"
    else:
        made = f"{'PCM' if encoder.startswith('pcm') else encoder.upper()} of {bits} bits"
    yield f"{name}: its sound, {song.codec}, is encoded again as {made}"
    if song.is_lossless and song.bits <= MOST_BITS:
        yield ", which loses nothing"
    if song.channels > channels:
        yield f", {song.channels} channels mixed to {channels}"
    if not song.is_steady:
        yield ": it is joined of several parts, or broken"
    else:
        others = [other for other, held in HELD.items() if song.codec in held and other != WAV]
        yield f": {ending} does not hold it" + (f", {' and '.join(others)} would" if others else "")


class _Copied:
    """Packets as they are."""

    def __init__(self, container: Any, song: SongPackets) -> None:
        self._container, self._song = container, song
        self._stream = container.add_stream_from_template(song.stream)
        self._packets = iter(song)
        self._next: Any = next(self._packets, None)

    def add_until(self, seconds: float) -> None:
        """See `Track`."""
        while self._next is not None and self._next.pts * self._next.time_base < seconds:
            packet, self._next = self._next, next(self._packets, None)
            packet.stream = self._stream
            self._container.mux(packet)

    def end(self) -> None:
        """See `Track`."""
        self.add_until(float("inf"))

    def close(self) -> None:
        """See `Track`."""
        self._song.close()


class _Encoded:
    """A tape that is encoded."""

    def __init__(self, container: Any, film: FilmSound) -> None:
        self._tape, self._until, self._read = film.sound.original(), film.until, 0
        rate, kept = self._tape.sample_rate, film.channels
        self._stream = SoundStream(container, film.encoder, rate, channels=kept, bits=film.bits)

    def add_until(self, seconds: float) -> None:
        """See `Track`."""
        end = round(min(seconds, self._until) * self._tape.sample_rate)
        if end > self._read:
            self._stream.add(self._tape.read(end - self._read))
            self._read = end

    def end(self) -> None:
        """See `Track`."""
        before, rate = -1, self._tape.sample_rate
        while before < self._read and self._tape.ahead(1):  # until nothing is added
            before = self._read
            self.add_until(before / rate + SECOND)
        self._stream.end()

    def close(self) -> None:
        """See `Track`."""
        self._tape.close()
