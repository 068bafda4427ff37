"""A prompt as a model reads it: tokens, how much each counts, and what is read otherwise than it is
written.

A text has the length that the text encoder was trained on, 77 tokens for Stable Diffusion, and no
other: engines are compiled for it, and prompts are blended token by token. What does not fit is
left out with a note that says where; the prompt mixer has room for it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from livebend.core.errors import shown
from livebend.models.prompt_syntax import MOST, Piece, pieces_of
from livebend.models.vocabulary import Vocabulary

TAG = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*>", re.IGNORECASE)
MOST_SCALED = 2.0  # of a text whose tokens count less


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """The tokens of a prompt, as many as the model reads, the weight of each, and notes for the
    performer."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    notes: tuple[str, ...] = ()


def read_prompt(text: str, tokenizer: Any, vocabulary: Vocabulary | None = None) -> PromptTokens:
    """Return a prompt as it is read with a tokenizer and, of a small model, its vocabulary."""
    text, notes = _without_tags(text)
    pieces = pieces_of(text)
    if any(abs(piece.weight) >= MOST for piece in pieces):
        notes.append(f"prompt: a weight is at most {MOST:g}, above and below 0")
    if vocabulary is not None:
        texts, note = vocabulary.understand([piece.text for piece in pieces])
        pieces = tuple(p._replace(text=t) for p, t in zip(pieces, texts, strict=True))
        notes += [note] if note else []
    read = list(_tokens(pieces, tokenizer))
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


def _tokens(pieces: Sequence[Piece], tokenizer: Any) -> Iterator[tuple[int, float]]:
    for piece in pieces:
        for token in tokenizer(piece.text, add_special_tokens=False).input_ids:
            yield token, piece.weight


def _cut_note(ids: Sequence[int], room: int, tokenizer: Any) -> str:
    kept, out = tokenizer.decode(ids[:room][-8:]), tokenizer.decode(ids[room:])
    return (
        f"prompt: {len(ids)} tokens, cut after {room} behind {shown(kept.strip()[-40:])}; left out:"
        f" {shown(out.strip()[:60])}"
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
