"""Brackets weigh parts of a prompt; a bracket without its other half is text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livebend.models.prompt_syntax import MOST, Piece, pieces_of


def weights(text):
    """The parts of a prompt and their weights, as pairs."""
    return [(piece.text, pytest.approx(piece.weight)) for piece in pieces_of(text)]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("a red orb", [("a red orb", 1.0)]),
        ("", []),
        ("a (red) orb", [("a ", 1.0), ("red", 1.1), (" orb", 1.0)]),
        ("((red))", [("red", 1.21)]),
        ("(red:1.3) orb", [("red", 1.3), (" orb", 1.0)]),
        ("(red : .5 )", [("red ", 0.5)]),
        ("(a (red:2) orb:0.5)", [("a ", 0.5), ("red", 1.0), (" orb", 0.5)]),
        ("[red]", [("red", 1 / 1.1)]),
        ("[(red)]", [("red", 1.0)]),
        ("[red:0.5]", [("red:0.5", 1 / 1.1)]),
        (r"orb \(b\) \[c\]", [("orb (b) [c]", 1.0)]),
        (r"(\(b\):1.5)", [("(b)", 1.5)]),
        ("back\\slash", [("back\\slash", 1.0)]),
        ("(red orb", [("(red orb", 1.0)]),
        ("red) orb]", [("red) orb]", 1.0)]),
        ("(red [orb)", [("red [orb", 1.1)]),
        ("((red)", [("(", 1.0), ("red", 1.1)]),
        ("at 12:30", [("at 12:30", 1.0)]),
        ("(red:-1)", [("red", -1.0)]),
        ("()(:1.2)", []),
        ("(red:1e3)", [("red:1e3", 1.1)]),
        ("(red:99)" + "(" * 50 + "blue" + ")" * 50, [("redblue", MOST)]),
    ],
)
def test_what_is_typed_is_read(typed, read):
    assert weights(typed) == read


@given(st.text("()[]\\:.-10a ", max_size=200))
def test_every_text_has_finite_weights(text):
    assert all(abs(piece.weight) <= MOST and piece.text for piece in pieces_of(text))


@given(st.text("ab ,\n:1é🌊", max_size=50))
def test_a_text_without_brackets_is_itself(text):
    assert pieces_of(text) == ((Piece(text),) if text else ())


def test_as_many_brackets_as_a_text_may_have_are_read_at_once():
    for text in ("(" * 1000 + ")" * 1000, "([" * 1000, "(1:" * 600 + ")" * 200, "(" + ":" * 1999):
        assert len(pieces_of(text)) <= 201
