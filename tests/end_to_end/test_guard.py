"""A show under `--guard`: real processes that are killed, stopped and ended."""

import os
import random
import signal
import statistics
import time

import pytest

from tests.fakes.eyes import Eyes, x_server
from tests.fakes.guards import GuardedShow, film_seconds

KILLS = 20
BACK = 10.0  # s in which a show is back, on a machine that has nothing more to do
LEFT = 1.6  # s of a film that a kill may cost, with what it takes to look at it
OFTEN = "guard.MOST = guard.FATAL = 99"  # for kills that no show would have so often
MIDDLE = (448, 320, 128, 128)  # of the screen, within the picture
BLACK = 16  # of 255: the random model's pictures are dark, and no darker


@pytest.mark.slow
def test_a_show_that_is_killed_at_any_moment_is_back_within_ten_seconds(model_folder, tmp_path):
    """As it was when it was saved last, and with the next part of the film; every fifth is killed
    once more while it starts."""
    moments, began = random.Random(16), time.monotonic()
    took, played, so_far = [], [], []
    with GuardedShow(tmp_path, model_folder("turbo"), change=OFTEN) as show:
        show.until_part(1)
        first, began = time.monotonic() - began, time.monotonic()
        show.set("prompt/text", "a blue wave")
        show.set("bend/b/angle", 77.0)
        show.until(lambda: "a blue wave" in show.saved() and "77.0" in show.saved())
        for part in range(1, KILLS + 1):
            time.sleep(moments.uniform(0.0, 6.0))
            so_far.append(film_seconds(show.part(part)))
            killed, dead = time.monotonic(), show.signal(signal.SIGKILL)
            played.append(killed - began)
            if part % 5 == 0:
                show.until(lambda dead=dead: show.show not in (None, dead))
                time.sleep(moments.uniform(0.0, 3.0))
                killed = time.monotonic()
                show.signal(signal.SIGKILL)
            show.until_part(part + 1)
            began = time.monotonic()
            took.append(began - killed)
            show.until(lambda: show.value("prompt/text") == "a blue wave", 5.0)
            assert show.value("bend/b/angle") == 77.0
        show.guard.send_signal(signal.SIGTERM)
        assert show.ended(20.0) == 0, show.said
        parts = [film_seconds(show.part(number)) for number in range(1, KILLS + 1)]
    median, most = statistics.median(took), max(took)
    print(f"back after {median:.1f} s, at most {most:.1f} s; the first took {first:.1f} s")
    busy = os.getloadavg()[0] > os.cpu_count()  # then an encoder, which steps back, is late
    for film, seconds, before in zip(parts, played, so_far, strict=True):
        assert (before if busy else seconds - LEFT) <= film <= seconds + LEFT, (parts, played)
    assert most < max(BACK, 2.0 * first), took  # a busy machine is slow at the first as well


@pytest.mark.slow
def test_a_show_that_hangs_is_started_again(model_folder, tmp_path):
    with GuardedShow(tmp_path, model_folder("turbo")) as show:
        show.until_film(1)
        show.set("bend/b/angle", 55.0)
        show.until(lambda: "55.0" in show.saved())
        hangs = show.signal(signal.SIGSTOP)
        show.until(lambda: show.show not in (None, hangs), 20.0)
        assert "guard: the show hangs; it is started again" in show.said
        show.until_part(2)
        assert show.value("bend/b/angle") == 55.0


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--fullscreen",)])
def test_the_last_picture_covers_the_gap(model_folder, tmp_path, more):
    """However a show ends, what an X server shows is never black."""
    model = model_folder("turbo")
    with x_server() as (_, name), GuardedShow(tmp_path, model, *more, display=name) as show:
        show.until_film(1)
        with Eyes(name) as eyes:
            show.until(lambda: eyes.picture(*MIDDLE).max() > BLACK)
            for part, number in ((2, signal.SIGKILL), (3, signal.SIGKILL), (4, signal.SIGSTOP)):
                show.until_film(part - 1)
                begin, looks, darkest = time.monotonic(), 0, 255
                show.signal(number)
                while show.part(part) is None or time.monotonic() - begin < 1.0:
                    looks, darkest = looks + 1, min(darkest, eyes.picture(*MIDDLE).max())
                    assert time.monotonic() - begin < 90.0, show.said
                    time.sleep(0.004)
                assert (darkest > BLACK, looks > 50) == (True, True), number


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_to_the_guard_ends_its_show_well(model_folder, tmp_path, name):
    more = ("--record-cues", "cues.txt", "--stats", "stats.json")
    model = model_folder("turbo")
    with x_server() as (_, x), GuardedShow(tmp_path, model, *more, display=x) as show:
        show.until_film(1)
        show.set("seed", 7)
        show.guard.send_signal(signal.Signals[name])
        assert show.ended(20.0) == 0, show.said
    assert film_seconds(tmp_path / "film.mp4") > 0.1
    assert "seed 7" in (tmp_path / "cues.txt").read_text()
    assert (tmp_path / "stats.json").exists()
    assert "recorded film.mp4" in show.said


@pytest.mark.slow
def test_a_guard_whose_x_server_dies_ends_with_its_show(model_folder, tmp_path):
    """A window that is wanted again would be waited for without end."""
    with (
        x_server() as (server, name),
        GuardedShow(tmp_path, model_folder("turbo"), display=name) as show,
    ):
        show.until_film(1)
        server.kill()
        assert show.ended() != 0
    assert film_seconds(tmp_path / "film.mp4") > 0.0
    assert "Traceback" not in show.said
