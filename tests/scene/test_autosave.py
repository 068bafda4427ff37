"""The scene of a show is saved while it changes, and taken up again."""

from dataclasses import replace

import pytest

from livebend.core.mailbox import Latest
from livebend.core.watchdog import Term
from livebend.scene import autosave, presets
from livebend.scene.autosave import Autosave, resumed
from livebend.scene.commands import LoadOther, Set
from livebend.scene.values import Scene

SCENE = Scene(seed=7)


@pytest.fixture
def warned():
    return []


def test_what_has_changed_is_saved_and_taken_up_again(tmp_path, warned):
    file, scenes = tmp_path / "show.toml", Latest(SCENE)
    save = Autosave(scenes, file, warned.append)
    save.save()
    written = file.stat().st_mtime_ns
    save.save()
    assert file.stat().st_mtime_ns == written
    scenes.put(replace(SCENE, seed=8))
    save.save()
    assert list(tmp_path.iterdir()) == [file]  # whole, and nothing beside it
    first = Scene(seed=1)
    found = resumed(file, first, (), warned.append)
    assert (found.seed, found.home, warned) == (8, first, [])


def test_both_sides_of_the_crossfader_are_taken_up_again(tmp_path, warned):
    file, scenes = tmp_path / "show.toml", Latest(SCENE)
    save = Autosave(scenes, file, warned.append)
    save.save()
    scene = LoadOther(Scene("Tide", seed=3)).apply(SCENE)
    scenes.put(scene)
    save.save()
    scene = Set("crossfade.position", 0.7).apply(scene)
    scenes.put(scene)
    save.save()
    found = resumed(file, Scene(), (), warned.append)
    assert (found, found.other, warned) == (scene, scene.other, [])
    back = Set("crossfade.position", 0.0).apply(found)
    assert (back.seed, back.deck, back.other.title, back.other.deck) == (7, 1, "Tide", 0)


def test_it_saves_at_its_pace_and_once_more_at_the_end(tmp_path, monkeypatch, warned):
    monkeypatch.setattr(autosave, "EVERY", 0.01)
    file, scenes, looks = tmp_path / "show.toml", Latest(SCENE), []
    save = Autosave(scenes, file, warned.append)

    class Twice(Term):
        def wait(self, timeout=None):
            looks.append(timeout)
            if len(looks) == 2:
                assert presets.load(file).seed == 7
                scenes.put(replace(SCENE, seed=9))
            return len(looks) == 2

    save.work(Twice(lambda: 0.0))
    assert looks == [0.01, 0.01]
    assert presets.load(file).seed == 9


def test_where_it_cannot_be_saved_it_is_said_once(tmp_path, warned):
    place = tmp_path / "place"
    place.write_text("a file, where a folder is wanted")
    save = Autosave(Latest(SCENE), place / "show.toml", warned.append)
    save.save()
    save.save()
    (line,) = warned
    assert line.startswith("the scene is not saved by itself: ")
    place.unlink()
    save.save()
    assert (place / "show.toml").exists()


@pytest.mark.parametrize("text", [None, "", "seed = ", "\0\0\0", "seed = 'x'"])
def test_a_scene_that_cannot_be_read_leaves_the_show_as_given(tmp_path, warned, text):
    file = tmp_path / "show.toml"
    if text:
        file.write_text(text)
    found = resumed(file if text != "" else None, SCENE, (), warned.append)
    assert found is SCENE
    (line,) = warned
    assert line.startswith("--resume: ")
    assert line.endswith(" begins as given")
