"""The text path: a CLIP tokenizer over the known words, and a small CLIP text model."""

from __future__ import annotations

from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .words import known_words

MAX_TOKENS = 32
WIDTH = 128
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.-!?'&"
START, END = "<|startoftext|>", "<|endoftext|>"


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Merge every known word from left to right, so each becomes one token."""
    merges: dict[tuple[str, str], None] = {}
    for word in words:
        symbols = [*word[:-1], word[-1] + "</w>"]
        merged = symbols[0]
        for symbol in symbols[1:]:
            merges[(merged, symbol)] = None
            merged += symbol
    return list(merges)


def build_tokenizer() -> CLIPTokenizer:
    """Build the tokenizer from the known words."""
    words = sorted(known_words(), key=lambda word: (-len(word), word))
    merges = _merges(words)
    symbols = [*CHARACTERS, *(character + "</w>" for character in CHARACTERS)]
    tokens = list(dict.fromkeys([*symbols, *("".join(pair) for pair in merges), START, END]))
    vocab = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_TOKENS)


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Build the untrained text model: hidden width 128, two layers, four heads."""
    return CLIPTextModel(
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


def tokenize(tokenizer: CLIPTokenizer, prompts: list[str]) -> Tensor:
    """Turn prompts into ids (B, 32), as diffusers' pipelines do."""
    ids: Tensor = tokenizer(
        prompts, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return ids
