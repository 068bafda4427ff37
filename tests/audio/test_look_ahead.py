"""What is known of a song that was heard to its end: its beats and its loudness."""

import numpy as np
import pytest

from livebend.audio.look_ahead import WholeSong, hear_whole
from livebend.audio.open_input import look_ahead
from livebend.audio.sound import RATE, MemorySound
from livebend.modulation.modulator import Modulator
from livebend.scene.values import Scene

BPM, FIRST, SECONDS = 126.0, 3.0, 24.0


@pytest.fixture(scope="module")
def song():
    """Drums from the third second on, soft at first, with a break without drums in the middle."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    rng, beats = np.random.default_rng(3), np.arange(FIRST, SECONDS, 60.0 / BPM)
    sound = 0.003 * rng.standard_normal(len(time))
    for beat in beats[(beats < 10.0) | (beats > 13.0)]:
        since = time - beat
        loud = 0.1 if beat < 6.0 else 0.4
        sound += np.where(since >= 0, loud * np.exp(-np.abs(since) / 0.05), 0.0) * np.sin(
            2 * np.pi * 60.0 * np.abs(since)
        )
    return MemorySound(sound.astype(np.float32), "song"), beats


def test_every_beat_is_where_it_is_from_the_first_on(song):
    sound, beats = song
    found = hear_whole(sound).beats
    assert len(found) == len(beats)
    assert np.abs(found - beats).max() < 0.03
    assert np.median(np.abs(found - beats)) < 0.015


def test_levels_are_relative_to_the_whole_song_and_have_no_other_gain(song):
    sound, beats = song
    features = look_ahead(sound, 20.0)
    rows = [features.at((n + 1) / 20.0) for n in range(round(20 * SECONDS))]
    soft = max(row.low for row in rows[60:120])
    loud = max(row.low for row in rows[-200:])
    assert loud > 0.9
    assert 0.15 < soft / loud < 0.35
    assert rows[10].beat_count == -1
    last = rows[-1]
    assert last.beat_count == len(beats) - 1
    assert last.bpm == pytest.approx(BPM, rel=0.02)
    gained = Modulator()._gained(last, 1.0, Scene().agc)
    assert gained is last


def test_a_song_without_beats_has_none():
    noise = np.random.default_rng(0).standard_normal(RATE * 3).astype(np.float32) * 0.1
    assert WholeSong({}, np.zeros(0)).position(1.0) == (-1, 0.0, 0.0)
    assert len(hear_whole(MemorySound(noise[: RATE // 2], "short")).beats) == 0
