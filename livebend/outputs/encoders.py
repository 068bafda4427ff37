"""Pictures into packets: FFmpeg's encoder for each kind of recording, with its colours right."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import av
import av.logging
import numpy as np
from av.codec.context import Flags, ThreadType
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from livebend.core.errors import NoEncoder, one_line
from livebend.flow import Pixels
from livebend.outputs.codecs import CODECS, Codec, Options, codec_of

TICKS = 90_000  # per second: the usual time base of video
KEY = 2.0  # s between pictures that a player can jump to
TRIED = (256, 256)  # pixels: hardware takes no smaller picture
_BT709 = 1  # of the standard's code points: primaries, transfer and matrix
_RGB = 0  # instead of a matrix
_LIMITED, _FULL = 1, 2
_TAGGED = ("mp4", "mov")  # what has tags of its own for a kind


class Encoder:
    """The pictures of a film.

    coder: FFmpeg's, of a stream or by itself; it is opened here.
    size: (width, height) in pixels; odd ones are rounded up where pixels share their colour, and
        pictures of another size are scaled.
    fps: the usual rate; pictures may come at any rising times.
    live: less work per picture, for a larger file, and nothing held back.
    threads: with a number, equal pictures make equal bytes on every machine of a kind, where no
        hardware encodes; None = as many as there are cores.
    Raises: NoEncoder, as `encode` does.
    """

    def __init__(
        self,
        codec: str,
        coder: Any,
        size: tuple[int, int],
        fps: float,
        *,
        live: bool,
        threads: int | None = None,
    ) -> None:
        context = self._context = getattr(coder, "codec_context", coder)
        self._name, self._codec, self._coder = codec, CODECS[codec], coder
        self._reformatter, self._keyed, self._failed = VideoReformatter(), -KEY, False
        kind = self._codec
        context.width, context.height = (_fitting(side, kind) for side in size)
        context.pix_fmt = kind.pixels
        context.framerate = Fraction(fps).limit_denominator(1001)
        context.time_base = Fraction(1, TICKS)
        context.flags |= Flags.frame_duration
        context.gop_size = 1 if kind.intra else max(1, round(KEY * fps))
        if kind.bits:
            context.bit_rate = round(kind.bits * context.width * context.height * fps)
        if live:
            context.thread_type = ThreadType.SLICE  # those of whole pictures would hold some back
        context.options = {**kind.options, **(kind.live if live else {})}
        if threads is not None:
            context.thread_count = threads
            context.options = {**context.options, **_repeatable(kind, threads)}
        context.color_primaries = context.color_trc = _BT709
        context.colorspace = _RGB if kind.is_rgb else _BT709
        context.color_range = _FULL if kind.is_rgb else _LIMITED
        try:
            context.open()
        except (av.FFmpegError, OSError, ValueError) as why:
            raise NoEncoder(f"{codec}: {_why(kind, why)}") from why

    def encode(self, pixels: Pixels, start: float, duration: float) -> Any:
        """Encode a picture uint8 [H, W, 3] that shows from `start` seconds for `duration` seconds;
        return the packets that are ready."""
        frame = self._converted(pixels)
        frame.pts, frame.time_base = round(start * TICKS), Fraction(1, TICKS)
        frame.duration = round((start + duration) * TICKS) - frame.pts
        if start - self._keyed >= KEY:
            frame.pict_type, self._keyed = PictureType.I, start
        return self._encoded(frame)

    def rest(self) -> Any:
        """Return the packets that were held back; none of an encoder that has given up."""
        return () if self._failed else self._encoded(None)

    def _encoded(self, frame: av.VideoFrame | None) -> Any:
        try:
            return self._coder.encode(frame)
        except (av.FFmpegError, OSError, ValueError) as why:
            self._failed = True
            raise NoEncoder(f"{self._name} gives up: {one_line(why)}") from why

    def _converted(self, pixels: Pixels) -> Any:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        colours: dict[str, Any] = {}
        if not self._codec.is_rgb:
            colours = {"dst_colorspace": "ITU709", "dst_color_range": "MPEG"}
        made = self._reformatter.reformat(
            frame, self._context.width, self._context.height, self._codec.pixels,
            interpolation="LANCZOS",
            dst_color_primaries=_BT709, dst_color_trc=_BT709, **colours,
        )  # fmt: skip
        made.color_range = _FULL if self._codec.is_rgb else _LIMITED
        return made


def stream_encoder(
    container: Any,
    codec: str,
    size: tuple[int, int],
    fps: float,
    *,
    live: bool,
    threads: int | None = None,
) -> Encoder:
    """Return the encoder of a new stream in an open file. Raises: NoEncoder."""
    kind = codec_of(codec)
    try:
        stream = container.add_stream(kind.encoder, rate=Fraction(fps).limit_denominator(1001))
    except (av.FFmpegError, ValueError) as why:
        raise NoEncoder(f"{codec}: {_why(kind, why)}") from why
    if kind.tag and container.format.name in _TAGGED:
        stream.codec_context.codec_tag = kind.tag
    return Encoder(codec, stream, size, fps, live=live, threads=threads)


def own_encoder(
    codec: str, size: tuple[int, int], fps: float, *, live: bool, threads: int | None = None
) -> Encoder:
    """Return an encoder without a file. Raises: NoEncoder."""
    kind = codec_of(codec)
    try:
        context = av.CodecContext.create(kind.encoder, "w")
    except (av.FFmpegError, ValueError) as why:
        raise NoEncoder(f"{codec}: {_why(kind, why)}") from why
    return Encoder(codec, context, size, fps, live=live, threads=threads)


def check_encoder(codec: str, size: tuple[int, int] = TRIED) -> None:
    """Encode one picture and forget it. Raises: NoEncoder, with what is missing; UnknownName."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)  # what is missing is only said there
    try:
        with av.logging.Capture(local=True):
            encoder = own_encoder(codec, size, 60.0, live=True)
            encoder.encode(np.zeros((size[1], size[0], 3), np.uint8), 0.0, 1.0 / 60.0)
            encoder.rest()
    finally:
        av.logging.set_level(before)


def tried(codecs: Mapping[str, Codec] = CODECS) -> dict[str, str]:
    """Try every kind that this system may have; return why each does not work, "" where it does."""
    return {name: _fault(name) for name, kind in codecs.items() if kind.fits}


def _fault(codec: str) -> str:
    try:
        check_encoder(codec)
    except NoEncoder as why:
        return str(why)
    return ""


def _why(kind: Codec, fault: Exception) -> str:
    if kind.encoder not in av.codecs_available:
        return f"this PyAV has no {kind.encoder}"
    _, _, logged = getattr(fault, "log", None) or (0, "", "")
    said = logged.strip() or getattr(fault, "strerror", None) or one_line(fault)
    return f"needs {kind.needs}: {said}" if kind.needs else f"{kind.encoder} does not begin: {said}"


def _repeatable(kind: Codec, threads: int) -> Options:
    """The options with which an encoder gives the same bytes each time.

    By memory that nobody has written x264 165 weighs macroblocks with AVX-512, at widths that are
    no multiple of 128, and x265 units of its tree.
    """
    if kind.encoder == "libx264" and _has_avx512():
        return {"x264-params": "asm=AVX2"}
    if kind.encoder == "libx265":
        own = kind.options["x265-params"]
        return {"x265-params": f"{own}:no-cutree=1:pools={threads}:frame-threads=1"}
    return {}


@cache
def _has_avx512() -> bool:
    config: Any = np.show_config(mode="dicts")
    found = config.get("SIMD Extensions", {}).get("found", ())
    return any(name == "X86_V4" or name.startswith("AVX512") for name in found)


def _fitting(side: int, kind: Codec) -> int:
    return side + side % 2 if kind.pixels not in ("bgr0", "rgb24") else side
