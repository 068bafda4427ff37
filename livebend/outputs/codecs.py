"""The kinds of recordings: how the pictures are encoded, into which files, and what that needs.

To add one, add a line to CODECS: the command line, `output.codec`, the doctor, the refusal of other
files and the table of the documentation follow. Nothing here loads FFmpeg: see `encoders`.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from livebend.core.errors import Refused, UnknownName
from livebend.core.files import check_place

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}  # FFmpeg's, by the end of a name
MOVIES = tuple(FORMATS)
DEFAULT = "h264"  # which runs everywhere, and takes over where another one fails

Options = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Codec:
    """A kind of recording.

    title: what it is called.
    about: what it is for.
    encoder: FFmpeg's name of what encodes it.
    pixels: FFmpeg's name of the format of its pixels.
    endings: of the files that hold it, the usual one first; none for a folder of pictures.
    options: of the encoder.
    live: options beside or instead of those during a show: nothing may be held back, since what
        the encoder has not given yet is lost to a crash.
    intra: whether every picture stands for itself.
    sound: FFmpeg's name of what encodes the sound.
    tag: that players look for in mp4 and mov; "" = the usual one.
    bits: a pixel, for an encoder that knows no quality but a rate; 0 = it knows quality.
    needs: hardware, and what drives it; "" = it runs on every processor.
    systems: where there is such hardware, as `sys.platform` has them; all if empty.
    """

    title: str
    about: str
    encoder: str
    pixels: str
    endings: tuple[str, ...]
    options: Options
    live: Options
    intra: bool = False
    sound: str = "aac"
    tag: str = ""
    bits: float = 0.0
    needs: str = ""
    systems: tuple[str, ...] = ()

    @property
    def is_rgb(self) -> bool:
        """Whether pixels stay red, green and blue instead of brightness and two colours."""
        return self.pixels.startswith(("rgb", "bgr", "gbr"))

    @property
    def fits(self) -> bool:
        """Whether this system has such encoders."""
        return not self.systems or sys.platform in self.systems

    @property
    def files(self) -> str:
        """What is written, in words."""
        return ", ".join(self.endings) if self.endings else "a folder"


def _fixed(quantiser: int) -> Options:
    """Of ProRes: as good as the usual search for each slice's quantiser, in a sixth of its time."""
    return {"global_quality": str(118 * quantiser)}


_X264 = {"crf": "18", "preset": "medium", "forced-idr": "1"}
_X264_LIVE = {"preset": "veryfast", "bf": "0", "rc-lookahead": "0", "x264-params": "force-cfr=1"}
_X265 = {"crf": "18", "preset": "medium", "forced-idr": "1", "x265-params": "log-level=error"}
_X265_LIVE = {"preset": "ultrafast", "tune": "zerolatency"}
_NVENC = {"preset": "p6", "rc": "vbr", "cq": "19", "b": "0", "forced-idr": "1"}
_NVENC_LIVE = {"preset": "p4", "bf": "0", "rc-lookahead": "0", "zerolatency": "1", "delay": "0"}
_APPLE = {"bf": "0"}
_APPLE_LIVE = {"realtime": "1"}
_NVIDIA = "an NVIDIA GPU that has NVENC, and its newest driver"
_MAC = "a Mac whose chip encodes it"
_PRORES = {"vendor": "apl0"}
_BITS = 0.15

CODECS: Mapping[str, Codec] = {  # by the name that a command line and `output.codec` have
    "h264": Codec("H.264", "plays everywhere", "libx264", "yuv420p", MOVIES, _X264, _X264_LIVE),
    "h264_nvenc": Codec(
        "H.264 by NVENC", "the same, encoded beside the processor", "h264_nvenc", "yuv420p",
        MOVIES, _NVENC, _NVENC_LIVE, needs=_NVIDIA, systems=("linux", "win32"),
    ),
    "h264_videotoolbox": Codec(
        "H.264 by VideoToolbox", "the same on a Mac", "h264_videotoolbox", "nv12",
        MOVIES, _APPLE, _APPLE_LIVE, bits=_BITS, needs=_MAC, systems=("darwin",),
    ),
    "hevc": Codec(
        "HEVC", "smaller files", "libx265", "yuv420p", MOVIES, _X265, _X265_LIVE, tag="hvc1",
    ),
    "hevc10": Codec(
        "HEVC, 10 bits", "smaller, without steps in a gradient", "libx265", "yuv420p10le",
        MOVIES, _X265, _X265_LIVE, tag="hvc1",
    ),
    "hevc_nvenc": Codec(
        "HEVC by NVENC", "smaller, encoded beside the processor", "hevc_nvenc", "yuv420p",
        MOVIES, _NVENC, _NVENC_LIVE, tag="hvc1", needs=_NVIDIA, systems=("linux", "win32"),
    ),
    "hevc10_nvenc": Codec(
        "HEVC by NVENC, 10 bits", "the same, without steps in a gradient", "hevc_nvenc", "p010le",
        MOVIES, _NVENC, _NVENC_LIVE, tag="hvc1", needs=_NVIDIA, systems=("linux", "win32"),
    ),
    "hevc_videotoolbox": Codec(
        "HEVC by VideoToolbox", "smaller, on a Mac", "hevc_videotoolbox", "nv12",
        MOVIES, _APPLE, _APPLE_LIVE, tag="hvc1", bits=_BITS, needs=_MAC, systems=("darwin",),
    ),
    "hevc10_videotoolbox": Codec(
        "HEVC by VideoToolbox, 10 bits", "the same, without steps in a gradient",
        "hevc_videotoolbox", "p010le",
        MOVIES, _APPLE, _APPLE_LIVE, tag="hvc1", bits=_BITS, needs=_MAC, systems=("darwin",),
    ),
    "prores422": Codec(
        "ProRes 422", "to cut, and for VJ software", "prores_ks", "yuv422p10le", (".mov",),
        {**_PRORES, "profile": "standard"}, _fixed(3), intra=True, sound="pcm_s24le",
    ),
    "prores4444": Codec(
        "ProRes 4444", "the same with every pixel's own colour", "prores_ks", "yuv444p10le",
        (".mov",), {**_PRORES, "profile": "4444"}, _fixed(2), intra=True, sound="pcm_s24le",
    ),
    "ffv1": Codec(
        "FFV1", "lossless, to keep", "ffv1", "bgr0", (".mkv",),
        {"level": "3", "slices": "4", "slicecrc": "1"}, {}, intra=True, sound="pcm_s24le",
    ),
    "png": Codec(
        "PNG", "lossless, numbered pictures and sound.wav", "png", "rgb24", (),
        {"compression_level": "3", "pred": "paeth"}, {"compression_level": "1"},
        intra=True, sound="pcm_s24le",
    ),
}  # fmt: skip


def codec_of(name: str) -> Codec:
    """Return a kind by its name. Raises: UnknownName."""
    if name not in CODECS:
        raise UnknownName("codec", name, CODECS)
    return CODECS[name]


def format_of(file: Path, codec: str) -> str:
    """Return FFmpeg's name of what a film is put into, "" for a folder of pictures.

    Raises: Refused for a name that cannot hold the kind; UnknownName.
    """
    kind, ending = codec_of(codec), file.suffix.lower()
    if ending in kind.endings:
        return FORMATS[ending]
    if not kind.endings and ending not in FORMATS:
        return ""
    got = f"ends in {file.suffix!r}" if file.suffix else "has no ending"
    expected = f"one of {kind.files}" if len(kind.endings) > 1 else kind.files
    raise Refused(f"{file}: {got}; expected {expected} for {codec}")


def check_movie(path: Path, option: str = "", codec: str = DEFAULT) -> None:
    """Raises: Refused where a name cannot hold a kind, or nothing can be written there."""
    if format_of(path, codec):
        check_place(path, option)
    else:
        check_place(path.with_name(f"{path.name}.part"), option)


def fitted(file: Path, codec: str) -> Path:
    """Return a name like a film's that can hold a kind: the same one, or with another ending.

    >>> fitted(Path("show.mp4"), "prores422").name, fitted(Path("show.mov"), "png").name
    ('show.mov', 'show')
    """
    endings, ending = codec_of(codec).endings, file.suffix.lower()
    if ending in endings or (not endings and ending not in FORMATS):
        return file
    stem = file.stem if ending in FORMATS else file.name
    return file.with_name(stem + next(iter(endings), ""))
