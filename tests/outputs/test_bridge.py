"""A picture that does not come is bridged by the last one, moved without a jump or an edge."""

import numpy as np
import pytest

from livebend.outputs.bridge import LATE, Bridge

SIZE = np.array((1920, 1080, 1920, 1080))
PLACE = (0, 0, 1920, 1080)


def moved(bridge, begin, end, held=False, step=1 / 60):
    """Where the picture is at every drawing."""
    found = []
    for moment in np.arange(begin, end, step):
        bridge.move(float(moment), held)
        found.append(bridge.moved * SIZE)
    return np.array(found)


@pytest.fixture
def bridge():
    made = Bridge()
    for index in range(20):
        made.arrive(index * 0.05)
        made.move(index * 0.05, False)
    return made


def test_what_comes_in_time_is_in_its_place(bridge):
    assert (moved(bridge, 0.95, 0.95 + LATE) == PLACE).all()
    assert bridge.silent(0.95 + LATE) == 0.0


def test_the_last_one_moves_gently_and_covers_its_place(bridge):
    places = moved(bridge, 1.0, 120.0)
    x, y, width, height = places.T
    assert (x <= 0).all()
    assert (y <= 0).all()
    assert (x + width >= 1920).all()
    assert (y + height >= 1080).all()
    assert np.abs(np.diff(places, axis=0)).max() <= 3  # pixels of 1920 in a sixtieth of a second
    assert np.ptp(x[600:]) > 30
    assert bridge.silent(3.95) == pytest.approx(3.0)


def test_it_comes_home_without_a_jump(bridge):
    moved(bridge, 1.0, 20.0)
    back = []
    for moment in np.arange(20.0, 22.0, 0.05):
        bridge.arrive(float(moment))
        back.append(moved(bridge, moment, moment + 0.05))
    places = np.concatenate(back)
    assert np.abs(np.diff(places, axis=0)).max() <= 8
    assert (places[-1] == PLACE).all()


def test_slow_pictures_are_not_late_and_a_held_one_stands():
    slow = Bridge()
    for index in range(10):
        slow.arrive(2.0 * index)
    assert slow.silent(18.0 + 5.9) == 0.0
    assert slow.silent(18.0 + 6.1) > 0.0
    assert (moved(slow, 24.0, 30.0, held=True) == PLACE).all()
