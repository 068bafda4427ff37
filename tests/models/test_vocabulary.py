"""Known words pass, unknown ones are read as the nearest or left out, and it is said."""

import json

import pytest

from livebend.core.errors import ModelError
from livebend.models.vocabulary import Vocabulary, load_vocabulary

KNOWN = Vocabulary(
    {
        "concepts": {"ocean": ("ocean waves", "sea"), "orb": ("floating orb",)},
        "colours": {"red": ("red", "crimson")},
        "styles": {"neon": ("neon",)},
        "moods": {"dark": ("dark",)},
    },
    ("a floating orb", "ocean waves"),
)


@pytest.mark.parametrize(
    ("typed", "read", "said"),
    [
        ("a red floating orb, neon", "a red floating orb, neon", ""),
        ("Ocean Waves", "Ocean Waves", ""),
        ("dark seas", "dark sea", ""),
        ("crimsen ocean", "crimson ocean", "'crimsen' is read as 'crimson'"),
        ("dragon in the ocean", "in the ocean", "'dragon' is not known and left out"),
        ("xyz", "", "'xyz' is not known and left out"),
        ("", "", ""),
    ],
)
def test_what_is_typed_is_understood(typed, read, said):
    texts, note = KNOWN.understand([typed])
    assert texts == [read]
    assert said in note
    assert bool(said) == bool(note)


def test_parts_of_a_prompt_keep_what_is_between_them():
    parts = [" dark seas, ", "xyz", ", neon, "]
    assert KNOWN.understand(parts)[0] == ["dark sea, ", "", ", neon"]
    assert KNOWN.understand([]) == ([], "")


def test_a_folder_without_one_has_none(tmp_path):
    assert load_vocabulary(tmp_path) is None
    (tmp_path / "vocabulary.json").write_text("[]")
    with pytest.raises(ModelError, match="cannot be read"):
        load_vocabulary(tmp_path)


def test_it_is_read_from_a_folder(tmp_path):
    table = {"concepts": {"orb": ["orb"]}, "prompts": ["an orb"]}
    (tmp_path / "vocabulary.json").write_text(json.dumps(table))
    assert load_vocabulary(tmp_path).words == {"orb", "an"}
