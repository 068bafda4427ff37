"""Automatic gain brings levels to 1, up to its ceiling, and never silence."""

from dataclasses import replace

import pytest

from livebend.modulation.auto_gain import AutoGain
from livebend.scene.values import Agc
from tests.fakes.routes import LOUD, angle_of, route, scene


def play(gain, level, seconds, agc, start=0.0, sounding=True):
    for k in range(round(seconds * 20)):
        out = gain.apply(level, start + k / 20, sounding, agc)
    return out


@pytest.mark.parametrize("level", [0.05, 0.3, 1.0])
def test_a_steady_level_is_brought_to_1(level):
    assert play(AutoGain(), level, 5, Agc()) == pytest.approx(1)


def test_gain_stops_at_its_ceiling():
    assert play(AutoGain(), 0.001, 5, Agc(ceiling=20)) == pytest.approx(0.02)
    assert play(AutoGain(), 0.0, 5, Agc(ceiling=20)) == 0


def test_quieter_than_the_loud_is_in_proportion_until_the_window_has_passed():
    gain, agc = AutoGain(), Agc(window=5)
    play(gain, 0.4, 4, agc)
    assert gain.apply(0.1, 4.0, True, agc) == pytest.approx(0.25)
    assert play(gain, 0.1, 7, agc, start=4.05) == pytest.approx(1)


def test_silence_gives_nothing_and_is_not_remembered():
    gain, agc = AutoGain(), Agc()
    play(gain, 0.4, 4, agc)
    assert play(gain, 1e-5, 20, agc, start=4, sounding=False) == 0
    assert gain.apply(0.2, 24.1, True, agc) == pytest.approx(1)


def test_the_gate_is_in_decibels():
    for level, open_ in ((10 ** (-41 / 20), False), (10 ** (-39 / 20), True)):
        got = angle_of(scene(route(), agc=Agc(gate=-40)), replace(LOUD, rms=level))
        assert (got > 0) is open_


def test_gain_is_on_levels_alone():
    made = scene(route("flux"), agc=Agc())
    assert angle_of(made) == pytest.approx(0.7)
    assert angle_of(scene(route("rms"), agc=Agc())) == pytest.approx(1)
    assert angle_of(scene(route("rms"))) == pytest.approx(0.5)
