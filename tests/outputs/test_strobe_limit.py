"""Flashes: what is shown never has more than three a second over more than a quarter of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.flow import Frame
from livebend.outputs.strobe_limit import (
    AREA,
    FLASHES,
    QUIET,
    SIDE,
    StrobeLimit,
    measure,
    points_of,
)

BLACK, WHITE, GREY = (0, 0, 0), (255, 255, 255), (200, 200, 200)
BRIGHT, DIM, DARK_RED = (238, 238, 238), (60, 60, 60), (100, 0, 0)
SIZE = (64, 96)  # height, width


class Shown:
    """An output that keeps what it is given, behind a limit that can be switched."""

    def __init__(self):
        self.frames, self.said, self.on, self.closed = [], [], True, 0
        self.limit = StrobeLimit([self], lambda: self.on, self.said.append)

    def write(self, frame):
        self.frames.append(frame)

    def close(self):
        self.closed += 1

    def play(self, pictures, fps=20.0, begin=0.0):
        """Show pictures at a rate; return those that were shown."""
        first = len(self.frames)
        for index, pixels in enumerate(pictures):
            time = begin + index / fps
            self.limit.write(Frame(pixels, index, time, time, time))
        return [frame.pixels for frame in self.frames[first:]]


def flat(colour, part=1.0, rest=BLACK, size=SIZE):
    """A picture whose left part has one colour."""
    pixels = np.full((*size, 3), rest, np.uint8)
    pixels[:, : round(part * size[1])] = colour
    return pixels


def turns_of(values, below):
    """When one place turns: a search for highs and lows, written for a single place."""
    found, low, high = [], values[0], values[0]
    way = 0
    for index, value in enumerate(values):
        if way <= 0 and value - low >= 1.0 and low < below:
            found.append(index)
            way, high = 1, value
        elif way >= 0 and high - value >= 1.0 and value < below:
            found.append(index)
            way, low = -1, value
        elif way > 0:
            high = max(high, value)
        elif way < 0:
            low = min(low, value)
    return found


def most_at_once(pictures, fps):
    """The largest part of the picture that has turned more than six times within a second."""
    measured = np.stack([measure(points_of(pixels)) for pixels in pictures])
    worst = 0.0
    for kind, below in enumerate((8.0, np.inf)):
        over = np.zeros((len(pictures), SIDE, SIDE), bool)
        for row in range(SIDE):
            for column in range(SIDE):
                turns = turns_of(measured[:, kind, row, column], below)
                for now in range(len(pictures)):
                    recent = [t for t in turns if now - fps < t <= now]
                    over[now, row, column] = len(recent) > 2 * FLASHES
        worst = max(worst, over.mean((1, 2)).max())
    return worst


@pytest.mark.parametrize("colours", [(BLACK, WHITE), (DARK_RED, BLACK), (BLACK, (0, 120, 0))])
def test_a_strobe_is_held_to_three_flashes_a_second(colours):
    strobe = [flat(colours[n % 2]) for n in range(40)]
    assert most_at_once(strobe, 20) == 1.0
    shown = Shown()
    seen = shown.play(strobe)
    assert most_at_once(seen, 20) <= AREA
    assert all(np.array_equal(a, b) for a, b in zip(seen[:6], strobe, strict=False))
    assert shown.said == ["flashes are limited to three a second: output.strobe_limit"]


@given(
    colours=st.lists(
        st.sampled_from([BLACK, WHITE, GREY, DIM, DARK_RED, (255, 0, 0), (0, 0, 255)]),
        min_size=2, max_size=24,
    ),
    part=st.floats(0.1, 1.0),
    fps=st.sampled_from([8.0, 20.0, 60.0]),
)  # fmt: skip
def test_nothing_flashes_more_whatever_comes(colours, part, fps):
    seen = Shown().play([flat(colour, part) for colour in colours], fps)
    assert most_at_once(seen[:24], fps) <= AREA


def test_a_quarter_of_the_picture_may_flash_and_no_more():
    few = [flat((BLACK, WHITE)[n % 2], 0.25) for n in range(20)]
    seen = Shown().play(few)
    assert all(a is b for a, b in zip(seen, few, strict=True))
    more = [flat((BLACK, WHITE)[n % 2], 0.32) for n in range(20)]
    assert not all(a is b for a, b in zip(Shown().play(more), more, strict=True))


@pytest.mark.parametrize(
    "pictures",
    [
        [flat((BRIGHT, WHITE)[n % 2]) for n in range(30)],  # bright even where it is darker
        [flat((DIM, (75, 75, 75))[n % 2]) for n in range(30)],  # less than a tenth of white
        [flat((n * 6,) * 3) for n in range(40)],  # only up
        [flat((BLACK, WHITE)[n // 4 % 2]) for n in range(60)],  # 2.5 a second
        [flat((0, 0, 10 * (n % 5))) for n in range(30)],  # dark
    ],
)
def test_what_is_safe_is_the_very_same_picture(pictures):
    shown = Shown()
    assert all(a is b for a, b in zip(shown.play(pictures), pictures, strict=True))
    assert shown.said == []


def test_it_can_be_switched_off_which_is_said_and_on_again():
    shown = Shown()
    strobe = [flat((BLACK, WHITE)[n % 2]) for n in range(20)]
    shown.on = False
    assert all(a is b for a, b in zip(shown.play(strobe), strobe, strict=True))
    assert shown.said == ["flashes are not limited any more: they can make people ill"]
    shown.on = True
    seen = shown.play(strobe, begin=10.0)
    assert most_at_once(seen, 20) <= AREA
    shown.play([flat(BLACK)], begin=12.0)
    shown.play(strobe, begin=12.5 + QUIET)
    assert len(shown.said) == 3  # once for every time that flashing begins


def test_another_size_is_shown_as_it_is_and_closing_closes():
    shown = Shown()
    shown.play([flat((BLACK, WHITE)[n % 2]) for n in range(20)])
    other = flat(WHITE, size=(128, 80))
    assert shown.play([other], begin=1.0)[0] is other
    shown.limit.close()
    assert shown.closed == 1


def test_what_is_in_between_cannot_be_written_to():
    seen = Shown().play([flat((BLACK, WHITE)[n % 2]) for n in range(20)])
    assert any(not pixels.flags.writeable for pixels in seen)
    values = {int(pixels[0, 0, 0]) for pixels in seen}
    assert 0 < max(values - {0, 255}) < 100  # a swing of less than a tenth of white
