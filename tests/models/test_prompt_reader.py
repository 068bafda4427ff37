"""Prompts become the tokens that the model's own tokenizer makes, weighted and never too many."""

import pytest
import torch

from livebend.models.checkpoint import load_model
from livebend.models.prompt_reader import read_prompt, weighted
from tests.fakes.models import tokenizer
from tests.fakes.networks import CPU, F32

TEXTS = (
    "a red orb",
    "",
    "the night forest, a river",
    "a\u00a0red\norb",
    "🌊 海 storm",
    "A RED ORB",
)


@pytest.mark.parametrize("pad", ["<|endoftext|>", "!"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_plain_prompt_has_the_tokenizers_own_tokens(text, pad):
    tokens = tokenizer(40)
    tokens.pad_token = pad
    read = read_prompt(text, tokens)
    own = tokens(text, padding="max_length", max_length=40, truncation=True).input_ids
    assert list(read.ids) == own
    assert set(read.weights) == {1.0}
    assert read.notes == ()


def test_parts_carry_their_weights():
    read = read_prompt("a (red:1.5) [orb]", tokenizer(8))
    plain = read_prompt("a red orb", tokenizer(8))
    assert read.ids == plain.ids
    assert read.weights == pytest.approx((1.0, 1.0, 1.5, 1 / 1.1, 1.0, 1.0, 1.0, 1.0))


def test_what_is_too_long_is_cut_and_it_is_said_where():
    read = read_prompt("a red orb with the night forest, a blue river storm", tokenizer(8))
    assert len(read.ids) == 8
    assert read.ids == read_prompt("a red orb with the night", tokenizer(8)).ids
    (note,) = read.notes
    assert "cut after 6 behind 'a red orb with the night'" in note
    assert "left out: 'forest" in note


def test_the_end_of_a_cut_prompt_is_that_of_the_pipeline():
    tokens = tokenizer(8)
    text = "a red orb with the night forest river"
    cut = tokens(text, padding="max_length", max_length=8, truncation=True).input_ids
    assert list(read_prompt(text, tokens).ids) == cut


def test_what_other_programs_load_files_by_is_left_out():
    read = read_prompt("a red orb <lora:film_grain:0.7>", tokenizer(8))
    assert read.ids == read_prompt("a red orb ", tokenizer(8)).ids
    assert "<lora:film_grain:0.7> is left out: --lora FILE" in read.notes[0]


def test_a_weight_beyond_its_range_is_said():
    assert "at most 10" in read_prompt("(orb:30)", tokenizer(8)).notes[0]


# ---- embeddings


def test_weights_of_one_change_nothing():
    z = torch.randn(2, 5, 8)
    assert weighted(z, [[1.0] * 5] * 2) is z


def test_the_mean_size_of_a_text_is_kept():
    z = torch.randn(2, 5, 8)
    w = [[1.0, 2.0, 0.5, 1.0, 1.0], [1.0] * 5]
    made = weighted(z, w)
    assert torch.equal(made[1], z[1])
    assert made[0].abs().mean() == pytest.approx(float(z[0].abs().mean()), rel=1e-5)
    ratio = made[0] / (z[0] * torch.tensor(w[0])[:, None])
    assert torch.allclose(ratio, ratio[0, 0].expand(5, 8))


def test_a_text_of_no_weight_is_silent():
    z = torch.randn(1, 20, 8)
    made = weighted(z, [[1.0, *[0.0] * 18, 1.0]])
    assert made[0, 1:-1].abs().max() == 0.0
    assert made.abs().max() <= 2.0 * z.abs().max()


def test_a_model_reads_brackets(model):
    plain, heavy, escaped = model.encode(["a red orb", "a (red:1.5) orb", r"a \(red orb"])
    ratio = heavy / plain
    assert torch.allclose(ratio[2] / ratio[1], torch.tensor(1.5))  # red to a
    assert torch.equal(model.encode(["a (red:1) orb"])[0], plain)
    assert not torch.equal(escaped, plain)


def test_the_embedded_model_reads_brackets_and_its_own_words():
    model = load_model("tiny", CPU, F32)
    assert model.notes("a (flames:1.3), [ocean waves]") == ()
    assert model.notes("(dragon:1.3) in flames") == ("prompt: 'dragon' is not known and left out",)
    plain, heavy = model.encode(["flames", "(flames:1.4)"])
    assert 0.01 < float((plain - heavy).norm() / plain.norm()) < 0.5
    assert torch.equal(model.encode(["flames"])[0], plain)
    long = "aurora mountains at sunset " * 6
    assert "cut after 18" in model.notes(long)[0]
