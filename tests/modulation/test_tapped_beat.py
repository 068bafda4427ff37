"""A tapped tempo takes the place of the one that is heard."""

from dataclasses import replace
from itertools import pairwise

import pytest

from livebend.modulation.modulator import Modulator
from livebend.scene.values import Tempo
from tests.fakes.routes import LOUD, route, scene


def beats(tempos, start=100.0, fps=50):
    """The beat's phase and pulse, frame by frame."""
    modulator, heard = Modulator(), []
    for k, tempo in enumerate(tempos):
        pulse = route("beat.pulse", "bend.b.i", name="p")
        made = replace(scene(route("beat.phase"), pulse), tempo=tempo)
        out = modulator.modulate(made, replace(LOUD, beat_phase=0.77), start + k / fps, 1 / fps)
        heard.append((out.sources["r"], out.sources["p"]))
    return heard


def test_a_tempo_by_hand_takes_the_place_of_the_one_that_is_heard():
    phases, pulses = zip(*beats([Tempo(120.0)] * 100), strict=True)
    assert phases[:26] == pytest.approx([*(k / 25 for k in range(25)), 0.0], abs=1e-6)
    assert [k for k, pulse in enumerate(pulses) if pulse == 1.0][1:] == [25, 50, 75]
    assert beats([Tempo()])[0][0] == 0.77


def test_a_tap_moves_the_nearest_beat_here_and_makes_no_second_one():
    late = beats([Tempo(120.0)] * 28 + [Tempo(120.0, 1)] * 30)
    assert late[28] == (pytest.approx(0.0, abs=1e-6), 0.0)
    early = beats([Tempo(120.0)] * 22 + [Tempo(120.0, 1)] * 30)
    assert early[22] == (pytest.approx(0.0, abs=1e-6), 1.0)
    assert early[47] == (pytest.approx(0.0, abs=1e-6), 1.0)


def test_a_new_tempo_goes_on_in_the_same_beat():
    phases = [phase for phase, _ in beats([Tempo(120.0)] * 10 + [Tempo(90.0)] * 10)]
    assert max(b - a for a, b in pairwise(phases)) <= 120 / 60 / 50 + 1e-6
