"""Taps become a tempo and a beat, as commands that a cue file can keep."""

import pytest

from livebend.control.desk import Tap
from livebend.control.key_actions import press
from livebend.control.osc_addresses import read
from livebend.control.parameters import tree_of
from livebend.control.tap_tempo import TapTempo
from livebend.scene.commands import Load, Panic, Set
from livebend.scene.show_values import Tempo
from livebend.scene.values import Scene
from tests.fakes.desk import FakeDesk


def tapped(*moments, scene=None):
    """The scene after taps at these moments, in s."""
    scene, times = scene or Scene(), iter(moments)
    tapper = TapTempo(lambda: next(times))
    for _ in moments:
        for command in tapper.tap(scene):
            scene = command.apply(scene)
    return scene.tempo


def test_the_first_tap_is_a_beat_and_the_second_gives_the_tempo():
    assert tapped(7.0) == Tempo(0.0, 1)
    assert tapped(7.0, 7.5) == Tempo(120.0, 2)
    assert tapped(7.0, 7.5, scene=Scene(tempo=Tempo(90.0, 4))) == Tempo(120.0, 6)


def test_taps_are_averaged_and_a_pause_begins_anew():
    assert tapped(0.0, 0.52, 0.98, 1.5).bpm == pytest.approx(120.0)
    assert tapped(0.0, 0.5, 9.0).bpm == 120.0
    assert tapped(0.0, 0.5, 9.0, 10.0).bpm == 60.0
    assert tapped(*(0.5 * k for k in range(20)), 9.9).bpm == pytest.approx(60 * 7 / 3.4)
    assert tapped(0.0, 0.001).bpm == 300.0


def test_a_tap_by_osc_and_by_key_are_the_same():
    times = iter([1.0, 1.6])
    fake = FakeDesk(Scene(), tapper=TapTempo(lambda: next(times)))
    heard = read("/livebend/tap", [], tree_of(Scene(), {}), None)
    assert heard.action == Tap()
    assert read("/livebend/tap", [0], tree_of(Scene(), {}), None).action is None
    assert fake.desk.send(heard.action)
    assert press(fake.desk, "tap")
    assert [command.path for command in fake.commands] == ["tempo.taps", "tempo.bpm", "tempo.taps"]
    assert fake.commands[1] == Set("tempo.bpm", pytest.approx(100.0))


def test_the_tempo_stays_when_a_preset_comes():
    scene = Set("tempo.bpm", 100.0).apply(Load(Scene("A")).apply(Scene()))
    assert Load(Scene("B")).apply(scene).tempo.bpm == 100.0
    assert Panic().apply(scene).tempo.bpm == 100.0
