"""Scenes are stored at once for who recalls them, and written by a worker."""

import threading

from livebend.control.scene_keeper import SceneKeeper
from livebend.scene import presets
from livebend.scene.values import Prompt, Scene

SCENE = Scene("Now", prompt=Prompt("flames"))


def test_what_is_stored_can_be_recalled_at_once_and_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    said, bank = [], presets.PresetBank()
    keeper = SceneKeeper(bank, said.append, said.append)
    keeper.keep(5, SCENE)
    assert bank.recall(5) == ("stored-5", SCENE)
    assert bank.load("stored-5") == SCENE
    assert list(tmp_path.iterdir()) == []
    stop = threading.Event()
    stop.set()
    keeper.work(stop)
    assert said == [f"slot 5: stored as {tmp_path.name}/stored-5.toml"]
    assert presets.load(tmp_path / "stored-5.toml") == SCENE


def test_a_scene_that_cannot_be_written_is_reported_and_still_recalled(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path / "file")
    said, bank = [], presets.PresetBank()
    keeper = SceneKeeper(bank, None, said.append)
    keeper.keep(5, SCENE)
    stop = threading.Event()
    stop.set()
    keeper.work(stop)
    assert "cannot be written" in said[0]
    assert bank.recall(5)[1] == SCENE
