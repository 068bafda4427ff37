"""The text path: a CLIP tokenizer over the known words, and a small CLIP text model."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .words import known_words

MAX_TOKENS = 20
WIDTH = 128
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.-!?'&"
START, END = "<|startoftext|>", "<|endoftext|>"


def _apply(symbols: list[str], ranks: dict[tuple[str, str], int]) -> list[str]:
    """Merge a word's symbols as byte-pair encoding does: always the earliest merge first."""
    while len(symbols) > 1:
        pairs = list(pairwise(symbols))
        best = min(pairs, key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        at = pairs.index(best)
        symbols = [*symbols[:at], "".join(best), *symbols[at + 2 :]]
    return symbols


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """List merges after which every known word is one token.

    Each word joins what the merges so far leave of it; later merges rank lower, so they cannot
    undo an earlier word.
    """
    ranks: dict[tuple[str, str], int] = {}
    for word in words:
        symbols = _apply([*word[:-1], word[-1] + "</w>"], ranks)
        merged = symbols[0]
        for symbol in symbols[1:]:
            ranks[(merged, symbol)] = len(ranks)
            merged += symbol
    return list(ranks)


def build_tokenizer() -> CLIPTokenizer:
    """Build the tokenizer from the known words."""
    words = sorted(known_words(), key=lambda word: (-len(word), word))
    merges = _merges(words)
    symbols = [*CHARACTERS, *(character + "</w>" for character in CHARACTERS)]
    tokens = list(dict.fromkeys([*symbols, *("".join(pair) for pair in merges), START, END]))
    vocab = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_TOKENS)


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Build the untrained text model: hidden width 128, two layers, four heads.

    Its words begin five times as loud as their positions.
    """
    model = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            projection_dim=WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(5.0)
    return model


def tokenize(tokenizer: CLIPTokenizer, prompts: list[str]) -> Tensor:
    """Turn prompts into ids (B, 20), as diffusers' pipelines do."""
    ids: Tensor = tokenizer(
        prompts, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return ids
