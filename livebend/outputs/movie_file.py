"""A film being written: pictures of any of CODECS and sound in one file, each at its own time.

The file is written in fragments under a temporary name, so that a crash leaves a file that plays;
at the end it becomes an ordinary file and gets its real name. A fragment lasts half a second at
most, whatever the rate of the pictures, and neither stream waits longer for the other: what is lost
to a power cut, a kill or a full disk is less than a second. Used by one thread.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import av

from livebend.core.errors import Refused
from livebend.core.files import LONGEST_NAME, check_place, free_name
from livebend.flow import Pixels, Samples
from livebend.outputs.codecs import CODECS, DEFAULT, format_of
from livebend.outputs.encoders import stream_encoder
from livebend.outputs.kept_file import KeptFile
from livebend.outputs.sound_track import SoundStream

FRAGMENT = 0.5  # s
_ALWAYS = {"flush_packets": "1", "max_interleave_delta": f"{FRAGMENT * 1e6:.0f}"}
_FRAGMENTS = {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": f"{FRAGMENT * 1e6:.0f}"}
_CLUSTERS = {"cluster_time_limit": "100"}  # ms: a late picture waits for the next cluster
_OPTIONS = {"mp4": _FRAGMENTS, "mov": _FRAGMENTS, "matroska": _CLUSTERS}


class MovieFile:
    """Pictures and stereo sound going into `path`.

    size: (width, height) in pixels; odd ones are rounded up, pictures of another size are scaled.
    fps: the usual rate; pictures may come at any rising times.
    sample_rate: of the sound, in Hz; None for no sound.
    codec: of CODECS, one that goes into a file.
    live: less work per picture, for a larger file; and no film is ever written over: where the name
        is in use, also by a film that was cut off, `path` is NAME-2, NAME-3 …
    note: goes into the file's comment.
    threads: of the encoder, see `Encoder`.
    Raises, as every method does: Refused, for an unknown kind of file or one that cannot be
    written; NoEncoder, where the encoder is not there or gives up.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        fps: float,
        sample_rate: int | None = None,
        *,
        codec: str = DEFAULT,
        live: bool = False,
        note: str = "",
        threads: int | None = None,
    ) -> None:
        self.path = Path(path)
        self._codec, self._live, self._threads = codec, live, threads
        self._whole = 0  # bytes that play
        self._sound: SoundStream | None = None
        self._container: Any = None
        self._file: KeptFile | None = None
        kind = format_of(self.path, codec)
        check_place(self.path, "")
        with self._writing():
            self._file = self.file = self._opened()
        try:
            self._start(kind, size, fps, sample_rate, note)
        except BaseException:
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
            self._begin_pictures(size, fps)
            if sample_rate is not None:
                kind_of_sound = CODECS[self._codec].sound
                self._sound = SoundStream(self._container, kind_of_sound, sample_rate)
            self._container.start_encoding()

    def _options(self, kind: str) -> Mapping[str, str]:
        """The muxer's options for a kind of file."""
        return _OPTIONS[kind]

    def _describe(self, note: str) -> None:
        """Write what the film is called, before anything else."""
        if note:
            self._container.metadata["comment"] = note

    def _begin_pictures(self, size: tuple[int, int], fps: float) -> None:
        """Add the stream of pictures."""
        self._pictures = stream_encoder(
            self._container, self._codec, size, fps, live=self._live, threads=self._threads
        )

    def _end_pictures(self) -> None:
        """Write what the encoder holds back."""
        self._mux(self._pictures.rest())

    @property
    def place(self) -> Path:
        """Where the file is while it is written."""
        return self.file.path

    @property
    def end(self) -> int:
        """How many bytes are written."""
        return self.file.end

    def sync(self) -> None:
        """Have the disk hold what is written; any thread, and may wait for long."""
        self.file.sync()

    def picture(self, pixels: Pixels, start: float, duration: float) -> None:
        """Add a picture uint8 [H, W, 3] that shows from `start` seconds for `duration` seconds."""
        packets = self._pictures.encode(pixels, start, duration)
        with self._writing():
            self._mux(packets)

    def sound(self, samples: Samples) -> None:
        """Add samples float32 [channels, n] or [n] after those added before; see `stereo`."""
        if self._sound is not None:
            with self._writing():
                self._sound.add(samples)
                self._whole = self.file.end

    def finish(self) -> None:
        """Write what is buffered and give the file its name; what is there gets it after a fault,
        too."""
        try:
            with self._writing():
                if self._sound is not None:
                    self._sound.end()
                self._end_pictures()
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
