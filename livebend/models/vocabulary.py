"""What a small model understands of what a performer types.

A model with a `vocabulary.json` knows a closed set of words. A word that it does not know is read
as the known one most like it, or left out; what was done is said, so that nobody is left guessing.
A model without the file knows everything, as far as livebend can tell.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from livebend.core.errors import ModelError, nearest

SMALL = frozenset(("a", "an", "the", "of", "in", "at", "on", "with", "and", "to", "by", "for"))
WORD = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """A prompt as the model reads it, and what to tell the performer ("" = nothing)."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """The words of a model: kinds (concepts, colours, styles, moods) of names with wordings, and
    its prompts."""

    kinds: Mapping[str, Mapping[str, tuple[str, ...]]]
    prompts: tuple[str, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """Every single word that the model has seen, in lower case."""
        phrases = [
            p for kind in self.kinds.values() for wordings in kind.values() for p in wordings
        ]
        return frozenset(w for p in (*phrases, *self.prompts) for w in WORD.findall(p.lower()))

    def understand(self, text: str) -> ReadPrompt:
        """Return the text with every word that is not known replaced or left out."""
        changed: dict[str, str] = {}

        def read(match: re.Match[str]) -> str:
            word = match.group().lower()
            if word in self.words or word in SMALL:
                return match.group()
            changed[word] = self._nearest(word)
            return changed[word]

        read_text = re.sub(r"\s+", " ", WORD.sub(read, text)).strip(" ,")
        return ReadPrompt(read_text, _note(changed))

    def _nearest(self, word: str) -> str:
        """The known word most like this one, first as its singular, or "" where none is near."""
        singular = word.removesuffix("es"), word.removesuffix("s")
        known = next((w for w in singular if w in self.words), None)
        return known or (nearest(word, self.words, least=0.75) if len(word) > 3 else None) or ""


def _note(changed: Mapping[str, str]) -> str:
    told = [
        f"{word!r} is read as {known!r}" if known else f"{word!r} is not known and left out"
        for word, known in changed.items()
        if word.rstrip("s") != known
    ]
    return "prompt: " + ", ".join(told) if told else ""


def load_vocabulary(folder: Path) -> Vocabulary | None:
    """Return a model's vocabulary, or None where its folder has none. Raises: ModelError."""
    file = folder / "vocabulary.json"
    if not file.is_file():
        return None
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        prompts = tuple(table.pop("prompts"))
        kinds = {k: {n: tuple(w) for n, w in names.items()} for k, names in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from error
    return Vocabulary(kinds, prompts)
