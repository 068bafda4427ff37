"""Recordings decode back to what went in, and leave nothing half-written."""

import errno
import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from livebend.audio.sound import MemoryTape
from livebend.core.errors import Refused
from livebend.flow import Frame, Pixels
from livebend.outputs import film_take, live_recording
from livebend.outputs.kept_file import KeptFile
from livebend.outputs.movie_file import MovieFile
from livebend.outputs.png_pictures import PNG, check_pictures
from livebend.outputs.recording import Recording
from tests.fakes.films import COLOURS, RATE, Recorded, frame_of, pictures
from tests.fakes.osc import wait_for
from tests.fakes.times import ManualTime


def tone(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def tape_of(sound: np.ndarray, rate: int = RATE) -> MemoryTape:
    tape = MemoryTape(np.atleast_2d(sound))
    tape.sample_rate = rate
    return tape


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


def shown_at(starts: list[float], begin: float = 3.0) -> list[Frame]:
    """Frames as the live clock dates them: each shows from the tick before its own."""
    return [
        Frame(frame_of(5 * i).pixels, i, begin + end, begin + start, start)
        for i, (start, end) in enumerate(pairwise(starts))
    ]


def test_live_recording_keeps_the_times_of_frames_and_sound(tmp_path: Path) -> None:
    path, sound = tmp_path / "out.mp4", np.zeros(2 * RATE, np.float32)
    sound[RATE : RATE + 4800] = tone(0.1)
    live = Recorded(path, rate=RATE)
    starts, heard_to = [0.0, 0.05, 0.11, 0.4, 0.45, 1.3, 1.9, 2.0], 0
    for frame in shown_at(starts):
        while heard_to / RATE < frame.time - 3.0:
            heard_to += 480
            live.recording.hear(sound[heard_to - 480 : heard_to], 3.0 + heard_to / RATE)
        live.feed([frame])
    live.recording.close()
    seen = [start for start, _ in pictures(path)]
    assert set(np.round(starts[:-1], 2)) <= set(np.round(seen, 2))
    assert len(seen) == 9  # those of 0.85 and 0.6 s are shown in two pieces
    assert duration(path, "video") == pytest.approx(2.0, abs=2e-3)
    loud = np.flatnonzero(np.abs(heard(path)) > 0.2)
    assert loud[0] / RATE == pytest.approx(1.0, abs=0.03)
    assert live.recording.dropped == live.recording.lost == 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("rate", [0.5, 4, 15, 60])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_film_without_an_end_lacks_less_than_a_second_at_any_rate(
    tmp_path: Path, rate: float, suffix: str
) -> None:
    live = Recorded(tmp_path / f"out{suffix}", 60, RATE)
    starts = [0.0, *(1 / 60 + index / rate for index in range(round(4 * rate) + 1))]
    live.feed(shown_at(starts), sound=True)
    for index in range(1, 21):
        live.recording.hear(np.zeros(480, np.float32), 3.0 + starts[-1] + index / 100)
    copy = live.killed(starts[-1])
    live.recording.close()
    film = tmp_path / f"out{suffix}"
    assert pictures(copy)[-1][0] >= 3.0
    assert len(heard(copy)) >= 3.0 * RATE
    assert pictures(film)[-1][0] >= 3.5 - 1e-3
    assert suffix == ".mkv" or duration(film, "video") == pytest.approx(starts[-1], abs=2e-3)
    assert len(heard(film)) == pytest.approx((starts[-1] + 0.2) * RATE, abs=0.05 * RATE)


def test_lost_sound_becomes_silence(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    live = Recorded(path, rate=RATE)
    live.feed(map(frame_of, range(40)))
    live.recording.hear(tone(0.5), 0.5)
    live.recording.hear(tone(0.5), 2.0)  # a second is missing
    live.recording.close()
    level = np.abs(heard(path))
    assert level[round(0.1 * RATE) : round(0.4 * RATE)].max() > 0.4
    assert level[round(0.6 * RATE) : round(1.4 * RATE)].max() < 0.05
    assert level[round(1.6 * RATE) : round(1.9 * RATE)].max() > 0.4


def test_a_slow_show_is_as_long_as_it_was_and_a_hang_keeps_the_sound(tmp_path: Path) -> None:
    """A picture in 2 s, then none for 7 s while the sound goes on."""
    path, starts = tmp_path / "out.mp4", [0.0, 1 / 60, 2.0, 4.0, 6.0, 13.0, 13.1]
    live, heard_to = Recorded(path, 60, RATE), 0.0
    for frame in shown_at(starts):
        painted = frame.time + (2.0 if frame.time < 9.0 else 7.0)
        while heard_to < painted - 3.0:
            heard_to += 0.05
            live.recording.hear(np.full(2400, 0.3, np.float32), 3.0 + heard_to)
        live.feed([frame])
    copy = live.killed(13.1)
    live.recording.close()
    assert duration(path, "video") == pytest.approx(20.1, abs=2e-3)  # as long as its sound
    assert {round(start, 2) for start in starts[:-1]} <= {
        round(start, 2) for start, _ in pictures(path)
    }
    assert pictures(copy)[-1][0] >= 12.0
    assert len(heard(copy)) >= 12.0 * RATE


def test_a_film_is_as_long_as_its_sound_where_no_picture_comes_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    live = Recorded(path, rate=RATE)
    live.feed(shown_at([n / 20 for n in range(21)]), sound=True)
    for index in range(1, 301):
        live.recording.hear(np.zeros(480, np.float32), 4.0 + index / 100)
    live.recording.close()
    assert duration(path, "video") == pytest.approx(4.0, abs=0.01)
    assert len(heard(path)) == pytest.approx(4.0 * RATE, abs=0.05 * RATE)
    last = [picture for start, picture in pictures(path) if start >= 0.95]
    assert len(last) > 5
    assert all(np.abs(picture.astype(int) - last[0]).max() <= 8 for picture in last)


def test_a_busy_encoder_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, reached = threading.Event(), threading.Event()
    encode = MovieFile.picture

    def slow(movie: MovieFile, pixels: Pixels, start: float, duration: float) -> None:
        reached.set()
        busy.wait(10)
        encode(movie, pixels, start, duration)

    monkeypatch.setattr(MovieFile, "picture", slow)
    monkeypatch.setattr(live_recording, "WAITING", 3)
    live = Recorded(tmp_path / "out.mp4")
    live.recording.write(frame_of(0))
    assert reached.wait(10)
    for index in range(1, 11):
        live.recording.write(frame_of(index))
    assert live.recording.dropped == 7
    busy.set()
    live.recording.close()
    assert len(pictures(tmp_path / "out.mp4")) == 4


def test_a_recording_is_begun_and_ended_during_the_show(tmp_path: Path) -> None:
    live = Recorded(tmp_path / "out.mp4", rate=RATE)
    live.feed(map(frame_of, range(20)), sound=True)
    live.display.toggle("record")
    assert live.wait("recorded").endswith("out.mp4, 0:01")
    live.feed(map(frame_of, range(20, 60)), sound=True)  # nobody records
    assert (live.recording.dropped, live.recording.lost) == (0, 0)
    live.display.toggle("record")
    live.feed(map(frame_of, range(60, 100)), sound=True)
    live.recording.close()
    first, second = tmp_path / "out.mp4", tmp_path / "out-2.mp4"
    assert live.recording.films == [first, second]
    assert sorted(tmp_path.iterdir()) == [second, first]
    assert [len(pictures(film)) for film in (first, second)] == [20, 40]
    assert [duration(film, "video") for film in (first, second)] == pytest.approx([1.0, 2.0])
    assert len(heard(second)) == pytest.approx(2.0 * RATE, abs=0.06 * RATE)


def test_no_name_in_use_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"a film")
    (tmp_path / "out-2.mp4.part").write_bytes(b"what a crash left")
    live = Recorded(tmp_path / "out.mp4")
    live.feed(map(frame_of, range(5)))
    live.recording.close()
    assert live.recording.films == [tmp_path / "out-3.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"a film"
    assert (tmp_path / "out-2.mp4.part").read_bytes() == b"what a crash left"


def test_a_disk_that_does_not_answer_ends_the_film_and_another_may_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that waits for it is left behind; once the disk answers it ends its film."""
    answers, reached, time = threading.Event(), threading.Event(), ManualTime()
    write = KeptFile.write

    def slow(file: KeptFile, data: bytes) -> int:
        if file.path.name == "out.mp4.part" and file.end > 2000:
            reached.set()
            answers.wait(20)
        return write(file, data)

    monkeypatch.setattr(KeptFile, "write", slow)
    monkeypatch.setattr(live_recording.clock, "now", time.now)
    live = Recorded(tmp_path / "out.mp4")
    for index in range(200):
        live.recording.write(noise(index))
        if reached.wait(0.02):
            break
    time.moment = live_recording.STUCK + 1.0
    live.recording.encoder.look()
    assert "the disk does not answer; " in live.wait("recording stopped")
    assert not live.display.view.record
    live.display.set("record", True)
    live.feed([noise(i) for i in range(1000, 1020)])
    live.display.set("record", False)
    live.wait("recorded ")
    answers.set()
    wait_for(lambda: len(live.recording.films) == 2)
    live.recording.close()
    assert {film.name for film in live.recording.films} == {"out.mp4", "out-2.mp4"}
    assert len(pictures(tmp_path / "out-2.mp4")) == 20
    assert pictures(tmp_path / "out.mp4")


def test_a_recording_without_a_picture_leaves_nothing(tmp_path: Path) -> None:
    live = Recorded(tmp_path / "out.mp4", rate=RATE)
    live.recording.hear(tone(0.5), 0.5)
    live.recording.close()
    live.recording.close()
    assert (list(tmp_path.iterdir()), live.recording.films) == ([], [])


def test_the_room_that_is_left_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    free = iter([1 << 40])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=next(free, 100)))
    monkeypatch.setattr(film_take, "LOOK", 0.0)
    live = Recorded(tmp_path / "out.mp4")
    live.feed(map(frame_of, range(41)))
    assert live.wait("room for").endswith("room for 0:00 more")
    live.recording.write(frame_of(41))
    live.recording.write(frame_of(42))
    wait_for(lambda: live.display.recording == "0:02, room for 0:00")
    live.recording.close()
    assert live.display.recording == ""


def noise(index: int) -> Frame:
    pixels = np.random.default_rng(index).integers(0, 255, (48, 64, 3), np.uint8)
    return Frame(pixels, index, (index + 1) / 20, index / 20, index / 20)


def test_a_full_disk_ends_the_film_which_plays_and_another_may_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, room = KeptFile.write, [100_000]

    class Full:
        """A file on a disk that takes `room` bytes more."""

        def __init__(self, file: object) -> None:
            self._file = file

        def write(self, data: bytes) -> int:
            if room[0] <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            part = data[: room[0]]
            room[0] -= len(part)
            return self._file.write(part)

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

    def limited(file: KeptFile, data: bytes) -> int:
        if not isinstance(file._file, Full):
            file._file = Full(file._file)
        return write(file, data)

    monkeypatch.setattr(KeptFile, "write", limited)
    path = tmp_path / "out.mp4"
    live = Recorded(path, rate=RATE)
    frames = map(noise, count())
    while live.display.view.record:
        live.feed([next(frames)], sound=True)
    said = live.wait("recording stopped")
    assert "out.mp4: cannot be written: No space left on device" in said
    assert list(tmp_path.iterdir()) == [path]
    played = pictures(path)[-1][0]
    minutes, seconds = said.rpartition(" ")[2].split(":")
    assert int(minutes) * 60 + int(seconds) - 1 <= played  # as it is said
    room[0] = 1 << 30
    live.display.set("record", True)
    live.feed([noise(i) for i in range(1000, 1020)], sound=True)
    live.recording.close()
    assert len(pictures(tmp_path / "out-2.mp4")) == 20
    assert live.recording.faults == [said]


def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 2 MB, where the system lets a test have one."""
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "livebend-test", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        done = 1
    if done:
        pytest.skip("no disk can be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_small_disk_runs_full_and_a_film_is_recorded_when_there_is_room_again(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, suffix: str
) -> None:
    aside = tmp_path_factory.mktemp("aside")
    with contextmanager(small_disk)(tmp_path) as disk:
        (disk / "others").write_bytes(bytes(1_600_000))
        live, frames = Recorded(disk / f"out{suffix}", rate=RATE), map(noise, count())
        while live.display.view.record:
            live.feed([next(frames)], sound=True)
        assert "No space left on device; " in live.wait("recording stopped")
        film = disk / f"out{suffix}"
        assert set(disk.iterdir()) == {film, disk / "others"}
        moved = Path(shutil.move(film, aside / film.name))  # as a performer makes room
        live.display.set("record", True)
        live.feed([noise(i) for i in range(10_000, 10_020)], sound=True)
        live.recording.close()
        assert len(pictures(disk / f"out{suffix}")) == 20
    length = pictures(moved)[-1][0]
    written = next(frames).index / 20
    assert written - 1.5 <= length <= written


def test_any_other_fault_is_reported_and_the_show_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    live = Recorded(tmp_path / "out.mp4")
    with monkeypatch.context() as patch:
        patch.setattr(MovieFile, "picture", broken)
        live.recording.write(frame_of(0))
        assert live.wait("stopped") == "recording stopped: MemoryError"
    assert (live.display.view.record, list(tmp_path.iterdir())) == (False, [])
    live.recording.write(frame_of(1))
    live.display.set("record", True)
    live.feed(map(frame_of, range(2, 6)))
    live.recording.close()
    assert len(pictures(tmp_path / "out.mp4")) == 4


def test_a_folder_that_is_gone_is_reported_when_recording_begins(tmp_path: Path) -> None:
    live = Recorded(tmp_path / "missing" / "out.mp4")
    live.recording.write(frame_of(0))
    assert "does not exist" in live.wait("recording stopped")
    live.recording.close()
    assert len(live.recording.faults) == 1


def test_a_disk_that_does_not_answer_holds_no_end_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, reached = threading.Event(), threading.Event()
    write = KeptFile.write

    def hang(file: KeptFile, data: bytes) -> int:
        reached.set()
        answered.wait(10)
        return write(file, data)

    monkeypatch.setattr(KeptFile, "write", hang)
    monkeypatch.setattr(live_recording, "ENDING", 0.05)
    live = Recorded(tmp_path / "out.mkv")
    live.recording.write(frame_of(0))
    assert reached.wait(10)
    live.recording.close()
    assert live.recording.faults == ["recording stopped: the disk does not answer"]
    answered.set()
    live.recording.encoder.wait(10)


# ---- pictures


def test_pictures_have_the_numbers_that_they_are_given(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    check_pictures(folder, "--frames")
    recording = Recording(folder, (64, 48), 20, codec=PNG, first=7)
    for index in (0, 5):
        recording.write(frame_of(index))
    assert sorted(p.name for p in folder.iterdir()) == ["frame_000007.png", "frame_000008.png"]
    assert (pictures(folder / "frame_000008.png")[0][1] == frame_of(5).pixels).all()
    with pytest.raises(Refused, match="holds frames already"):
        check_pictures(folder, "--frames")
    recording.abort()
    assert not folder.exists()
