"""Frames that begin at a picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.core.errors import ModelError
from livebend.models.checkpoint import Wanted, load_model
from livebend.rendering.framing import framed, levels
from livebend.rendering.network import Network
from livebend.scene.values import InputPicture, Route, Sampling, Walk
from tests.fakes.networks import CPU, F32
from tests.fakes.pictures import StillSource, garden
from tests.fakes.shows import STILL, Show

SIZE = (64, 64)
ONE = replace(STILL, sampling=Sampling("euler", 1))


@pytest.fixture(scope="module")
def seeing(model_folder):
    """The random model with its encoder."""
    return load_model(Wanted(str(model_folder("turbo")), encoder="vae"), CPU, F32)


def show_of(model, *pictures, **more):
    return Show(Network(model, 64, 64), pictures=StillSource(*pictures), **more)


def with_strength(strength: float, **more):
    return replace(ONE, picture=InputPicture(strength=strength, **more))


def test_a_still_picture_costs_nothing(seeing):
    show = show_of(seeing, garden())
    show.frame(with_strength(0.5))
    first = dict(show.network.memory.ran.seconds)
    assert {"picture.in", "picture", "encoder"} <= first.keys()
    show.frame(with_strength(0.5))
    assert not show.network.memory.ran.seconds
    show.frame(with_strength(0.6))
    assert "encoder" not in show.network.memory.ran.seconds
    assert "unet.mid" in show.network.memory.ran.seconds


def test_strength_0_is_the_picture_through_the_decoder(seeing):
    show = show_of(seeing, garden())
    made = show.frame(with_strength(0.0))
    assert not [name for name in show.network.memory.ran.seconds if name.startswith("unet")]
    x = 2.0 * levels(garden(), CPU) - 1.0
    with torch.inference_mode():
        y = seeing.vae.decoder(seeing.encoder.encoder(x))
    wanted = ((y / 2 + 0.5).clamp(0, 1) * 255).round()[0].permute(1, 2, 0)
    assert np.abs(made.astype(int) - wanted.numpy()).max() <= 1


def test_more_strength_is_farther_from_the_picture(seeing):
    show = show_of(seeing, garden())
    kept = show.frame(with_strength(0.0)).astype(float)
    made = [show.frame(with_strength(s)) for s in (0.02, 0.2, 0.5, 1.0)]
    distances = [np.abs(one - kept).mean() for one in made]
    assert distances == sorted(distances)
    assert distances[0] < distances[-1] / 4


def test_switched_off_it_is_the_frame_without_a_picture(seeing, model):
    off = show_of(seeing, garden()).frame(replace(ONE, picture=InputPicture(on=False)))
    assert np.array_equal(off, Show(Network(model, 64, 64)).frame(ONE))


def test_what_is_remembered_is_what_is_computed_again(seeing):
    scene = replace(
        with_strength(0.5), walk=Walk(),
        routes=(
            Route("a", "lfo.sine", "picture.strength", low=-0.4, high=0.4, rate=2.0),
            Route("b", "lfo.saw", "picture.zoom", high=2.0, rate=1.0),
        ),
    )  # fmt: skip
    pictures = [garden(48, 80, seed) for seed in range(3)]
    kept, again = show_of(seeing, *pictures), show_of(seeing, *pictures)
    frames = set()
    for _ in range(24):
        made = kept.frame(scene)
        again.network.memory.forget()
        assert np.array_equal(made, again.frame(scene))
        frames.add(made.tobytes())
    assert len(frames) > 20


@pytest.mark.parametrize("sampler", ["euler", "ddim", "lcm", "pndm", "dpm++"])
def test_every_sampler_begins_anywhere(seeing, sampler):
    show = show_of(seeing, garden())
    for s in (0.0, 0.01, 0.3, 0.34, 0.99, 1.0):
        scene = replace(with_strength(s), sampling=Sampling(sampler, 3))
        assert show.frame(scene).shape == (64, 64, 3)


@pytest.mark.parametrize("kind", ["turbo", "v1"])
def test_reuse_and_small_frames_play_with_it(model_folder, kind):
    model = load_model(Wanted(str(model_folder(kind)), encoder="vae"), CPU, F32)
    show = show_of(model, *(garden(64, 64, seed) for seed in range(3)))
    scene = replace(with_strength(0.5), sampling=Sampling("euler", 2, 1.0), walk=Walk(hold=2))
    scene = replace(scene, reuse=replace(scene.reuse, deep=2, tween=2))
    assert len({show.frame(scene).tobytes() for _ in range(12)}) > 6


def test_a_network_without_an_encoder_says_so(model):
    show = Show(Network(model, 64, 64), pictures=StillSource(garden()), strict=True)
    with pytest.raises(ModelError, match="--picture"):
        show.frame(ONE)


# ---- framing ---------------------------------------------------------------------------------


def placed(pixels, size, **how):
    return framed(levels(pixels, CPU), size, InputPicture(**how))


def test_a_picture_of_the_frames_size_is_untouched():
    x = placed(garden(), SIZE)
    assert torch.equal(x, 2.0 * levels(garden(), CPU) - 1.0)
    assert torch.equal(placed(garden(), SIZE, mirror=True), x.flip(3))


def test_fill_cuts_fit_leaves_black_stretch_does_neither():
    wide = np.full((32, 64, 3), 255, np.uint8)
    wide[:, :15] = wide[:, 49:] = 128
    fill, fit, stretch = (placed(wide, SIZE, fit=how) for how in ("fill", "fit", "stretch"))
    assert fill.min() > 0.99
    assert (fit[:, :, :15] == -1.0).all()
    assert (fit[:, :, 20:44, 20:44] > 0.99).all()
    assert stretch.min() > -0.1
    assert stretch[0, 0, 2, 32] > 0.99


def test_a_larger_picture_is_averaged():
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    x = placed(np.repeat(checks[..., None], 3, 2).astype(np.uint8), SIZE)
    assert x.abs().max() < 0.01


def test_zoom_shift_and_turn():
    dot = np.zeros((64, 64, 3), np.uint8)
    dot[28:36, 44:52] = 255  # to the right of the middle, by 16

    def middle(**how):
        light = (placed(dot, SIZE, **how)[0, 0].numpy() + 1.0) / 2.0
        y, x = np.mgrid[0:64, 0:64] - 31.5
        return float((light * x).sum() / light.sum()), float((light * y).sum() / light.sum())

    assert middle(x=0.125, y=-0.25) == pytest.approx((24.0, -16.0), abs=0.1)
    assert middle(zoom=0.5, fit="fit") == pytest.approx((8.0, 0.0), abs=0.6)
    assert middle(angle=90.0) == pytest.approx((0.0, -16.0), abs=0.6)
    assert middle(mirror=True, x=0.01) == pytest.approx((-16.0 + 0.64, 0.0), abs=0.6)
