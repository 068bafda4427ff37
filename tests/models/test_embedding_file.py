"""Textual inversions: the first frame is that of diffusers' pipeline with the same file."""

import numpy as np
import pytest
import safetensors.torch
import torch
from diffusers import StableDiffusionPipeline

from livebend.cli.main import parser
from livebend.cli.options import NetworkOptions, options_of
from livebend.core.errors import ModelError, Refused
from livebend.models.checkpoint import Wanted, find_model, load_model
from livebend.models.embedding_file import WantedEmbedding
from livebend.rendering.network import Network
from tests.fakes.networks import CPU, F32, picture

WIDTH = 32


def vectors(count=1, width=WIDTH):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(count)) * 0.5


def with_words(folder, *wanted):
    made = [w if isinstance(w, WantedEmbedding) else WantedEmbedding(w) for w in wanted]
    return load_model(
        Wanted(str(folder), embeddings=tuple(made)), CPU, F32, torch.contiguous_format
    )


def saved(file, table):
    if file.suffix == ".safetensors":
        safetensors.torch.save_file(table, file)
    else:
        torch.save(table, file)
    return file


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("count", [1, 3])
def test_the_first_frame_is_that_of_diffusers_pipeline(model_folder, tmp_path, count):
    folder, prompt = model_folder("turbo"), "a red <cat-toy> with the night"
    table = {"<cat-toy>": vectors(count) if count > 1 else vectors(1)[0]}
    file = saved(tmp_path / "learned_embeds.safetensors", table)
    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipe.load_textual_inversion(file)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        prompt, width=64, height=64, num_inference_steps=1, guidance_scale=0.0,
        generator=torch.Generator().manual_seed(46),
    ).images[0]  # fmt: skip
    model = with_words(folder, file)
    network = Network(model, 64, 64)
    ours = picture(network, words=prompt).pixels.tensor.numpy()
    assert np.array_equal(ours, np.asarray(theirs))
    without = picture(network, words="a red with the night", version=-2).pixels.tensor.numpy()
    assert not np.array_equal(ours, without)
    assert model.notes(prompt) == ()


FORMS = [
    ("Cat Toy.safetensors", {"emb_params": vectors(2)}, "cat-toy"),
    ("a.pt", {"string_to_param": {"*": vectors(2)}, "name": "Cat", "step": 7}, "cat"),
    ("a.pt", {"string_to_param": {"*": torch.nn.Parameter(vectors(2))}}, "a"),
    ("learned.bin", {"<cat>": vectors(2)}, "cat"),
    ("learned.bin", {"*": vectors(2)}, "learned"),
    ("plain.pt", vectors(2), "plain"),
]


@pytest.mark.parametrize(("name", "table", "word"), FORMS)
def test_every_form_is_read(model_folder, tmp_path, name, table, word):
    file = saved(tmp_path / name, table)
    model = with_words(model_folder("turbo"), file)
    base = len(model.tokenizer)
    assert model.words == {word: (base, base + 1)}
    weight = model.text_encoder.get_input_embeddings().weight
    assert torch.equal(weight[base:], vectors(2))
    assert model.read(f"<{word.upper()}>").ids[1:3] == (base, base + 1)


def test_a_word_may_be_named_weighed_and_stand_beside_others(model_folder, tmp_path):
    files = [saved(tmp_path / f"{n}.pt", vectors(n)) for n in (1, 2)]
    wanted = (WantedEmbedding(files[0], "<Mine>"), WantedEmbedding(files[1]))
    model = with_words(model_folder("turbo"), *wanted)
    base = len(model.tokenizer)
    assert model.words == {"mine": (base,), "2": (base + 1, base + 2)}
    read = model.read("a (<mine>:1.5)<2> orb")
    plain = model.read("a orb").ids
    assert read.ids[1:6] == (plain[1], base, base + 1, base + 2, plain[2])
    assert read.weights[1:4] == (1.0, 1.5, 1.0)
    assert model.notes("a <cat>") == (
        "prompt: <cat> is not loaded: --embedding FILE=cat; loaded: mine, 2",
    )
    with pytest.raises(Refused, match=r"two embeddings are called 'mine': --embedding FILE=NAME"):
        with_words(model_folder("turbo"), *(WantedEmbedding(f, "mine") for f in files))


def test_a_long_prompt_is_cut_behind_it_too(model_folder, tmp_path):
    model = with_words(model_folder("turbo"), saved(tmp_path / "cat.pt", vectors(3)))
    (note,) = model.notes("<cat> the night forest with the storm a red orb a blue orb <cat>")
    assert "16 tokens, cut after 14 behind" not in note
    assert "cut after 14" in note


def test_the_embedded_models_vocabulary_leaves_it_alone(tmp_path):
    file = saved(tmp_path / "dragon.pt", vectors(1, 128))
    model = load_model(Wanted("tiny", embeddings=(WantedEmbedding(file),)), CPU, F32)
    base = model.words["dragon"][0]
    assert model.notes("a <dragon> in flames") == ()
    assert base in model.read("a <dragon> in flames").ids
    assert "'dragon' is not known" in model.notes("dragon")[0]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"x": vectors(1, 768)}, "made for Stable Diffusion 1.x (text 768 wide); this is another"),
        ({"clip_l": vectors(), "clip_g": vectors()}, "made for Stable Diffusion XL"),
        ({"a": vectors(), "b": vectors()}, "is no textual inversion: it holds 'a, b'"),
        ({"x": vectors() * torch.nan}, "is not finite"),
        ({"x": vectors(20)}, "has 20 vectors: a prompt has 14 tokens"),
        ({"x": torch.zeros(1, 2, 3)}, "is [1, 2, 3]: expected vectors"),
    ],
)
def test_what_cannot_play_is_refused_in_a_line(model_folder, tmp_path, table, said):
    file = saved(tmp_path / "a.safetensors", table)
    with pytest.raises(ModelError) as error:
        with_words(model_folder("turbo"), file)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_pickles_of_other_things_are_refused(model_folder, tmp_path):
    for table in ({"step": 3}, [1, 2], {"string_to_param": {}}):
        with pytest.raises(ModelError, match="is no textual inversion"):
            with_words(model_folder("turbo"), saved(tmp_path / "a.pt", table))


def test_a_file_that_is_not_there_or_not_whole_is_refused_before_the_model_is_loaded(tmp_path):
    pointer = tmp_path / "p.pt"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    for file, said in (
        (tmp_path / "no.pt", "no such file"),
        (pointer, "git lfs pull"),
        (tmp_path, "no such file"),
    ):
        with pytest.raises(ModelError, match=said):
            find_model(Wanted("tiny", embeddings=(WantedEmbedding(file),)))
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ModelError, match=r"expected one of \.safetensors"):
        find_model(Wanted("tiny", embeddings=(WantedEmbedding(tmp_path / "a.txt"),)))


def test_there_are_only_so_many(tmp_path):
    many = (WantedEmbedding(saved(tmp_path / "a.pt", vectors(1, 128))),) * 65
    with pytest.raises(Refused, match="65 embeddings: expected up to 64"):
        load_model(Wanted("tiny", embeddings=many), CPU, F32)


def test_the_command_line_names_them(tmp_path):
    odd = saved(tmp_path / "a=b.pt", vectors())
    given = ["render", "x.wav", "--model", "tiny", "--embedding", "cat.pt", "--embedding"]
    options = parser().parse_args([*given, "dog.pt=pet", "--embedding", str(odd)])
    words = options_of(NetworkOptions, options).wanted.embeddings
    assert [(w.file.name, w.name) for w in words] == [
        ("cat.pt", ""), ("dog.pt", "pet"), ("a=b.pt", ""),
    ]  # fmt: skip
