"""A film being written: H.264 pictures and AAC sound in one file, each at its own time.

The file is written in fragments under a temporary name, so that a crash leaves a file that plays;
at the end it becomes an ordinary file and gets its real name. A fragment lasts half a second at
most, whatever the rate of the pictures, and neither stream waits longer for the other: what is lost
to a power cut, a kill or a full disk is less than a second. Used by one thread.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import av
import numpy as np
from av.codec.context import Flags, ThreadType
from av.video.frame import PictureType

from livebend.audio.sound import stereo
from livebend.core.errors import Refused
from livebend.core.files import LONGEST_NAME, check_place, free_name
from livebend.flow import Pixels, Samples
from livebend.outputs.kept_file import KeptFile

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
SOUND_BITS = 256_000  # per second
TICKS = 90_000  # per second: the usual time base of video
FRAGMENT = 0.5  # s
BUFFER = 1 << 22  # bytes: a fragment is written at once, so that no kill cuts it in two
KEY = 2.0  # s between pictures that a player can jump to
_ALWAYS = {"flush_packets": "1", "max_interleave_delta": f"{FRAGMENT * 1e6:.0f}"}
_FRAGMENTS = {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": f"{FRAGMENT * 1e6:.0f}"}
_CLUSTERS = {"cluster_time_limit": "100"}  # ms: a late picture waits for the next cluster
_NOTHING_HELD_BACK = {  # by the encoder, which would look at the time of the next picture, too
    "preset": "veryfast",
    "bf": "0",
    "rc-lookahead": "0",
    "x264-params": "force-cfr=1",
}
# With AVX-512 x264 165 weighs macroblocks by memory that nobody has written, at widths that are no
# multiple of 128: the same pictures give other bytes each time.
_REPEATABLE = "asm=AVX2"
_OPTIONS = {"mp4": _FRAGMENTS, "mov": _FRAGMENTS, "matroska": _CLUSTERS}
_BT709 = 1  # of the standard's code points: primaries, transfer and matrix
_LIMITED = 1


class MovieFile:
    """Pictures and stereo sound going into `path`.

    size: (width, height) in pixels; odd ones are rounded up, pictures of another size are scaled.
    fps: the usual rate; pictures may come at any rising times.
    sample_rate: of the sound, in Hz; None for no sound.
    live: less work per picture, for a larger file; and no film is ever written over: where the name
        is in use, also by a film that was cut off, `path` is NAME-2, NAME-3 …
    note: goes into the file's comment.
    threads: of the encoder; with a number equal pictures make equal bytes, on every machine of a
        kind. None = as many as there are cores.
    Raises, as every method does: Refused, for an unknown kind of file or one that cannot be
    written.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        fps: float,
        sample_rate: int | None = None,
        *,
        live: bool = False,
        note: str = "",
        threads: int | None = None,
    ) -> None:
        self.path = Path(path)
        self._threads = threads
        self._live, self._heard, self._keyed = live, 0, -KEY
        self._whole = 0  # bytes that play
        self._sound: Any = None
        self._container: Any = None
        self._file: KeptFile | None = None
        kind = check_movie(self.path)
        with self._writing():
            self._file = self.file = self._opened()
        try:
            self._start(kind, size, fps, sample_rate, note)
        except Refused:
            self._close()
            self.file.path.unlink()
            raise

    def _start(
        self, kind: str, size: tuple[int, int], fps: float, sample_rate: int | None, note: str
    ) -> None:
        with self._writing():
            options = {**_ALWAYS, **self._options(kind)}
            self._container = av.open(self.file, "w", format=kind, options=options)
            self._describe(note)
            self._picture = self._add_picture(size, fps, self._live)
            if sample_rate is not None:
                self._add_sound(sample_rate)
            self._container.start_encoding()

    def picture(self, pixels: Pixels, start: float, duration: float) -> None:
        """Add a picture uint8 [H, W, 3] that shows from `start` seconds for `duration` seconds."""
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
            width=self._picture.width,
            height=self._picture.height,
            format="yuv420p",
            interpolation="LANCZOS",
            dst_colorspace="ITU709",
            dst_color_range="MPEG",
        )
        frame.pts, frame.time_base = round(start * TICKS), Fraction(1, TICKS)
        frame.duration = round((start + duration) * TICKS) - frame.pts
        if start - self._keyed >= KEY:
            frame.pict_type, self._keyed = PictureType.I, start
        with self._writing():
            self._mux(self._picture.encode(frame))

    def sound(self, samples: Samples) -> None:
        """Add samples float32 [channels, n] or [n] after those added before; see `stereo`."""
        both = stereo(samples)
        if not both.shape[1]:
            return
        planes = np.ascontiguousarray(both, np.float32)
        block = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        block.sample_rate, block.pts = self._sample_rate, self._heard
        block.time_base = Fraction(1, self._sample_rate)
        self._heard += both.shape[1]
        with self._writing():
            self._encode_sound(block)

    def finish(self) -> None:
        """Write what is buffered and give the file its name; what is there gets it after a fault,
        too."""
        try:
            with self._writing():
                if self._sound is not None:
                    self._encode_sound(None)
                    self._mux(self._sound.encode(None))
                self._end_picture()
                self._container.close()
        except Refused:
            self.rescue()
            raise
        self._name()

    def rescue(self) -> None:
        """After a fault: add nothing more, and give what plays its name."""
        self._close(self._whole)
        self._name()

    def abort(self) -> None:
        """Close the file and remove it."""
        self._close()
        self.file.path.unlink(missing_ok=True)

    def _close(self, end: int | None = None) -> None:
        """Close the file as it is up to `end` bytes."""
        self.file.stop(end)
        if self._container is not None:
            with suppress(av.FFmpegError, OSError):  # nothing is written any more
                self._container.close()
        self.file.close()

    def _opened(self) -> KeptFile:
        """Open the file under its temporary name, and choose both."""
        if not self._live:
            return KeptFile(_partial(self.path), new=False)
        while True:
            self.path = free_name(self.path, _is_used)
            try:
                return KeptFile(_partial(self.path), new=True)
            except FileExistsError:  # another show was faster
                continue

    def _name(self) -> None:
        self.file.close()
        if self._live:
            self.path = free_name(self.path)
        with self._writing():
            os.replace(self.file.path, self.path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn a fault of the file or of av into Refused with its reason."""
        try:
            yield
        except (OSError, av.FFmpegError, ValueError) as refusal:
            fault = (self._file and self._file.fault) or refusal
            reason = getattr(fault, "strerror", None) or fault
            raise Refused(f"{self.path}: cannot be written: {reason}") from refusal

    def _options(self, kind: str) -> Mapping[str, str]:
        """The muxer's options for a kind of file."""
        return _OPTIONS[kind]

    def _describe(self, note: str) -> None:
        """Write what the film is called, before anything else."""
        if note:
            self._container.metadata["comment"] = note

    def _add_picture(self, size: tuple[int, int], fps: float, live: bool) -> Any:
        options = {"crf": "18", "preset": "medium", "g": str(max(1, round(KEY * fps)))}
        options["forced-idr"] = "1"
        if live:
            options |= _NOTHING_HELD_BACK
        if self._threads is not None and _has_avx512():
            options["x264-params"] = _REPEATABLE
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = (side + side % 2 for side in size)
        stream.pix_fmt = "yuv420p"
        coder = stream.codec_context
        coder.flags |= Flags.frame_duration
        if self._threads is not None:
            coder.thread_count = self._threads
        if live:
            coder.thread_type = ThreadType.SLICE  # threads of whole pictures would hold some back
        coder.time_base = Fraction(1, TICKS)
        coder.colorspace = coder.color_primaries = coder.color_trc = _BT709
        coder.color_range = _LIMITED
        return stream

    def _add_sound(self, sample_rate: int) -> None:
        rate = min(RATES, key=lambda known: abs(known - sample_rate))
        self._sound = self._container.add_stream("aac", rate=rate, layout="stereo")
        self._sound.bit_rate = SOUND_BITS
        self._sample_rate = sample_rate
        self._resampler = av.AudioResampler("fltp", "stereo", rate, frame_size=1024)

    def _end_picture(self) -> None:
        self._mux(self._picture.encode(None))

    def _encode_sound(self, block: Any) -> None:
        for piece in self._resampler.resample(block):
            self._mux(self._sound.encode(piece))

    def _mux(self, packets: Any) -> None:
        self._container.mux(packets)
        self._whole = self.file.end  # every packet is flushed: no half a fragment lies here


def _partial(path: Path) -> Path:
    """Return the name of the file while it is written: never longer than the system allows."""
    ending = ".part"
    if len(os.fsencode(path.name)) + len(ending) <= LONGEST_NAME:
        return path.with_name(path.name + ending)
    return path.with_name(f"{crc32(os.fsencode(path.name)):08x}{ending}")


def _is_used(path: Path) -> bool:
    return path.exists() or _partial(path).exists()


@cache
def _has_avx512() -> bool:
    config: Any = np.show_config(mode="dicts")
    found = config.get("SIMD Extensions", {}).get("found", ())
    return any(name == "X86_V4" or name.startswith("AVX512") for name in found)


def check_movie(path: Path, option: str = "") -> str:
    """Return the kind of file that a film's name means.

    Raises: Refused where that is none, or no file can be written there.
    """
    kind = _kind_of(path)
    check_place(path, option)
    return kind


def _kind_of(path: Path) -> str:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        got = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise Refused(f"{path}: {got}; expected one of {', '.join(FORMATS)}")
    return kind
