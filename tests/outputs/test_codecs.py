"""Every kind of recording: what is in it, its colours, its end, and what is refused."""

import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from livebend.cli import codec_listing
from livebend.cli.main import main
from livebend.core.errors import NoEncoder, Refused, UnknownName
from livebend.core.specs import specs_of
from livebend.outputs import encoders, movie_file
from livebend.outputs.codecs import CODECS, DEFAULT, check_movie, codec_of, fitted
from livebend.outputs.display import Display, View
from livebend.outputs.movie import check_recording, open_movie
from livebend.outputs.png_pictures import PngPictures
from tests import ROOT
from tests.fakes.films import Recorded, frame_of, pictures
from tests.fakes.osc import wait_for

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


# ---- during a show


@pytest.fixture
def nvenc(monkeypatch):
    """Return a function that says for how many pictures NVENC is here; libx264 plays its part."""
    left = [0]
    real = movie_file.stream_encoder

    def opened(container, codec, size, fps, **more):
        if codec != "h264_nvenc":
            return real(container, codec, size, fps, **more)
        if not left[0]:
            raise NoEncoder("h264_nvenc: needs an NVIDIA GPU")
        made = real(container, DEFAULT, size, fps, **more)
        encode = made.encode

        def encoded(pixels, start, duration):
            left[0] -= 1
            if left[0] < 0:
                made._failed = True
                raise NoEncoder("h264_nvenc gives up: the driver is gone")
            return encode(pixels, start, duration)

        made.encode = encoded
        return made

    monkeypatch.setattr(movie_file, "stream_encoder", opened)
    return lambda count: left.__setitem__(0, count)


@pytest.mark.parametrize("lasts", [0, 8])
def test_hardware_that_fails_is_said_and_the_processor_goes_on(tmp_path, nvenc, lasts):
    """Not there when the film begins, and gone in the middle of it."""
    nvenc(lasts)
    live = Recorded(tmp_path / "out.mp4", rate=RATE)
    live.display.set("codec", "h264_nvenc")
    live.feed(map(frame_of, range(20)), sound=True)
    live.recording.close()
    films = [tmp_path / "out.mp4", tmp_path / "out-2.mp4"][: 1 + bool(lasts)]
    assert live.recording.films == films
    counts = [len(pictures(film)) for film in films]
    assert sum(counts) == 20
    assert counts[0] == (lasts or 20)
    (said,) = [text for level, text in live.said if level == "warning" and "room" not in text]
    assert said.endswith(f"recording {tmp_path.name}/{films[-1].name} as h264 instead")
    assert said.startswith("h264_nvenc gives up" if lasts else "h264_nvenc: needs")
    assert (live.recording.faults, live.recording.dropped) == ([], 0)
    assert live.display.view.codec == DEFAULT
    assert live.display.view.record


def test_another_kind_chosen_during_a_film_is_that_of_the_next(tmp_path):
    live = Recorded(tmp_path / "out.mp4", rate=RATE)
    live.feed(map(frame_of, range(5)))
    wait_for(lambda: live.display.recording)
    live.display.set("codec", "prores422")
    live.feed(map(frame_of, range(5, 20)), sound=True)
    live.wait("codec = prores422: from the next film on")
    live.display.set("record", False)
    live.wait("recorded")
    live.display.set("record", True)
    live.feed(map(frame_of, range(20, 40)), sound=True)
    live.display.set("record", False)
    wait_for(lambda: len(live.recording.films) == 2)
    live.display.set("codec", "png")
    live.display.set("record", True)
    live.feed(map(frame_of, range(40, 60)), sound=True)
    live.recording.close()
    first, second, third = live.recording.films
    assert (first.name, second.name, third.name) == ("out.mp4", "out.mov", "out")
    assert [len(pictures(film)) for film in (first, second)] == [20, 20]
    assert len(list(third.glob("*.png"))) == 20
    assert sum("from the next film on" in text for _, text in live.said) == 1
    assert live.recording.faults == []


def test_a_film_has_the_size_that_was_asked_for(tmp_path):
    live = Recorded(tmp_path / "out.mkv", size=(96, 48))
    live.display.set("codec", "ffv1")
    live.feed(map(frame_of, range(3)))
    wait_for(live.recording._items.empty)
    live.recording.close()
    picture = pictures(tmp_path / "out.mkv")[0][1]
    assert picture.shape == (48, 96, 3)
    assert (picture[24, :14].max(), picture[24, 82:].max()) == (0, 0)  # bars beside all of it
    assert np.abs(picture[24, 48].astype(int) - frame_of(0).pixels[0, 0]).max() <= 1


@pytest.mark.parametrize(
    ("path", "name", "size", "said"),
    [
        ("film.mp4", "h264", (1921, 1080), "--record-size 1921x1080: expected even sides"),
        (None, "prorez422", None, "did you mean 'prores422'"),
        ("film.mp4", "png", None, "expected a folder for png"),
        (None, "h264_nvenc", None, "h264_nvenc: needs an NVIDIA GPU"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_the_show(
    tmp_path, monkeypatch, path, name, size, said
):
    def absent(codec, *_, **__):
        raise NoEncoder(f"{codec}: needs an NVIDIA GPU")

    monkeypatch.setattr(encoders, "own_encoder", absent)
    with pytest.raises(Refused, match=said):
        check_recording(path and tmp_path / path, "--record", name, size)


def test_the_switch_of_the_display_has_every_kind():
    assert specs_of(View)["codec"].choices == tuple(CODECS)
    with pytest.raises(UnknownName, match="did you mean 'prores422'"):
        Display().set("codec", "prores4")


def test_the_documentation_has_every_kind():
    text = (ROOT / "livebend/outputs/README.md").read_text("utf-8")
    assert f"<!-- codecs -->\n{codec_listing.codec_table()}\n<!-- /codecs -->" in text
    assert all(text.count(f"`{name}`") >= 2 for name in SOFTWARE)  # and what a picture costs


def test_what_a_picture_costs_can_be_listed(monkeypatch, capsys):
    monkeypatch.setattr(codec_listing, "SIZES", ((64, 64),))
    monkeypatch.setattr(codec_listing, "PICTURES", 2)
    assert main(["codecs", "--time", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(CODECS)
    assert all(row["64x64"].endswith("ms") for row in rows if row["name"] in SOFTWARE)
    assert main(["codecs", "--time", "--markdown"]) == 0
    assert "| `png` |" in capsys.readouterr().out
