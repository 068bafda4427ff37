"""Recordings decode back to what went in, and leave nothing half-written."""

import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import pytest

from livebend.audio.sound import MemoryTape
from livebend.core.errors import LivebendError, Refused
from livebend.flow import Frame, Pixels
from livebend.outputs import live_recording
from livebend.outputs.live_recording import LiveRecording
from livebend.outputs.movie_file import MovieFile
from livebend.outputs.png_frames import PngFrames
from livebend.outputs.recording import Recording

RATE = 48_000
COLOURS = np.array([(220, 40, 40), (40, 200, 60), (50, 60, 210), (230, 220, 60)], np.uint8)


def frame_of(index: int, fps: float = 20.0, size: tuple[int, int] = (64, 48)) -> Frame:
    width, height = size
    pixels = np.broadcast_to(COLOURS[index // 5 % 4], (height, width, 3)).copy()
    pixels.setflags(write=False)
    return Frame(pixels, index, (index + 1) / fps, (index + 1) / fps, index / fps)


def tone(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def tape_of(sound: np.ndarray, rate: int = RATE) -> MemoryTape:
    tape = MemoryTape(np.atleast_2d(sound))
    tape.sample_rate = rate
    return tape


def pictures(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as film:
        return [
            (float(f.pts * f.time_base), f.to_ndarray(format="rgb24")) for f in film.decode(video=0)
        ]


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as film:
        return np.concatenate([f.to_ndarray()[0] for f in film.decode(audio=0)])


def duration(path: Path, kind: str) -> float:
    with av.open(str(path)) as film:
        stream = next(s for s in film.streams if s.type == kind)
        return float(stream.duration * stream.time_base)


def record(recording: Recording, frames: Iterable[Frame]) -> None:
    for frame in frames:
        recording.write(frame)
    recording.close()


def test_recording_is_exact(tmp_path: Path) -> None:
    path, sound = tmp_path / "out.mp4", tone(2.03)
    record(Recording(path, (64, 48), 20, tape_of(sound)), map(frame_of, range(41)))
    seen = pictures(path)
    assert len(seen) == 41
    assert [start for start, _ in seen] == pytest.approx([i / 20 for i in range(41)], abs=1e-3)
    for index, (_, picture) in enumerate(seen):
        assert picture.shape == (48, 64, 3)
        assert np.abs(picture.astype(int) - COLOURS[index // 5 % 4]).max() <= 6
    assert duration(path, "video") == pytest.approx(2.05, abs=2e-3)
    assert duration(path, "audio") == pytest.approx(2.03, abs=1 / 20)
    assert list(tmp_path.iterdir()) == [path]


def test_sound_is_where_it_was(tmp_path: Path) -> None:
    path, sound = tmp_path / "out.mp4", np.zeros(2 * RATE, np.float32)
    sound[RATE : RATE + 4800] = tone(0.1)
    record(Recording(path, (64, 48), 20, tape_of(sound)), map(frame_of, range(40)))
    loud = np.flatnonzero(np.abs(heard(path)) > 0.2)
    assert loud[0] / RATE == pytest.approx(1.0, abs=0.03)


def test_long_sound_ends_with_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    record(Recording(path, (64, 48), 20, tape_of(tone(3.0))), map(frame_of, range(20)))
    assert duration(path, "audio") == pytest.approx(1.0, abs=0.051)


def test_other_rates_and_sizes_are_brought_to_what_fits(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    frames = (frame_of(index, size=(31, 33)) for index in range(25))
    record(Recording(path, (63, 47), 25, tape_of(tone(1.0), 44_000)), frames)
    assert pictures(path)[0][1].shape == (48, 64, 3)
    assert len(pictures(path)) == 25


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".MP4"])
def test_kinds_of_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    record(Recording(path, (64, 48), 20), map(frame_of, range(5)))
    assert len(pictures(path)) == 5


def test_an_aborted_recording_leaves_nothing(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "out.mp4", (64, 48), 20)
    recording.write(frame_of(0))
    recording.abort()
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    recording = Recording(path, (64, 48), 20)
    recording.write(frame_of(0))
    assert path.read_bytes() == b"old"
    recording.abort()
    recording.close()
    assert path.read_bytes() == b"old"


def test_a_crash_leaves_something_that_plays(tmp_path: Path) -> None:
    path, copy = tmp_path / "out.mp4", tmp_path / "crash.mp4"
    recording = Recording(path, (64, 48), 20, tape_of(tone(20)))
    for index in range(240):
        recording.write(frame_of(index))
    shutil.copy(path.with_name("out.mp4.part"), copy)  # what a power cut would leave
    recording.abort()
    assert len(pictures(copy)) >= 80
    assert len(heard(copy)) >= 3 * RATE


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("out.avi", "ends in '.avi'; expected one of .mp4, .mov, .mkv"),
        ("out", "has no ending; expected"),
        ("missing/out.mp4", "does not exist"),
        ("taken.mp4", "is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "taken.mp4").mkdir()
    with pytest.raises(Refused, match=said) as refusal:
        Recording(tmp_path / name, (64, 48), 20)
    assert "\n" not in str(refusal.value)


def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.mp4.part").mkdir()  # root may write anywhere, but not over a folder
    with pytest.raises(Refused, match="cannot be written"):
        Recording(tmp_path / "out.mp4", (64, 48), 20)


def test_a_song_stays_in_stereo_at_its_own_rate(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    both = np.stack((tone(2.0), 0.25 * tone(2.0)[::-1]))
    record(Recording(path, (64, 48), 20, tape_of(both)), map(frame_of, range(40)))
    with av.open(str(path)) as film:
        stream = film.streams.audio[0]
        assert (stream.rate, stream.layout.name) == (RATE, "stereo")
        assert stream.codec_context.name == "aac"
        left, right = np.concatenate([f.to_ndarray() for f in film.decode(audio=0)], axis=1)
    assert np.abs(left[RATE : RATE + 4800]).max() == pytest.approx(0.5, abs=0.02)
    assert np.abs(right[RATE : RATE + 4800]).max() == pytest.approx(0.125, abs=0.01)


@pytest.mark.parametrize("name", ["21:30.mp4", "concat:a|b.mov", "é" * 125 + "1.mkv", "%d.mp4"])
def test_any_legal_name_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    record(Recording(name, (64, 48), 20, tape_of(tone(0.3))), map(frame_of, range(5)))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(heard(Path("x").absolute().with_name(name).rename("x.bin"))) > 0


def test_a_name_that_is_not_utf8_can_be_written(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    record(Recording(tmp_path / name, (64, 48), 20), map(frame_of, range(5)))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_longer_than_the_system_allows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="a name of 256 bytes; expected at most 255"):
        record(Recording(tmp_path / ("x" * 252 + ".mp4"), (64, 48), 20), map(frame_of, range(5)))
    assert list(tmp_path.iterdir()) == []


# ---- live


def test_live_recording_keeps_the_times_of_frames_and_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_recording, "WAITING", 100)
    path, sound = tmp_path / "out.mp4", np.zeros(2 * RATE, np.float32)
    sound[RATE : RATE + 4800] = tone(0.1)
    recording = LiveRecording(path, (64, 48), 20, RATE)
    starts = [0.0, 0.05, 0.11, 0.4, 0.45, 1.3, 1.9]
    for index, block in enumerate(np.array_split(sound, 200)):
        recording.hear(block, 3.0 + (index + 1) * 480 / RATE)
    for index, start in enumerate(starts):
        pixels = frame_of(index).pixels
        recording.write(Frame(pixels, index, 3.05 + start, 3.05 + start, start))
    recording.close()
    assert [start for start, _ in pictures(path)] == pytest.approx(starts, abs=2e-3)
    loud = np.flatnonzero(np.abs(heard(path)) > 0.2)
    assert loud[0] / RATE == pytest.approx(1.0, abs=0.03)
    assert recording.dropped == recording.lost == 0
    assert list(tmp_path.iterdir()) == [path]


def test_lost_sound_becomes_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_recording, "WAITING", 100)
    path = tmp_path / "out.mp4"
    recording = LiveRecording(path, (64, 48), 20, RATE)
    for index in range(40):
        recording.write(frame_of(index))
    recording.hear(tone(0.5), 0.5)
    recording.hear(tone(0.5), 2.0)  # a second is missing
    recording.close()
    level = np.abs(heard(path))
    assert level[round(0.1 * RATE) : round(0.4 * RATE)].max() > 0.4
    assert level[round(0.6 * RATE) : round(1.4 * RATE)].max() < 0.05
    assert level[round(1.6 * RATE) : round(1.9 * RATE)].max() > 0.4


def test_a_busy_encoder_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, reached = threading.Event(), threading.Event()
    encode = MovieFile.picture

    def slow(movie: MovieFile, pixels: Pixels, start: float, duration: float) -> None:
        reached.set()
        busy.wait(10)
        encode(movie, pixels, start, duration)

    monkeypatch.setattr(MovieFile, "picture", slow)
    monkeypatch.setattr(live_recording, "WAITING", 3)
    recording = LiveRecording(tmp_path / "out.mp4", (64, 48), 20)
    recording.write(frame_of(0))  # is encoded when the next says how long it showed
    recording.write(frame_of(1))
    assert reached.wait(10)
    for index in range(2, 12):
        recording.write(frame_of(index))
    assert recording.dropped == 7
    busy.set()
    recording.close()
    assert len(pictures(tmp_path / "out.mp4")) == 5


def test_a_failing_encoder_is_reported_and_the_show_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[BaseException] = []
    encoders: list[threading.Thread] = []
    failed = threading.Event()

    def fail(failure: BaseException) -> None:
        failures.append(failure)
        encoders.append(threading.current_thread())
        failed.set()

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(MovieFile, "picture", full)
    recording = LiveRecording(tmp_path / "out.mp4", (64, 48), 20, on_failure=fail)
    for index in range(2):
        recording.write(frame_of(index))
    assert failed.wait(10)
    encoders[0].join()
    recording.write(frame_of(2))
    assert (recording.dropped, len(failures)) == (1, 1)
    with pytest.raises(LivebendError, match="recording stopped: no space left"):
        recording.close()


def test_live_abort_leaves_nothing(tmp_path: Path) -> None:
    recording = LiveRecording(tmp_path / "out.mp4", (64, 48), 20, RATE)
    recording.write(frame_of(0))
    recording.abort()
    recording.write(frame_of(1))
    assert recording.dropped == 1
    assert list(tmp_path.iterdir()) == []


# ---- pictures


def test_images(tmp_path: Path) -> None:
    images = PngFrames(tmp_path / "frames")
    for index in range(0, 10, 5):
        images.write(frame_of(index))
    images.close()
    names = sorted(p.name for p in (tmp_path / "frames").iterdir())
    assert names == ["frame_000000.png", "frame_000001.png"]
    picture = pictures(tmp_path / "frames" / names[1])[0][1]
    assert (picture == frame_of(5).pixels).all()
    with pytest.raises(Refused, match="holds frames already"):
        PngFrames(tmp_path / "frames")
    images.abort()
    assert not list((tmp_path / "frames").iterdir())


def test_images_into_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be written"):
        PngFrames(tmp_path / "file")
