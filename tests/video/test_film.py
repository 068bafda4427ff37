"""Films: the picture of a time, again and again, the same live and offline."""

import threading

import numpy as np
import pytest

from livebend.core.errors import PictureError
from livebend.core.watchdog import KeptWorker
from livebend.video import film
from livebend.video.film import FilmTape, PlayedFilm
from livebend.video.open_picture import open_picture, play_picture
from tests.fakes.pictures import number_of, write_film

SIZE = (64, 64)


@pytest.fixture
def clip(tmp_path):
    """Ten pictures, ten a second."""
    return write_film(tmp_path / "clip.mp4", 10, fps=10)


def test_each_time_has_its_picture(clip):
    tape = FilmTape(clip, SIZE)
    times = [0.0, 0.05, 0.1, 0.31, 0.99, 1.0, 1.2, 5.35]
    assert [number_of(tape.at(t)) for t in times] == [0, 0, 1, 3, 9, 0, 2, 3]
    assert [tape.at(5.35).number, tape.at(5.36).number] == [3, 3]
    assert tape.at(5.36) is tape.at(5.37)
    tape.close()


def test_pictures_cover_the_frame(tmp_path):
    clip = write_film(tmp_path / "wide.mp4", 2, size=(320, 160))
    assert FilmTape(clip, (64, 64)).at(0.0).pixels.shape == (64, 128, 3)
    assert FilmTape(clip, (1024, 64)).at(0.0).pixels.shape == (160, 320, 3)


def test_a_live_film_is_the_same_at_the_same_times(clip, monkeypatch):
    monkeypatch.setattr(film, "WAIT", 60.0)
    notices = []
    played = play_picture(str(clip), SIZE, notices.append)
    tape = open_picture(str(clip), SIZE)
    worker = KeptWorker("film", played.work, lambda: 0.0, lambda *_: None).start()
    for k in range(70):
        time = 0.037 * k + (3.0 if k > 40 else 0.0)  # once the show stands still for a while
        live, offline = played.at(time), tape.at(time)
        assert (live.number, live.pixels.tobytes()) == (offline.number, offline.pixels.tobytes())
    assert worker.stop()
    assert not notices


def test_a_late_picture_keeps_nobody_waiting(clip):
    played = PlayedFilm(clip, SIZE, print)
    assert played.at(0.0) is None  # nobody decodes


def test_a_film_that_is_gone_stays_and_comes_back(clip, monkeypatch):
    monkeypatch.setattr(film, "WAIT", 60.0)
    monkeypatch.setattr(film, "RETRY", 0.01)
    said, back = [], threading.Event()

    def notify(text):
        said.append(text)
        if text.endswith("is back"):
            back.set()
        if "picture stays" in text:
            away.rename(clip)

    played = PlayedFilm(clip, SIZE, notify)
    away = clip.with_suffix(".away")
    clip.rename(away)
    worker = KeptWorker("film", played.work, lambda: 0.0, lambda *_: None).start()
    assert number_of(played.at(0.35)) == 3  # the file is open
    assert number_of(played.at(0.95)) is not None  # it cannot be opened again, then it can
    assert back.wait(60.0)
    numbers = [number_of(played.at(2.0 + k / 10)) for k in range(12)]
    assert numbers == [(numbers[0] + k) % 10 for k in range(12)]
    assert worker.stop()
    assert "no such file" in said[0].lower()
    assert "the last picture stays" in said[0]
    assert len(said) == 2


def test_what_is_no_film_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"nonsense" * 100)
    for name, said in {"a.mp4": "cannot be read as a film", "b.mp4": "no such file"}.items():
        for refuse in (
            lambda n: open_picture(n, SIZE),
            lambda n: play_picture(n, SIZE, print),
        ):
            with pytest.raises(PictureError, match=said) as why:
                refuse(str(tmp_path / name))
            assert "\n" not in str(why.value)


def test_a_film_of_one_picture_plays_for_ever(tmp_path):
    tape = FilmTape(write_film(tmp_path / "one.mp4", 1), SIZE)
    assert [number_of(tape.at(t)) for t in (0.0, 7.0)] == [0, 0]


def test_a_time_before_the_last_is_the_last(clip):
    tape = FilmTape(clip, SIZE)
    assert number_of(tape.at(0.5)) == 5
    assert number_of(tape.at(0.1)) == 5


def test_numbers_are_of_the_file(clip):
    tape = FilmTape(clip, SIZE)
    first = [tape.at(k / 10 + 0.01) for k in range(10)]
    again = [tape.at(1.0 + k / 10 + 0.01) for k in range(10)]
    for a, b in zip(first, again, strict=True):
        assert a.number == b.number
        assert np.array_equal(a.pixels, b.pixels)
