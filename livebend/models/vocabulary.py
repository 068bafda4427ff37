"""The words that a small model understands.

A model with a `vocabulary.json` knows a closed set of words. An unknown word is read as the most
similar known one, or left out, and the performer gets a note of it. A model without the file is
assumed to know every word.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from livebend.core.errors import ModelError, nearest

SMALL = frozenset(("a", "an", "the", "of", "in", "at", "on", "with", "and", "to", "by", "for"))
WORD = re.compile(r"[\w']+")


@dataclass(frozen=True)
class Vocabulary:
    """The words of a model: kinds (concepts, colours, styles, moods) of names with wordings, and
    its prompts."""

    kinds: Mapping[str, Mapping[str, tuple[str, ...]]]
    prompts: tuple[str, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """Every single word that the model was trained on, in lower case."""
        phrases = [
            p for kind in self.kinds.values() for wordings in kind.values() for p in wordings
        ]
        return frozenset(w for p in (*phrases, *self.prompts) for w in WORD.findall(p.lower()))

    def understand(self, parts: Sequence[str]) -> tuple[list[str], str]:
        """Return the parts of a prompt with every unknown word replaced or left out, and a note for
        the performer of which those are, or ""."""
        changed: dict[str, str] = {}

        def read(match: re.Match[str]) -> str:
            word = match.group().lower()
            if word in self.words or word in SMALL:
                return match.group()
            changed[word] = self._nearest(word)
            return changed[word]

        made = [re.sub(r"\s+", " ", WORD.sub(read, part)) for part in parts]
        if made:
            made[0] = made[0].lstrip(" ,")
            made[-1] = made[-1].rstrip(" ,")
        return made, _note(changed)

    def _nearest(self, word: str) -> str:
        """The known word most similar to this one, preferably its singular; "" without one."""
        singular = word.removesuffix("es"), word.removesuffix("s")
        known = next((w for w in singular if w in self.words), None)
        return known or (nearest(word, self.words, least=0.75) if len(word) > 3 else None) or ""


def _note(changed: Mapping[str, str]) -> str:
    notes = [
        f"{word!r} is read as {known!r}" if known else f"{word!r} is not known and left out"
        for word, known in changed.items()
        if word.rstrip("s") != known
    ]
    return "prompt: " + ", ".join(notes) if notes else ""


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
