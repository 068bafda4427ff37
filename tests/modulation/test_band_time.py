"""A tapped tempo takes the place of the one that is heard."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.modulation.band_time import BandTime
from livebend.modulation.modulator import Modulator
from livebend.scene.show_values import Tempo
from tests.fakes.routes import LOUD, route, scene


def beats(tempos, start=100.0, fps=50):
    """The beat's phase and pulse, frame by frame."""
    modulator, keeper, heard = Modulator(), BandTime(), []
    for k, tempo in enumerate(tempos):
        pulse = route("beat.pulse", "bend.b.i", name="p")
        made = replace(scene(route("beat.phase"), pulse), tempo=tempo)
        time, dt = start + k / fps, 1 / fps
        timed = keeper.apply(tempo, replace(LOUD, beat_phase=0.77), time, dt)
        out = modulator.modulate(made, timed, time, dt)
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


def places(tempos, heard=LOUD, start=100.0, fps=50):
    """The features of every frame, with the beat, bar and phrase that routes follow."""
    keeper, seen = BandTime(), []
    for k, tempo in enumerate(tempos):
        beats = (start + k / fps) * 2.0  # 120 bpm
        now = replace(heard, bpm=120.0, beat_count=int(beats), beat_phase=beats % 1.0)
        seen.append(keeper.apply(tempo, now, start + k / fps, 1 / fps))
    return seen


@pytest.mark.parametrize("tempo", [Tempo(), Tempo(120.0), Tempo(60.0, source="heard")])
def test_bars_and_phrases_are_counted_in_beats(tempo):
    seen = places([replace(tempo, bar=3, phrase=2)] * 300)
    bars = [k for k, (a, b) in enumerate(pairwise(seen), 1) if b.bar_count > a.bar_count]
    phrases = [k for k, (a, b) in enumerate(pairwise(seen), 1) if b.phrase_count > a.phrase_count]
    assert {b - a for a, b in pairwise(bars)} == {75}  # 3 beats of 25 frames
    assert {b - a for a, b in pairwise(phrases)} == {150}
    assert set(phrases) <= set(bars)
    assert all(0.0 <= f.bar_phase < 1.0 and 0.0 <= f.phrase_phase < 1.0 for f in seen)
    assert seen[bars[0] + 25].bar_phase == pytest.approx(1 / 3, abs=1e-6)


def test_a_moment_given_is_the_first_beat_of_a_phrase():
    before, after = Tempo(120.0), Tempo(120.0, beat_at=100.33)
    seen = places([before] * 40 + [after] * 60)
    assert seen[40].phrase_phase == pytest.approx((0.8 - 0.33) * 2 / 32, abs=1e-6)
    assert seen[40].beat_phase == pytest.approx((0.8 - 0.33) * 2 % 1, abs=1e-6)
    assert abs(seen[40].beat_count - seen[39].beat_count) <= 16  # at most half a phrase


@given(
    st.lists(st.tuples(st.floats(60, 180), st.floats(95, 110)), min_size=1, max_size=6),
    st.integers(20, 60),
)
def test_with_every_tempo_and_moment_the_beat_stays_a_beat(led, fps):
    seen = places([Tempo(b, beat_at=at) for b, at in led for _ in range(30)], fps=fps)
    for k, (before, after) in enumerate(pairwise(seen), 1):
        bpm = led[k // 30][0]
        if k % 30:
            step = (after.beat_count + after.beat_phase) - (before.beat_count + before.beat_phase)
            assert step == pytest.approx(bpm / 60 / fps, abs=1e-6)


def test_half_double_and_nudged():
    assert places([Tempo(factor=0.5)] * 30)[25].bpm == 60.0
    assert places([Tempo(120.0, factor=2.0)] * 30)[29].bpm == 240.0
    late = places([Tempo(120.0, shift=0.25)])[0]
    assert late.beat_phase == pytest.approx(0.25)
    doubled = places([Tempo(factor=2.0)] * 60)
    pulses = [k for k, (a, b) in enumerate(pairwise(doubled), 1) if b.beat_count > a.beat_count]
    assert {b - a for a, b in pairwise(pulses)} <= {12, 13}


@pytest.mark.parametrize("tempo", [Tempo(), Tempo(120.0)])
def test_a_resync_makes_the_nearest_beat_the_first_of_a_phrase(tempo):
    seen = places([tempo] * 60 + [replace(tempo, resyncs=1)] * 60)
    assert seen[60].phrase_phase == pytest.approx((60 - 50) / 25 / 32, abs=1e-6)  # 50: a beat
    seen = places([tempo] * 70 + [replace(tempo, resyncs=1)] * 60)
    assert seen[75].phrase_phase == pytest.approx(0.0, abs=1e-6)
