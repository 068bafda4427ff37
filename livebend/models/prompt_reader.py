"""A prompt as a model reads it: tokens, how much each counts, and what is read otherwise than it is
written.

A text has the length that the text encoder was trained on, 77 tokens for Stable Diffusion, and no
other: engines are compiled for it, and prompts are blended token by token. What does not fit is
left out with a note that says where; the prompt mixer has room for it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from livebend.core.errors import shown
from livebend.models.prompt_syntax import MOST, Piece, pieces_of
from livebend.models.vocabulary import Vocabulary

NAMED = re.compile(r"<([\w-]+)>")
TAG = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*>", re.IGNORECASE)
MOST_SCALED = 2.0  # of a text whose tokens count less


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """The tokens of a prompt, as many as the model reads, the weight of each, and notes for the
    performer."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    notes: tuple[str, ...] = ()


Words = Mapping[str, Sequence[int]]
NONE: Words = MappingProxyType({})


def read_prompt(
    text: str, tokenizer: Any, vocabulary: Vocabulary | None = None, words: Words = NONE
) -> PromptTokens:
    """Return a prompt as it is read with a tokenizer and, of a small model, its vocabulary; `words`
    are the tokens of textual inversions, by name."""
    text, notes = _without_tags(text)
    notes += _unknown(text, words)
    pieces = [part for piece in pieces_of(text) for part in _parted(piece, words)]
    if any(abs(piece.weight) >= MOST for piece in pieces):
        notes.append(f"prompt: a weight is at most {MOST:g}, above and below 0")
    if vocabulary is not None:
        known = [index for index, piece in enumerate(pieces) if _word(piece) not in words]
        texts, note = vocabulary.understand([pieces[index].text for index in known])
        for index, read_text in zip(known, texts, strict=True):
            pieces[index] = pieces[index]._replace(text=read_text)
        notes += [note] if note else []
    read = list(_tokens(pieces, tokenizer, words))
    room = int(tokenizer.model_max_length) - 2
    if len(read) > room:
        notes.append(_cut_note([i for i, _ in read], room, tokenizer))
    begin, end = (tokenizer.bos_token_id, 1.0), (tokenizer.eos_token_id, 1.0)
    fill = [(tokenizer.pad_token_id, 1.0)] * (room - len(read))
    ids, weights = zip(begin, *read[:room], end, *fill, strict=True)
    return PromptTokens(ids, weights, tuple(notes))


def _without_tags(text: str) -> tuple[str, list[str]]:
    """Return a text without what other programs load a file by, and a note of it."""
    tags = TAG.findall(text)
    if not tags:
        return text, []
    note = f"prompt: {shown(tags[0])[1:-1]} is left out: --lora FILE loads one, lora.NAME plays it"
    return TAG.sub("", text), [note]


def _unknown(text: str, words: Words) -> list[str]:
    """A note on names of textual inversions that are not loaded."""
    unknown = [name for name in NAMED.findall(text) if name.lower() not in words]
    loaded = ", ".join(words) or "none"
    return [f"prompt: <{n}> is not loaded: --embedding FILE={n}; loaded: {loaded}" for n in unknown]


def _parted(piece: Piece, words: Words) -> Iterator[Piece]:
    """Yield a piece in parts: the names of textual inversions, and what is between them."""
    begin = 0
    for found in NAMED.finditer(piece.text):
        if found[1].lower() in words:
            yield piece._replace(text=piece.text[begin : found.start()])
            yield piece._replace(text=found[0])
            begin = found.end()
    yield piece._replace(text=piece.text[begin:])


def _word(piece: Piece) -> str:
    """The name of a textual inversion, where a piece is one, else ""."""
    found = NAMED.fullmatch(piece.text)
    return found[1].lower() if found else ""


def _tokens(pieces: Sequence[Piece], tokenizer: Any, words: Words) -> Iterator[tuple[int, float]]:
    for piece in pieces:
        own = words.get(_word(piece))
        tokens = own or tokenizer(piece.text, add_special_tokens=False).input_ids
        for token in tokens:
            yield token, piece.weight


def _cut_note(ids: Sequence[int], room: int, tokenizer: Any) -> str:
    known = len(tokenizer)  # textual inversions are behind them
    kept, out = ([i for i in part if i < known] for part in (ids[:room], ids[room:]))
    last, first = (tokenizer.decode(part).strip() for part in (kept[-8:], out))
    return (
        f"prompt: {len(ids)} tokens, cut after {room} behind {shown(last[-40:])}; left out:"
        f" {shown(first[:60])}"
    )


def weighted(embedded: Tensor, weights: Sequence[Sequence[float]]) -> Tensor:
    """Return embeddings z [B, T, C] whose tokens count as much as `weights` [B, T] say.

    z ← s·w·z for each token, with one s for each text that restores the mean of |z|. Other programs
    restore the mean of z itself, which comes to the same for CLIP; but that is near 0 for small
    encoders, and s would be any number. s is at most 2: a text of weight 0 is to be silent.
    """
    if all(weight == 1.0 for row in weights for weight in row):
        return embedded
    w = torch.tensor(weights, device=embedded.device)[..., None]
    z = embedded.float() * w
    before, after = (x.float().abs().mean((1, 2), keepdim=True) for x in (embedded, z))
    return (z * (before / after).clamp(max=MOST_SCALED)).to(embedded.dtype)
