"""Letters that the first font lacks: from another font, or said in signs that every font has."""

import numpy as np
import pygame
import pytest

from livebend.outputs import drawing, glyphs
from livebend.outputs.drawing import INK, Canvas

NOWHERE = "\U0010fffe"  # a code that means no letter in any font


@pytest.fixture(autouse=True)
def fonts():
    pygame.font.init()
    yield
    drawing.forget_letters()


@pytest.fixture
def no_others(monkeypatch):
    """A system without fonts of its own."""
    monkeypatch.setattr(pygame.font, "get_fonts", list)


def drawn(text):
    canvas = Canvas((400, 60), 1.0)
    canvas.clear((0, 0, 0), 255)
    wide = canvas.text(4, 30, text, 24, INK)
    return wide, pygame.surfarray.array3d(canvas.surface)


def test_plain_text_asks_no_system_for_fonts(monkeypatch):
    monkeypatch.setattr(pygame.font, "get_fonts", lambda: pytest.fail("not needed"))
    assert glyphs.runs("Ocean, “été” шторм – 30 °") == (("", "Ocean, “été” шторм – 30 °"),)
    assert glyphs.runs("") == ()


def test_without_a_font_for_it_a_letter_is_escaped(no_others):
    assert glyphs.runs("a 日 b") == (("", "a \\u65e5 b"),)
    assert glyphs.runs(NOWHERE) == (("", "\\U0010fffe"),)
    wide, picture = drawn("日")
    assert wide == drawn("\\u65e5")[0]
    assert picture.max() > 200


def test_another_font_of_the_system_is_taken_where_it_has_the_letter():
    if glyphs.font_of("日") is None:
        pytest.skip("no font with Chinese letters here")
    (own, first), (other, second), (_, last) = glyphs.runs("storm 日本 b")
    assert (own, first, second, last) == ("", "storm ", "日本", " b")
    assert other
    wide, picture = drawn("日本")
    assert (picture.max(axis=2) > 100).sum() > 60
    assert not np.array_equal(picture, drawn("日日")[1])  # boxes would be alike
    assert wide == pytest.approx(drawn("storm 日本 b")[0] - drawn("storm  b")[0], abs=3)


def test_a_line_of_several_fonts_is_cut_to_its_room_and_broken_between_words():
    canvas = Canvas((400, 60), 1.0)
    text = "storm 日本 " * 30
    line = canvas.fitted(text, 24, 200)
    assert line.endswith("…")
    assert drawn(line)[0] <= 201
    lines = canvas.wrapped(text, 24, 200, 2)
    assert len(lines) == 2
    assert all(drawn(part)[0] <= 201 for part in lines)


def test_letters_stand_on_one_line():
    _, plain = drawn("Hxx")
    _, mixed = drawn("Hxx 日")
    rows = [np.flatnonzero(p[:30].max(axis=(0, 2)) > 100)[-1] for p in (plain, mixed)]
    assert abs(rows[0] - rows[1]) <= 6
