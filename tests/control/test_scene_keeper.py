"""Scenes are stored at once for who recalls them, and written by a worker."""

import threading
from dataclasses import replace
from functools import reduce

import pytest

from livebend.control.command_queue import CommandQueue
from livebend.control.cues import cue_line
from livebend.control.desk import Desk, preset
from livebend.control.scene_keeper import SceneKeeper
from livebend.core.mailbox import Latest
from livebend.core.notify import ignore
from livebend.scene import presets
from livebend.scene.commands import Clear, Load, LoadStored, Set, Store
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


def test_a_slot_is_recalled_in_the_burst_that_stores_it(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    bank, recorded = presets.PresetBank(), []
    bank.hold(5, Scene("Older"))
    keeper = SceneKeeper(bank, ignore, ignore)
    queue = CommandQueue(notify=pytest.fail, recorder=lambda _, c: recorded.append(c))
    desk = Desk(queue.give, ignore, Latest(SCENE), bank, pytest.fail, keep=keeper.keep)
    assert desk.send(Store(5))
    assert desk.send(preset(bank, 5))
    assert desk.send(Set("seed", 1))
    assert isinstance(preset(bank, "storm"), Load)
    assert preset(bank, "stored-5", 2.0).fade == 2.0
    moved = replace(SCENE, seed=7)
    played = reduce(lambda scene, command: command.apply(scene), queue.until(0.0), moved)
    assert (played.seed, played.title, played.home) == (1, "Now", moved)
    assert isinstance(preset(bank, 5), Load)
    assert [cue_line(0.0, c) for c in recorded if isinstance(c, LoadStored)] == [
        "0.000 preset stored-5"
    ]


def test_a_store_that_found_no_room_is_not_waited_for():
    bank = presets.PresetBank()
    full = Desk(lambda _: False, ignore, Latest(SCENE), bank, ignore)
    assert not full.send(Store(5))
    assert bank.expected(5) == ""


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


def test_a_slot_is_cleared_behind_what_stores_it(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    said, refused, bank = [], [], presets.PresetBank()
    keeper = SceneKeeper(bank, said.append, pytest.fail)
    queue = CommandQueue(notify=refused.append)
    desk = Desk(
        queue.give, ignore, Latest(SCENE), bank, pytest.fail, keep=keeper.keep, clear=keeper.clear
    )
    for action in (Store(50), Clear(50), Clear(51)):
        assert desk.send(action)
    assert reduce(lambda scene, command: command.apply(scene), queue.until(0.0), SCENE) is SCENE
    assert 50 not in bank.slots()
    assert refused == ["slot 51: nothing was stored in it"]
    stop = threading.Event()
    stop.set()
    keeper.work(stop)
    assert said[-1] == "slot 50: cleared"
    assert list(tmp_path.iterdir()) == []
    assert 50 not in bank.slots()
