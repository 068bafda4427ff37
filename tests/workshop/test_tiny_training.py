"""The embedded model's trainer: its recipe, its clock and checkpoints, and the folder it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from torch import nn

from tests import SCRIPTS

pytest.importorskip("scipy")

from tiny import card, denoiser, judge, measures, network, pictures
from tiny.autoencoder import (
    DECODER_BLOCKS,
    DECODER_WIDTH,
    WIDTH,
    build_autoencoder,
    grown,
    random_crops,
)
from tiny.canvas import LATENT, SQUARE, Size
from tiny.checkpoint import read_state
from tiny.drawings import CONCEPTS, Label, draw
from tiny.export import export, read_history
from tiny.noise import SLOTS, Noise, draw_noise
from tiny.pairs import PLACES, Pair, Pairs, PairsOnGpu, encode, halved, halved_deviation
from tiny.pictures import SHARD, Shard, Split, begin_at, draw_shard, shard_seeds, training_size
from tiny.progress import Stage, Trainer, learning_rate
from tiny.text import build_text_encoder, build_tokenizer, tokenize
from tiny.words import PROMPTS

TOY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from tiny import parallel
from tiny.progress import Stage, Trainer

class Toy(Stage):
    def __init__(self):
        self.line = torch.nn.Linear(3, 2)
    def modules(self):
        return {"line": self.line}
    def step(self, _now):
        x = torch.randn(4, 3)
        return (self.line(x) - x[:, :2]).square().mean(), {"loss": 0.0, "batch": 4.0}

def work(folder):
    trainer = Trainer(Toy(), folder / "toy", 1e-2)
    trainer.run(0.01)
    seen = [trainer.stage.line.weight.tolist(), trainer.minutes, trainer.steps, trainer.samples]
    (folder / f"{parallel.rank()}.txt").write_text(repr(seen))

parallel.run(2, work, Path(sys.argv[2]))
"""


class Line(Stage):
    """A line to fit."""

    def __init__(self) -> None:
        self.line = nn.Linear(3, 2)

    def modules(self):
        return {"line": self.line}

    def step(self, _now):
        x = torch.randn(4, 3)
        return (self.line(x) - x[:, :2]).square().mean(), {"loss": 0.0, "batch": 4.0}


def test_the_rate_warms_up_holds_and_falls():
    assert learning_rate(1.0, 0, 0.0) == pytest.approx(0.01)
    assert learning_rate(1.0, 500, 0.6) == pytest.approx(1.0)
    assert learning_rate(1.0, 500, 1.0) == pytest.approx(0.02)


def test_a_trainer_goes_on_where_it_stopped(tmp_path):
    first = Trainer(Line(), tmp_path / "line", 1e-2)
    first.samples, first.spent = 1000, 60.0
    first.run(0.002)
    first.next_phase()
    first.run(0.004)
    again = Trainer(Line(), tmp_path / "line", 1e-2)
    assert again.phase == 1
    assert (again.steps, again.samples) == (first.steps, first.samples)
    assert (again.minutes, again.spent, again.began) == (first.minutes, first.spent, first.began)
    assert again.spent - again.minutes == pytest.approx(60.0)
    assert torch.equal(again.stage.line.weight, first.stage.line.weight)
    again.run(0.004)
    assert again.steps == first.steps, "its time was spent"


def test_a_phase_begins_at_the_averaged_weights(tmp_path):
    trainer = Trainer(Line(), tmp_path / "line", 1e-2)
    trainer.run(0.002)
    trainer.next_phase()
    assert torch.equal(trainer.stage.line.weight, trainer.average["line"]["weight"])
    assert not any(optimiser.state for optimiser in trainer.optimisers)


@pytest.mark.slow
def test_two_processes_keep_equal_weights_and_clocks(tmp_path):
    subprocess.run([sys.executable, "-c", TOY, str(SCRIPTS), str(tmp_path)], check=True)
    first, second = ((tmp_path / f"{rank}.txt").read_text() for rank in range(2))
    assert first == second
    state = read_state(tmp_path / "toy")
    assert state["samples"] == 8 * state["steps"] > 0


@pytest.mark.parametrize(
    ("late", "final", "stop"),
    [
        (False, denoiser.FINAL_SHARE, denoiser.STOP_SHARE),
        (True, denoiser.LATE_FINAL_SHARE, denoiser.LATE_STOP_SHARE),
    ],
)
def test_times_are_drawn_as_the_recipe_says(late, final, stop):
    t = denoiser.draw_times(20_000, late)
    assert (t == denoiser.FINAL).float().mean() == pytest.approx(final, abs=0.02)
    stops = torch.isin(t, torch.tensor(denoiser.STOPS))
    assert stops.float().mean() == pytest.approx(stop, abs=0.02)
    assert (t == 499).float().mean() == pytest.approx(stop / 2, abs=0.02)
    assert t.min() >= 1
    assert t.max() == denoiser.FINAL


def test_halved_pairs_stay_paired():
    noise = torch.stack([torch.from_numpy(draw_noise(seed)) for seed in range(8)])
    whole = Pair(torch.randn(8, 4, 32, 32), noise, torch.zeros(8, len(SLOTS)))
    half = halved(whole, halved_deviation(whole))
    assert half.latents.shape == half.noise.shape == (8, 4, 16, 16)
    assert half.latents.std() == pytest.approx(1.0, abs=1e-2)
    assert half.noise.std() == pytest.approx(1.0, abs=0.05)
    one, other = Noise(draw_noise(3)), Noise(half.noise[3].numpy())
    low = [slot for slot, (_, v, h) in SLOTS.items() if v < 2 and h < 2]
    assert all(other.normal(slot) == pytest.approx(one.normal(slot), abs=0.3) for slot in low)


# Several sizes


def pairs_of(sizes: Sequence[Size], pairs: Pairs, each: int = 50) -> Pairs:
    """Pairs of chance, a shard of each size; all numbers of a pair are its row."""
    for index, size in enumerate(sizes):
        rows = torch.arange(each * index, each * (index + 1)).float()[:, None, None, None]
        latents = rows.expand(-1, 4, *size.grid)
        choices = rows[:, 0, 0].expand(-1, len(SLOTS))
        pairs.add(Pair(latents, latents, choices), [Label("orb")] * each)
    return pairs


def test_a_batch_is_of_one_size_and_costs_as_squares_do():
    pairs = pairs_of([SQUARE, pictures.WIDE, SQUARE, pictures.SMALL_WIDE], Pairs())
    seen = torch.zeros(len(pairs))
    sizes = set()
    for chance in range(1500):
        rows = pairs.draw(24, chance)
        latents = pairs.pick(rows).latents
        assert torch.equal(latents[:, 0, 0, 0], rows.float())
        places = len(rows) * latents[0, 0].numel()
        assert places == pytest.approx(24 * PLACES, rel=0.05)
        seen += torch.bincount(rows, minlength=len(pairs))
        sizes.add(latents.shape[2:])
    assert sizes == {size.grid for size in (SQUARE, pictures.WIDE, pictures.SMALL_WIDE)}
    by_shard = seen.view(4, 50).mean(1)
    assert torch.allclose(by_shard / by_shard.mean(), torch.ones(4), atol=0.1)


def test_processes_agree_on_a_batchs_size():
    pairs = pairs_of([SQUARE, pictures.WIDE], Pairs())
    for chance in range(40):
        one, other = (pairs.pick(pairs.draw(8, chance)).latents for _ in range(2))
        assert one.shape == other.shape


def test_only_pairs_whose_pictures_were_kept_are_finished():
    pairs = pairs_of([SQUARE, pictures.WIDE, pictures.UPRIGHT], Pairs())
    assert max(int(pairs.draw(8, chance, below=100).max()) for chance in range(60)) == 99


def test_a_gpus_pairs_are_those_of_the_processor():
    sizes = [SQUARE, pictures.WIDE, SQUARE]
    kinds = Pairs(), PairsOnGpu(torch.device("cpu"))
    one, other = (pairs_of(sizes, pairs) for pairs in kinds)
    for rows in (torch.tensor([3, 149, 101, 3]), torch.tensor([50, 99])):
        assert all(map(torch.equal, one.pick(rows), other.pick(rows)))
    pairs_of([pictures.WIDE], other)  # drawn later
    assert other.pick(torch.tensor([60, 150 + 7])).noise[:, 0, 0, 0].tolist() == [60, 7]


@pytest.mark.parametrize("size", [*pictures.SIZES, Size(384, 224)])
def test_sizes_to_train_on_are_read(size):
    assert training_size(str(size)) == size


@pytest.mark.parametrize(
    ("text", "said"),
    [("384x216", "multiples of 16"), ("160x320", "from 176 up"), ("256", "such as 448x256"),
     ("0x0", "such as 448x256"), ("-256x256", "such as 448x256")],
)  # fmt: skip
def test_other_sizes_are_refused(text, said):
    with pytest.raises(ValueError, match=said):
        training_size(text)


@torch.no_grad()
@pytest.mark.parametrize("grid", [(27, 48), (36, 64), (12, 20), (24, 40)])
def test_the_training_forward_is_the_unets_own_where_sides_cannot_be_halved(grid):
    unet = network.build_unet(SHAPES[0]).eval()
    x, text, t = torch.randn(1, 4, *grid), torch.randn(1, 20, 128), torch.tensor([999])
    own = unet(x, t, text).sample
    assert own.shape == x.shape
    made, middle = network.predict(unet, x, t, text)
    assert torch.allclose(made, own, atol=1e-5)
    assert network.Reader(middle.shape[1])(middle).shape == (1, len(SLOTS))


def test_pictures_of_any_size_are_encoded_and_cropped():
    drawn = np.zeros((2, 192, 320, 3), np.uint8)
    latents = encode(build_autoencoder().eval(), drawn)
    assert latents.shape == (2, 4, 192 // LATENT, 320 // LATENT)
    drawn[..., 0] = 255
    crops = random_crops([drawn], 20, 128, np.random.default_rng(0))
    assert crops.shape == (20, 3, 128, 128)
    assert (crops[:, 0] == 1).all()


SHAPES = [network.Shape(), network.Shape((32, 64, 128, 192), 2)]


@torch.no_grad()
@pytest.mark.parametrize("shape", SHAPES)
def test_the_training_forward_is_the_unets_own(shape):
    unet = network.build_unet(shape).eval()
    x, text, t = torch.randn(2, 4, 16, 16), torch.randn(2, 20, 128), torch.tensor([999, 250])
    own = unet(x, t, text).sample
    assert torch.allclose(network.predict(unet, x, t, text)[0], own, atol=1e-5)
    assert torch.allclose(network.predict(unet, x, t, text, torch.ones(4, 2))[0], own, atol=1e-5)
    faint = network.predict(unet, x, t, text, torch.zeros(4, 2))[0]
    assert not torch.allclose(faint, own, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_sites_that_are_bent(shape):
    from livebend.models import stages  # noqa: PLC0415 - slow to import

    found = list(stages.sites_of(stages.unet_stages(network.build_unet(shape), 32, 32)))
    blocks = [*(f"down.{i}" for i in range(4)), "mid", *(f"up.{i}" for i in range(4))]
    assert {f"unet.{block}" for block in blocks} <= set(found)
    attend = {"mid"} | {f"down.{3 - i}" for i in range(shape.attending)}
    attend |= {f"up.{i}" for i in range(shape.attending)}
    for kind in ("text", "attention"):
        head = f"unet.{kind}."
        assert {site[len(head) :] for site in found if site.startswith(head)} == attend


@pytest.mark.parametrize(
    ("widths", "attending"),
    [((64, 96, 128), 1), ((64, 96, 128, 200), 1), ((64, 96, 128, 192), 0)],
)
def test_a_shape_that_cannot_be_is_refused(widths, attending):
    with pytest.raises(ValueError, match="expected"):
        network.Shape(widths, attending)


def test_between_two_prompts_it_learns_a_dissolve_of_what_it_sees_for_each():
    torch.manual_seed(4)
    stage = denoiser.DenoiserStage(batch=3)
    eps, text, other = torch.randn(3, 4, 16, 16), *torch.randn(2, 3, 20, 128)
    share = torch.tensor([0.0, 0.25, 1.0])
    t = torch.full((3,), denoiser.FINAL)
    with torch.no_grad():
        one, two = (network.predict(stage.unet, eps, t, words)[0] for words in (text, other))
    taught = stage.dissolve(eps, text, other, share)
    assert not taught.requires_grad
    for k, wanted in enumerate((one[0], 0.75 * one[1] + 0.25 * two[1], two[2])):
        assert torch.allclose(taught[k], wanted, atol=1e-4)


def smaller(blocks, width=WIDTH):
    """An autoencoder as it was before its decoder grew."""
    made = build_autoencoder()
    return AutoencoderTiny.from_config(
        dict(made.config) | {
            "decoder_block_out_channels": (width,) * 4, "num_decoder_blocks": blocks,
        }
    ).eval()  # fmt: skip


@torch.no_grad()
def test_a_decoder_grows_without_a_change_of_what_it_does():
    torch.manual_seed(3)
    before = smaller((3, 2, 1, 0))
    after, z = grown(before), torch.randn(2, 4, 8, 8)
    assert torch.allclose(after.decoder(z), before.decoder(z), atol=1e-5)
    assert torch.allclose(after.encoder(z[:, :3]), before.encoder(z[:, :3]), atol=1e-5)
    assert after.config.num_decoder_blocks == DECODER_BLOCKS
    assert after.config.decoder_block_out_channels == (DECODER_WIDTH,) * 4
    assert torch.equal(grown(after).decoder(z), after.decoder(z))


def test_what_grew_learns():
    """Every weight is moved within two steps: the first wakes what nothing listened to."""
    made = grown(smaller((3, 2, 1, 0))).train().requires_grad_(True)
    optimiser = torch.optim.SGD(made.decoder.parameters(), 0.1)
    for _ in range(2):
        optimiser.zero_grad()
        made.decoder(torch.randn(2, 4, 8, 8)).square().mean().backward()
        optimiser.step()
    still = [name for name, p in made.decoder.named_parameters() if not p.grad.abs().max() > 0]
    assert still == []


@pytest.mark.parametrize(
    ("blocks", "width"), [((3, 2, 3, 0), 24), ((3, 2, 0, 0), 24), ((3, 2, 1, 0), 64)]
)
def test_a_decoder_that_cannot_grow_is_refused(blocks, width):
    with pytest.raises(ValueError, match="does not grow to"):
        grown(smaller(blocks, width))


def test_a_training_that_goes_on_draws_what_was_not_drawn_before(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "sample", lambda seed, size: (np.full(1, seed), None, None))
    begin_at(tmp_path, 52_000)
    assert shard_seeds(tmp_path, 1) == range(52_000 + SHARD, 52_000 + 2 * SHARD)
    shard = Shard(Split.TRAIN, 0, SQUARE)
    assert np.load(draw_shard(tmp_path, shard))[:, 0].tolist() == list(shard_seeds(tmp_path, 0))
    held_out = {split: shard_seeds(tmp_path, 0, split) for split in pictures.HELD_OUT}
    begin_at(tmp_path, 99)  # the same command, going on
    assert shard_seeds(tmp_path, 0)[0] == 52_000
    for split, seeds in held_out.items():
        assert seeds == shard_seeds(tmp_path / "another", 0, split)


HISTORY = card.History(500, 1.5, 12_345, ("256x256", "448x256"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An untrained model, exported."""
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = build_tokenizer()
    parts = (build_autoencoder(), network.build_unet(), build_text_encoder(tokenizer))
    export(folder, *parts, tokenizer, HISTORY)
    return folder, parts[1], parts[2], tokenizer


def test_an_exported_folder_runs_in_diffusers(exported):
    from diffusers import StableDiffusionPipeline  # noqa: PLC0415 - slow to import

    folder, unet, _, tokenizer = exported
    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    assert {part.dtype for part in (pipe.unet, pipe.vae, pipe.text_encoder)} == {torch.float32}
    assert "_livebend_steps" not in pipe.config
    noise = torch.from_numpy(draw_noise(1))[None]
    with torch.no_grad():
        made = pipe("a floating orb", num_inference_steps=1, guidance_scale=0.0, latents=noise,
                    output_type="latent").images  # fmt: skip
        text = pipe.text_encoder(tokenize(tokenizer, ["a floating orb"])).last_hidden_state
        v = network.predict(unet.float(), noise, torch.tensor([999]), text)[0]
    scheduler = network.build_scheduler()
    scheduler.set_timesteps(1)
    x = noise * scheduler.init_noise_sigma
    assert torch.allclose(made, scheduler.step(v, scheduler.timesteps[0], x).prev_sample, atol=0.05)


def test_livebend_reads_how_many_steps_it_takes(exported):
    from livebend.models.checkpoint import load_model  # noqa: PLC0415 - slow to import

    model = load_model(str(exported[0]))
    assert model.steps == 1
    assert model.guidance == 0.0


def test_training_starts_from_an_exported_folder(exported):
    stage = denoiser.DenoiserStage(1)
    stage.start_from(exported[0])
    for mine, given in ((stage.unet, exported[1]), (stage.text, exported[2])):
        theirs = given.state_dict()
        for name, value in mine.state_dict().items():
            assert torch.allclose(value.float(), theirs[name].float(), atol=2e-3), name
    assert read_history(exported[0]) == HISTORY
    text = (exported[0] / "README.md").read_text()
    assert "It is trained for 256×256, 448×256; other sizes" in text
    assert network.Shape.of(exported[0]) == network.Shape()


def test_the_card_takes_its_figures_and_names_no_machine(exported):
    folder = exported[0]
    plain = (folder / "README.md").read_text()
    assert "12,345 samples" in plain
    assert "(64, 96, 128, 192), text at the deepest level and the middle" in plain
    assert card.UNMEASURED in plain
    card.write_figures(
        folder, {"bends": {"mid": 0.12345}, "autoencoder": {"std": [1.0, 0.9]}}, "twice"
    )
    card.write_figures(folder, {"bends": {"mid": 0.2}, "autoencoder": {"std": [1.0, 0.9]}}, "twice")
    filled = (folder / "README.md").read_text()
    assert "| bends, mid | 0.2 |" in filled
    assert filled.count("`scripts/tiny/evaluate`: twice") == 1
    assert "0.1235" not in filled
    assert card.UNMEASURED not in filled
    assert filled.split(card.LIMITS)[1] == plain.split(card.LIMITS)[1]
    for path in folder.rglob("*.json"):
        assert str(folder) not in path.read_text()
        assert "/work/" not in path.read_text()
    assert json.loads((folder / "model_index.json").read_text())["_livebend_steps"] == 1


@torch.no_grad()
def test_a_sites_answer_is_measured_from_its_turns():
    module = torch.nn.Identity()

    def paint(_prompts, noise, _steps):
        return module(noise)

    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    found = measures.answer(paint, module, noise, ["a", "b"])
    turned = torch.stack([-noise[:, 1], noise[:, 0], -noise[:, 3], noise[:, 2]], 1)
    assert found["quarter"] == pytest.approx(float((turned - noise).abs().mean()) / 2, abs=1e-4)
    assert found["evenness"] == pytest.approx(1.0, abs=0.05)
    assert torch.equal(paint([], noise, 1), noise)


def test_an_even_walk_is_even():
    noises = torch.randn(3, 4, 32, 32, generator=torch.Generator().manual_seed(2))
    assert measures.walk(lambda _p, x, _s: x, "", noises, 40) == pytest.approx(1.0, abs=0.1)


def test_a_fade_that_flips_is_told_from_an_even_one():
    one, other = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    noise = torch.zeros(1, 4, 8, 8)
    assert measures.fade(lambda text, _x, _s: text, one, other, noise, 40) == 1.0
    assert measures.fade(lambda t, _x, _s: (t - 0.5).mul(20).sigmoid(), one, other, noise, 40) > 3


def test_a_border_that_is_rougher_than_the_inside_is_told():
    even = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    assert measures.border(even) == pytest.approx(1.0, abs=0.03)
    framed = even * 0.2
    framed[..., :4, :] *= 5
    assert measures.border(framed) > 1.5


def test_drawings_are_as_diverse_as_drawings():
    def paint(prompts, noise, _steps):
        label = Label(list(CONCEPTS)[PROMPTS.index(prompts[0])])
        drawn = np.stack([draw(label, eps) for eps in noise.numpy()])
        return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 127.5 - 1

    assert measures.diversity(paint, judge.Judge(), ["orb"], 3, 1) == {"orb": 1.0}
