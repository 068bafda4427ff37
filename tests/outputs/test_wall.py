"""The wall as the window shows it: turned, mirrored, pinned."""

from collections.abc import Iterator

import numpy as np
import pytest

from livebend.flow import Frame
from tests.fakes.windows import GREEN, RED, Screen

HALVES = np.empty((32, 32, 3), np.uint8)
HALVES[:, :16], HALVES[:, 16:] = RED, GREEN  # red on the left


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    made.window.pane.window.size = (160, 80)
    made.window.poll()
    made.window.write(Frame(HALVES, 0, 0.0, 0.0, 0.0))
    yield made
    made.window.close()


def at(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place, in parts of the window."""
    row, column = int(y * picture.shape[0]), int(x * picture.shape[1])
    return tuple(int(v) for v in picture[row, column])


@pytest.mark.parametrize(
    ("settings", "red", "green"),
    [
        ({"fit": "fill"}, (0.2, 0.5), (0.8, 0.5)),
        ({"fit": "stretch", "flip": "horizontal"}, (0.8, 0.9), (0.2, 0.1)),
        ({"fit": "fill", "rotate": 90}, (0.5, 0.2), (0.5, 0.8)),
        ({"fit": "fill", "rotate": 180}, (0.8, 0.5), (0.2, 0.5)),
        ({"fit": "fill", "rotate": 270}, (0.5, 0.8), (0.5, 0.2)),
        ({"fit": "stretch", "rotate": 90, "flip": "horizontal"}, (0.5, 0.8), (0.5, 0.2)),
        ({"fit": "mirror"}, (0.05, 0.5), (0.95, 0.5)),  # tiles have the same colour at an edge
        ({"fit": "mirror", "zoom": 0.5}, (0.3, 0.5), (0.55, 0.02)),
        ({"fit": "fit", "x": 0.25}, (0.6, 0.5), (0.9, 0.5)),
        ({"fit": "fill", "top_left_x": 0.5, "bottom_left_x": 0.5}, (0.6, 0.5), (0.9, 0.5)),
    ],
)
def test_the_picture_is_where_it_is_set(screen, settings, red, green):
    for name, value in settings.items():
        screen.display.set(name, value)
    picture = screen.picture()
    assert at(picture, *red) == RED
    assert at(picture, *green) == GREEN


def test_a_kaleidoscope_is_the_same_in_every_mirror(screen):
    screen.display.set("fit", "kaleidoscope")
    screen.display.set("mirrors", 2)
    picture = screen.picture().astype(int)
    assert picture.any(axis=2).all()
    assert np.abs(picture - picture[::-1])[1:-1].mean() < 4
    assert np.abs(picture - picture[:, ::-1])[:, 2:-2].mean() < 4


def test_beside_a_pinned_wall_is_black_and_blackout_is_black_everywhere(screen):
    screen.display.set("fit", "fill")
    screen.display.set("top_left_x", 0.3)
    picture = screen.picture()
    assert at(picture, 0.02, 0.05) == (0, 0, 0)
    assert at(picture, 0.4, 0.1) == RED
    screen.display.set("blackout", True)
    assert screen.picture().max() == 0
    screen.display.set("blackout", False)
    screen.display.set("brightness", 0.5)
    assert 120 <= at(screen.picture(), 0.4, 0.1)[0] <= 130


def test_what_the_gpu_has_lost_is_drawn_again(screen):
    screen.display.set("rotate", 90)
    before = screen.picture()
    screen.window._forget_textures()
    assert (screen.picture() == before).all()
