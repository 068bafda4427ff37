"""Recordings in memory, and what is done to blocks of several channels."""

import numpy as np

from livebend.audio.sound import RATE, MemorySound, filled, joined, stereo, widened


def test_a_tape_gives_everything_once_and_in_order():
    sound = MemorySound(np.arange(10, dtype=np.float32), "ten")
    tape = sound.tape()
    assert sound.seconds == 10 / RATE
    assert tape.ahead(4) == 4
    assert tape.read(4).tolist() == [[0, 1, 2, 3]]
    assert tape.ahead(8) == 6
    assert tape.read(8).tolist() == [[4, 5, 6, 7, 8, 9]]
    assert (tape.ahead(1), tape.read(3).shape) == (0, (1, 0))
    assert sound.tape().read(1).tolist() == [[0]]


def test_a_short_block_is_filled_with_silence():
    assert filled(np.ones((2, 1), np.float32), 3).tolist() == [[1, 0, 0]] * 2


def test_one_channel_becomes_two_and_two_stay_where_they_are():
    one, two = np.ones((1, 2), np.float32), np.array([[1], [2]], np.float32)
    assert widened(one, 3).tolist() == [[1, 1], [1, 1], [0, 0]]
    assert widened(two, 3).tolist() == [[1], [2], [0]]
    assert joined([one, two]).tolist() == [[1, 1, 1], [1, 1, 2]]


def test_every_channel_is_heard_from_two_loudspeakers():
    assert stereo(np.ones(3, np.float32)).tolist() == [[1] * 3] * 2
    for channels in range(3, 17):
        alone = [stereo(np.eye(channels, dtype=np.float32)[:, [c]]) for c in range(channels)]
        assert all(0.5 < np.abs(both).max() <= 1.0 for both in alone)
    centre = stereo(np.eye(6, dtype=np.float32)[:, [2]])
    assert centre[0] == centre[1]
