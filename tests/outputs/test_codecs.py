"""Every kind of recording: what is in it, its colours, its end, and what is refused."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from livebend.core.errors import NoEncoder, Refused, UnknownName
from livebend.outputs import encoders
from livebend.outputs.codecs import CODECS, DEFAULT, codec_of, fitted
from livebend.outputs.movie import check_movie, open_movie
from livebend.outputs.png_pictures import PngPictures

RATE, FPS, SIZE = 48_000, 20.0, (384, 64)
COLOURS = np.array(
    [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0),
     (0, 0, 255), (0, 0, 0), (128, 128, 128), (220, 40, 40), (13, 77, 201), (66, 190, 33)],
    np.uint8,
)  # fmt: skip
BARS = np.broadcast_to(np.repeat(COLOURS, 32, axis=0), (64, 384, 3)).copy()
MIDDLES = 16 + 32 * np.arange(12)
SOFTWARE = [name for name, codec in CODECS.items() if not codec.needs]
HARDWARE = [name for name in CODECS if name not in SOFTWARE]
EXACT = {"h264": 3, "hevc": 3, "hevc10": 2}  # of 255; the others 2 or better
NAMES = {"libx264": "h264", "libx265": "hevc", "prores_ks": "prores"}
DEEPER = {"yuv444p10le": "yuv444p12le"}  # as ProRes 4444 is decoded


def tone(seconds: float) -> np.ndarray:
    return (0.5 * np.sin(np.arange(round(seconds * RATE)) * 0.05)).astype(np.float32)


def written(folder: Path, name: str, starts: list[float], *, live: bool, end: bool = True):
    """A recording of bars; one without an end is left as it lies there."""
    movie = open_movie(fitted(folder / "film.mp4", name), SIZE, FPS, RATE, codec=name, live=live)
    for start, until in pairwise(starts):
        movie.picture(BARS, start, until - start)
        movie.sound(tone(until - start))
    if end:
        movie.finish()
    return movie


def rgb(frame: av.VideoFrame) -> np.ndarray:
    """A row of a picture as BT.709 in the limited range has it; FFmpeg's own way back is coarse."""
    if frame.format.name in ("bgr0", "rgb24"):
        return frame.to_ndarray(format="rgb24")[32].astype(float)
    bits = frame.format.components[0].bits
    planes = []
    for plane in frame.planes:
        deep = np.frombuffer(plane, np.uint16 if bits > 8 else np.uint8)
        row = deep.reshape(plane.height, -1)[plane.height // 2, : plane.width] / 2 ** (bits - 8)
        planes.append(row.repeat(frame.width // plane.width))
    y, cb, cr = (planes[0] - 16) / 219, (planes[1] - 128) / 224, (planes[2] - 128) / 224
    red, blue = y + 1.5748 * cr, y + 1.8556 * cb
    return 255 * np.stack([red, (y - 0.2126 * red - 0.0722 * blue) / 0.7152, blue], axis=1)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("name", SOFTWARE)
def test_every_kind_is_what_it_says_and_has_its_colours(tmp_path, name, live):
    starts = [n / FPS for n in range(21)]
    path, codec = written(tmp_path, name, starts, live=live).path, CODECS[name]
    with av.open(str(path / "frame_000007.png" if path.is_dir() else path)) as film:
        stream = film.streams.video[0]
        context = stream.codec_context
        frames = list(film.decode(video=0))
        shown = frames[-1]
        assert (context.width, context.height) == SIZE
        assert context.codec.name.startswith(NAMES.get(codec.encoder, codec.encoder))
        assert shown.format.name == DEEPER.get(codec.pixels, codec.pixels)
        error = np.abs(rgb(shown)[MIDDLES] - COLOURS).max()
        assert error <= EXACT.get(name, 2), error
        if path.is_dir():
            return
        assert len(frames) == 20
        assert (shown.color_primaries, shown.color_trc) == (1, 1)
        assert (shown.colorspace, shown.color_range) == ((0, 2) if codec.is_rgb else (1, 1))
        assert codec.intra <= all(frame.key_frame for frame in frames)
        assert frames[-1].time == pytest.approx(0.95, abs=2e-3)
        assert float(film.duration / av.time_base) == pytest.approx(1.0, abs=0.06)
        assert film.streams.audio[0].codec_context.name.startswith(codec.sound)


@pytest.mark.parametrize("name", SOFTWARE)
def test_a_crash_leaves_all_but_half_a_second_of_every_kind(tmp_path, name):
    starts = [0.0, 0.05, 0.11, 0.4, 0.45, 0.9, 1.3, *(1.3 + n / 20 for n in range(1, 40))]
    movie = written(tmp_path, name, starts, live=True, end=False)
    if movie.place.is_dir():
        last = (len(list(movie.place.glob("*.png"))) - 1) / FPS
        sound = movie.place / "sound.wav"
    else:
        sound = movie.place
        with av.open(str(movie.place)) as film:
            last = max(frame.time for frame in film.decode(video=0))
    with av.open(str(sound)) as film:
        heard = sum(frame.samples for frame in film.decode(audio=0)) / RATE
    assert min(last, heard) >= starts[-1] - 0.6
    movie.abort()
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_whole_numbered_at_a_steady_rate_and_never_mixed(tmp_path):
    first = written(tmp_path, "png", [0.0, 0.05, 0.24, 0.26, 0.3, 0.301, 0.5], live=True)
    names = sorted(file.name for file in first.path.iterdir())
    assert names == [*(f"frame_{n:06d}.png" for n in range(10)), "sound.wav"]
    with av.open(str(first.path / "sound.wav")) as track:
        assert float(track.duration / av.time_base) == pytest.approx(0.5, abs=0.01)
    kept = {file: file.stat().st_mtime_ns for file in first.path.iterdir()}
    second = written(tmp_path, "png", [0.0, 0.05], live=False)
    assert second.path.name == "film-2"
    assert kept == {file: file.stat().st_mtime_ns for file in first.path.iterdir()}
    (tmp_path / "empty").mkdir()
    assert PngPictures(tmp_path / "empty", SIZE, FPS, None, "png", live=True).path.name == "empty"


def test_a_full_disk_leaves_no_half_picture(tmp_path, monkeypatch):
    movie = open_movie(tmp_path / "film", SIZE, FPS, codec="png", live=True)
    movie.picture(BARS, 0.0, 0.05)

    def full(file: Path, data: bytes) -> int:
        with file.open("wb") as half:
            half.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Refused, match="film: cannot be written: No space left on device"):
        movie.picture(BARS, 0.05, 0.05)
    movie.rescue()
    assert [file.name for file in (tmp_path / "film").iterdir()] == ["frame_000000.png"]


@pytest.mark.parametrize(
    ("file", "name", "said"),
    [
        ("film.mp4", "prores422", "film.mp4: ends in '.mp4'; expected .mov for prores422"),
        ("film.mov", "ffv1", "film.mov: ends in '.mov'; expected .mkv for ffv1"),
        ("film.avi", "hevc", "expected one of .mp4, .mov, .mkv for hevc"),
        ("film", "h264", "film: has no ending; expected one of"),
        ("film.mp4", "png", "film.mp4: ends in '.mp4'; expected a folder for png"),
    ],
)
def test_a_name_that_cannot_hold_a_kind_is_refused(tmp_path, file, name, said):
    with pytest.raises(Refused) as refusal:
        check_movie(tmp_path / file, codec=name)
    assert said in str(refusal.value)
    check_movie(fitted(tmp_path / file, name), codec=name)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_name_has_the_nearest():
    with pytest.raises(UnknownName, match="unknown codec 'prores'; did you mean 'prores422'"):
        codec_of("prores")


def test_names_are_fitted_to_every_kind():
    for name, codec in CODECS.items():
        made = fitted(Path("a.b/show.v2.mov"), name)
        assert made.parent == Path("a.b")
        assert made.suffix in codec.endings or (not codec.endings and made.name == "show.v2")
        assert fitted(made, name) == made
    assert fitted(Path("frames.v2"), DEFAULT) == Path("frames.v2.mp4")


# ---- what is not here


@pytest.mark.parametrize("name", HARDWARE)
def test_hardware_that_is_not_here_says_what_it_needs(name, monkeypatch):
    """With an encoder that FFmpeg does not have, and one that does not begin."""
    monkeypatch.setattr(encoders.av, "codecs_available", {"h264_nvenc", "hevc_nvenc"})

    def nothing(encoder, mode):
        raise ValueError("no device")

    monkeypatch.setattr(encoders.av.CodecContext, "create", nothing, raising=False)
    with pytest.raises(NoEncoder) as why:
        encoders.check_encoder(name)
    assert str(why.value).startswith(f"{name}: ")
    assert CODECS[name].needs in str(why.value) or "this PyAV has no" in str(why.value)


def test_what_is_tried_is_what_the_system_may_have(monkeypatch):
    monkeypatch.setattr("livebend.outputs.codecs.sys.platform", "linux")
    found = encoders.tried()
    assert set(SOFTWARE) <= set(found) == {n for n in CODECS if "videotoolbox" not in n}
    assert [name for name in SOFTWARE if found[name]] == []
