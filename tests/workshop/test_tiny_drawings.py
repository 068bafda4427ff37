"""The drawings that the embedded model learns from: sound, deterministic, smooth, well named."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("scipy")

from tiny import words
from tiny.drawings import COLOURS, CONCEPTS, Label, draw, draw_label, sample
from tiny.noise import SLOTS, Noise, draw_noise
from tiny.styles import MOODS, STYLES

SIZE = 64


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_concept_is_a_function_of_words_and_noise(concept):
    eps = draw_noise(7)
    kept = eps.copy()
    first = draw(Label(concept), eps, SIZE)
    assert first.shape == (SIZE, SIZE, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, draw(Label(concept), eps, SIZE))
    assert np.array_equal(eps, kept)
    assert first.std() > 8, "a picture is not a flat sheet"
    other = draw(Label(concept), draw_noise(8), SIZE)
    assert np.abs(first.astype(int) - other).mean() > 2, "another seed is another picture"


@pytest.mark.parametrize("concept", CONCEPTS)
def test_a_small_step_of_noise_is_a_small_step_of_the_picture(concept):
    a, b = draw_noise(3), draw_noise(4)
    angles = np.linspace(0.3, 0.32, 3)
    walk = [draw(Label(concept), np.float32(np.cos(t) * a + np.sin(t) * b), SIZE) for t in angles]
    steps = [np.abs(p.astype(int) - q).mean() for p, q in pairwise(walk)]
    assert max(steps) < 6


@pytest.mark.parametrize("size", [64, 128, 256])
def test_the_picture_is_the_same_at_every_size(size):
    eps = draw_noise(5)
    small = draw(Label("mountains"), eps, SIZE).astype(np.float32)
    large = draw(Label("mountains"), eps, size).astype(np.float32)
    n = size // SIZE
    pooled = large.reshape(SIZE, n, SIZE, n, 3).mean((1, 3))
    assert np.abs(pooled - small).mean() < 8


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_changes_the_picture(colour):
    eps = draw_noise(1)
    plain, graded = (draw(Label("ocean", c), eps, SIZE).astype(int) for c in (None, colour))
    assert np.abs(plain - graded).mean() > 4


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("mood", [None, *MOODS])
def test_every_style_and_mood_draws(style, mood):
    plain = draw(Label("flower"), draw_noise(2), SIZE).astype(int)
    styled = draw(Label("flower", None, style, mood), draw_noise(2), SIZE)
    assert np.abs(plain - styled).mean() > 4


def test_choices_are_standard_normal():
    reads = np.array([[Noise(draw_noise(s)).normal(slot) for slot in SLOTS] for s in range(400)])
    assert np.abs(reads.mean(0)).max() < 0.2
    assert np.abs(reads.std(0) - 1).max() < 0.15
    assert len(set(SLOTS.values())) == len(SLOTS), "no two choices read the same number"


def test_fields_have_unit_variance():
    spread = [Noise(draw_noise(s)).field(s % 4, SIZE, 3.0).std() for s in range(60)]
    assert 0.8 < np.mean(spread) < 1.2


def test_a_seed_is_a_picture():
    picture, label, eps = sample(11, SIZE)
    again, label_again, _ = sample(11, SIZE)
    assert np.array_equal(picture, again)
    assert label == label_again == draw_label(11)
    assert eps.shape == (4, 32, 32)


def test_captions_hold_known_words_only():
    rng = np.random.default_rng(0)
    known = words.known_words()
    for seed in range(300):
        label = draw_label(seed)
        for text in (words.caption(label, rng), words.plain_caption(label)):
            assert set(text.lower().replace(",", " ").split()) <= known


def test_the_vocabulary_names_every_kind():
    listed = words.vocabulary()
    assert list(listed["concepts"]) == list(CONCEPTS)
    assert set(listed["colours"]) == set(COLOURS)
    assert set(listed["styles"]) == set(STYLES)
    assert set(listed["moods"]) == set(MOODS)
    assert len(listed["prompts"]) == len(CONCEPTS)
