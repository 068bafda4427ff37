"""What a show tells its guard."""

import os

import numpy as np
import pytest

from livebend.cli import guarded
from livebend.cli.guarded import ALIVE, Guarded, spec_of
from livebend.flow import Frame
from livebend.outputs.display import Display
from livebend.outputs.last_picture import LastPicture

PLACE = (10, 20, 640, 360)


def frame(index, level):
    return Frame(np.full((4, 6, 3), level, np.uint8), index, 0.0, 0.0, 0.0)


@pytest.mark.skipif(os.name == "nt", reason="the guard is not for Windows")
def test_the_newest_picture_of_a_window_is_kept_with_its_place(monkeypatch):
    reads, writes = os.pipe()
    picture = LastPicture()
    monkeypatch.setattr(guarded, "EVERY", 0.0)
    show, display = Guarded(spec_of(1, writes, picture.file, 0.0)), Display()
    for index, level in enumerate((50, 90)):
        show.live(frame(index, level), display, PLACE)
    pixels, state = picture.get()
    assert pixels.tolist() == frame(1, 90).pixels.tolist()
    assert tuple(state["place"]) == PLACE
    display.set("blackout", True)
    show.live(frame(1, 90), display, None)
    assert picture.get()[1]["blackout"] is True
    assert os.read(reads, 99) == 3 * ALIVE
    for end in (reads, writes):
        os.close(end)
    picture.close()
