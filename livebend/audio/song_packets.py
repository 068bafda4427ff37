"""The sound of a file as it is encoded there, for a film that takes it over as it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from livebend.audio.joined_files import parts_of
from livebend.audio.sound_file import reading
from livebend.core.errors import SoundError

NEAR = 0.015  # s: Ogg's times are off by a block of Vorbis where pages begin, but never drift
RAW = "pcm_"  # how FFmpeg's names of sound that is not compressed begin


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's sound is encoded.

    codec: FFmpeg's name.
    channels, rate: those it begins with; Hz.
    bits: 16, 24 or 32, whichever holds every sample.
    is_lossless: whether it may decode to the very samples that were encoded.
    is_steady: whether all of it decodes, in one piece, each sample at its time: so a player of its
        packets plays what is decoded here.
    begin: s of the file's own time at which the sound begins.
    """

    codec: str
    channels: int
    rate: int
    bits: int
    is_lossless: bool
    is_steady: bool
    begin: Fraction


def encoding_of(path: Path, until: float) -> Encoding:
    """Return how a file's sound is encoded; it is decoded up to `until` s. Raises: SoundError."""
    import av  # noqa: PLC0415 - heavy

    parts = parts_of(path)
    with reading(path):
        with av.open(next(parts), metadata_errors="replace") as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise SoundError(f"{path}: it has no sound in it")
            frames = _decoded(container, stream)
            first, is_steady = next(frames, None), False
            if first is not None:
                is_steady = _is_steady(first, frames, until)
            codec = stream.codec_context.codec
            name, is_lossless = codec.canonical_name, codec.lossless
        is_steady = is_steady and next(parts, None) is None
    if first is None:
        raise SoundError(f"{path}: cannot be read as sound: there is none in it")
    return Encoding(
        name, first.layout.nb_channels, first.sample_rate,
        _bits(name, first.format.name.removesuffix("p")),
        is_lossless, is_steady, _time(first),
    )  # fmt: skip


def _bits(codec: str, samples: str) -> int:
    if samples in ("u8", "s16"):
        return 16
    return 24 if samples == "s32" and not codec.startswith("pcm_s32") else 32


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield its frames, and None for what cannot be decoded."""
    import av  # noqa: PLC0415

    try:
        for packet in container.demux(stream):
            yield from packet.decode()
    except av.FFmpegError:
        yield None


def _is_steady(first: Any, others: Iterable[Any], until: float) -> bool:
    begin, rate, layout, count = _time(first), first.sample_rate, first.layout.name, first.samples
    for frame in others:
        if frame is None or (frame.sample_rate, frame.layout.name) != (rate, layout):
            return False
        if abs(_time(frame) - begin - Fraction(count, rate)) > NEAR:
            return False
        count += frame.samples
        if count >= until * rate:
            break
    return True


def _time(frame: Any) -> Fraction:
    return Fraction((frame.pts or 0) * frame.time_base)


class SongPackets:
    """The packets of a file's sound up to `until` s, in order: their times count from its first
    sample, so those that only prepare the decoder come before 0.

    Raises: SoundError.
    """

    def __init__(self, path: Path, encoding: Encoding, until: float) -> None:
        import av  # noqa: PLC0415

        self._encoding, self._until = encoding, Fraction(until)
        self._parts = parts_of(path)  # it holds the file open
        with reading(path):
            self._container = av.open(next(self._parts), metadata_errors="replace")
        self.stream: Any = self._container.streams.best("audio")

    def __iter__(self) -> Iterator[Any]:
        for packet in self._container.demux(self.stream):
            if not packet.size:
                continue
            base = packet.time_base
            packet.pts -= round(self._encoding.begin / base)
            packet.dts = packet.pts
            left = self._until - packet.pts * base
            if left <= 0:
                return
            yield self._cut(packet, left) if packet.duration * base > left else packet

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _cut(self, packet: Any, left: Fraction) -> Any:
        """A packet of which only `left` s are heard: of compressed sound, it says so."""
        import av  # noqa: PLC0415

        duration = round(left / packet.time_base)
        if self._encoding.codec.startswith(RAW):
            samples = packet.duration * packet.time_base * self._encoding.rate
            kept = round(left * self._encoding.rate) * round(packet.size / samples)
            made = av.Packet(bytes(packet)[:kept])
            made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
            made.is_keyframe, packet = True, made
        packet.duration = duration
        return packet
