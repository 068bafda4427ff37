"""A guard over processes that are no shows, but say and end as shows do."""

import os
import signal
import sys

import pytest

from livebend.cli import guard
from livebend.cli.guard import MOST, Guard
from livebend.cli.guarded import ALIVE, BEGAN, KEY
from livebend.core import show_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the guard is not for Windows")

SHOW = """
import os, sys, time
said = int(sys.argv[-1].split(",")[1])
os.write(said, {!r})
{}
"""
KILLED, LIVES = "os.kill(os.getpid(), 9)", "[(time.sleep(0.05), os.write(said, b'.'))] * 9"


class Shows:
    """A guard of shows that do as they are told, one after the other; the last of these again.

    says: what each says at first; that it has begun.
    saves: whether the first saves a scene.
    """

    def __init__(self, patch, folder, *doing, says=BEGAN, saves=True):
        patch.setattr(show_files, "state_folder", lambda: folder)
        patch.setattr(Guard, "_command", self._command_of(Guard._command))
        self.commands, self._doing, self._says, self._saves = [], doing, says, saves
        self.scene = folder / "show.toml"
        self.scene.write_text("yesterday's")
        os.utime(self.scene, (0, 0))
        self.guard = Guard(["live"], True, None)

    def _command_of(self, command):
        def made(guard, since):
            number = len(self.commands)
            self.commands.append(command(guard, since)[3:-1])
            if number == 0 and self._saves:
                self.scene.write_text("saved by itself")
            what = self._doing[min(number, len(self._doing) - 1)]
            return [sys.executable, "-c", SHOW.format(self._says, what)]

        return made


@pytest.fixture
def shows(monkeypatch, tmp_path):
    return lambda *doing, **more: Shows(monkeypatch, tmp_path, *doing, **more)


def test_a_show_that_crashes_begins_again_with_the_scene_that_was_saved(shows, capfd):
    made = shows("sys.exit(3)", KILLED, "sys.exit()")
    assert made.guard.run() == 0
    resumed = ["live", "--resume", str(made.scene)]
    assert made.commands == [["live"], resumed, resumed]
    assert capfd.readouterr().err.splitlines() == [
        "livebend: guard: the show failed (3); it is started again",
        "livebend: guard: the show was ended by SIGKILL; it is started again",
    ]


def test_every_show_is_given_the_same_secret_of_the_remote(shows, capfd):
    tells = f"print(os.environ[{KEY!r}], flush=True); "
    made = shows(tells + KILLED, tells + "sys.exit()")
    assert made.guard.run() == 0
    first, second = capfd.readouterr().out.split()
    assert first == second
    assert len(bytes.fromhex(first)) == 32


def test_a_scene_that_no_show_of_this_guard_has_saved_is_not_taken_up(shows):
    made = shows(KILLED, "sys.exit()", saves=False)
    assert made.guard.run() == 0
    assert made.commands == [["live"], ["live"]]


def test_a_scene_that_ends_three_shows_is_set_aside(shows, tmp_path, capfd):
    (tmp_path / "show-aside.toml").write_text("that of another day")
    made = shows(KILLED, KILLED, KILLED, "sys.exit()")
    assert made.guard.run() == 0
    assert [len(command) for command in made.commands] == [1, 3, 3, 1]
    assert not made.scene.exists()
    aside = tmp_path / "show-aside-2.toml"
    assert aside.read_text() == "saved by itself"
    said = capfd.readouterr().err.splitlines()[-1]
    assert said == f"livebend: guard: 3 shows have ended with this scene; it is set aside: {aside}"


def test_a_show_that_ends_too_often_is_given_up_with_one_line(shows, capfd):
    made = shows(KILLED)
    assert made.guard.run() == 1
    assert len(made.commands) == 1 + MOST
    lines = capfd.readouterr().err.splitlines()
    assert sum("is started again" in line for line in lines) == MOST
    assert lines[-1] == "livebend: guard: the show was ended by SIGKILL, 5 times in 60 s; it ends"


def test_a_show_that_hangs_is_killed_and_started_again(shows, monkeypatch, capfd):
    monkeypatch.setattr(guard, "HUNG", 0.3)
    made = shows(f"{LIVES}; time.sleep(60)", "sys.exit()")
    assert made.guard.run() == 0
    assert "guard: the show hangs; it is started again" in capfd.readouterr().err


def test_a_guard_that_was_stopped_itself_takes_no_show_for_hung(shows, monkeypatch):
    """What it reads of the clock jumps by an hour while it waits for a sign of life."""
    now, listen, later = guard.now, guard._Show.listen, []

    def stopped(show, seconds):
        said = listen(show, 0.0) if later else listen(show, seconds)
        later.append(3600.0 * (len(later) == 2))
        return said

    monkeypatch.setattr(guard._Show, "listen", stopped)
    monkeypatch.setattr(guard, "now", lambda: now() + sum(later))
    made = shows(f"{LIVES}; sys.exit()")
    assert made.guard.run() == 0
    assert len(made.commands) == 1


def test_a_show_that_ends_before_its_first_picture_is_not_started_again(shows, capfd):
    made = shows(KILLED, says=ALIVE)
    assert made.guard.run() == 128 + signal.SIGKILL
    assert len(made.commands) == 1
    assert capfd.readouterr().err == "livebend: guard: the show was ended by SIGKILL; it ends\n"
