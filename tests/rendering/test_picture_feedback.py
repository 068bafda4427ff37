"""The last frame as a picture, a picture over the frame, and as a mask."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.core.errors import Refused
from livebend.models.checkpoint import Wanted, load_model
from livebend.rendering.blending import blended
from livebend.rendering.last_frame import moved, turned_hue
from livebend.rendering.network import Network
from livebend.scene.values import Bend, Echo, InputPicture, Sampling, Walk
from tests.fakes.networks import CPU, F32
from tests.fakes.pictures import StillSource, garden
from tests.fakes.shows import STILL, Show

SIZE = (64, 64)
BASE = replace(STILL, sampling=Sampling("euler", 1), picture=InputPicture(strength=0.1))
FED = replace(BASE, echo=Echo(decay=1.0, zoom=1.5, angle=30.0, hue=60.0))


@pytest.fixture(scope="module")
def seeing(model_folder):
    return load_model(Wanted(str(model_folder("turbo")), encoder="vae"), CPU, F32)


def show_of(model, *pictures):
    source = StillSource(*pictures) if pictures else None
    return Show(Network(model, 64, 64), pictures=source, strict=True)


def test_the_last_frame_moves_on_by_itself_and_again_the_same(seeing):
    runs = []
    for _ in range(2):
        show = show_of(seeing)
        runs.append([show.frame(FED).tobytes() for _ in range(6)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1


def test_the_first_frame_begins_at_noise_and_a_preset_begins_anew(seeing):
    plain = show_of(seeing).frame(replace(FED, echo=Echo()))
    show = show_of(seeing)
    assert np.array_equal(show.frame(FED), plain)
    assert not np.array_equal(show.frame(FED), plain)
    assert np.array_equal(show.frame(replace(FED, loads=1)), plain)


def test_over_a_picture_it_fades_into_that():
    pixels, picture = torch.from_numpy(garden()), torch.full((1, 3, *SIZE), 0.3)
    x = pixels[None].permute(0, 3, 1, 2) / 127.5 - 1.0
    made = moved(pixels, picture, SIZE, Echo(decay=0.5), 0.25)
    assert torch.allclose(made, picture + np.exp(-0.5) * (x - picture), atol=1e-5)
    assert (moved(pixels, picture, SIZE, Echo(decay=0.5), 9.0) - picture).abs().max() < 1e-5


def test_a_show_without_an_encoder_refuses_it(model):
    with pytest.raises(Refused, match=r"echo\.decay = 1: the show has no encoder"):
        Network(model, 64, 64).check(FED)


def test_what_is_fed_back_is_where_time_has_it():
    """Two steps of dt/2 lead where one of dt does, but for what is between pixels."""
    pixels = torch.from_numpy(garden())
    how = Echo(decay=2.0, right=0.5)
    once = moved(pixels, None, SIZE, how, 0.5)
    half = moved(pixels, None, SIZE, how, 0.25)
    as_pixels = ((half[0].permute(1, 2, 0) + 1.0) * 127.5).round().to(torch.uint8)
    twice = moved(as_pixels, None, SIZE, how, 0.25)
    assert (once - twice).abs().mean() < 0.02
    grey = moved(torch.full((64, 64, 3), 255, dtype=torch.uint8), None, SIZE, how, 2.0)
    assert grey.mean().item() == pytest.approx(2.0 * np.exp(-1.0) - 1.0, abs=1e-4)


def test_hue_turns_red_to_green_and_back():
    red = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None]
    assert torch.allclose(turned_hue(red, 120.0), red.roll(1, 1), atol=1e-6)
    assert turned_hue(red, 360.0) is red
    grey = torch.full((1, 3, 1, 1), 0.4)
    assert torch.allclose(turned_hue(grey, 77.0), grey, atol=1e-6)


# ---- over the frame, and as a mask ----------------------------------------------------------


def test_a_picture_over_the_frame(seeing):
    show = show_of(seeing, garden())
    off = replace(BASE, picture=InputPicture(on=False))
    painted = show.frame(off)
    whole = show.frame(replace(BASE, picture=InputPicture(on=False, mix=1.0)))
    assert np.array_equal(whole, garden())
    half = show.frame(replace(BASE, picture=InputPicture(on=False, mix=0.5)))
    wanted = (painted.astype(float) + garden()) / 2
    assert np.abs(half - wanted).max() <= 1
    assert not [n for n in show.network.memory.ran.seconds if n.startswith("unet")]


@pytest.mark.parametrize(
    ("blend", "made"), [("add", 255), ("screen", 210), ("multiply", 75), ("difference", 60)]
)
def test_blends(blend, made):
    a = torch.full((4, 4, 3), 120, dtype=torch.uint8)
    b = torch.full((1, 3, 2, 2), 2 * 160 / 255 - 1)
    b = torch.full((1, 3, 2, 2), 2 * 180 / 255 - 1) if blend == "difference" else b
    found = blended(a, b, 1.0, blend)[0, 0, 0].item()
    exact = {"screen": 255 - 135 * 95 / 255, "multiply": 120 * 160 / 255}.get(blend, made)
    assert found == pytest.approx(exact, abs=1)
    assert torch.equal(blended(a, b, 0.0, blend), a)


def test_a_bend_acts_where_the_picture_is_light(seeing):
    light = np.zeros((64, 64, 3), np.uint8)
    light[:, 32:] = 255
    bend = Bend("n", "negate", "image", {"amount": 1.0}, mask={"kind": "incoming"})
    off = replace(BASE, picture=InputPicture(on=False))
    show = show_of(seeing, light, 255 - light)
    plain, bent = show.frame(off), show.frame(replace(off, bends=(bend,)))
    assert np.array_equal(plain[:, :31], bent[:, :31])
    assert not np.array_equal(plain[:, 33:], bent[:, 33:])
    later = show.frame(replace(off, bends=(bend,)), time=1.5)
    assert np.array_equal(plain[:, 33:], later[:, 33:])
    without = show_of(seeing)
    assert np.array_equal(without.frame(off), without.frame(replace(off, bends=(bend,))))


def test_all_of_it_is_remembered_exactly(seeing):
    bend = Bend("n", "rotate_pairs", "unet.mid", {"angle": 90.0}, mask={"kind": "incoming"})
    scene = replace(
        FED, bends=(bend,), walk=Walk(), picture=InputPicture(strength=0.5, mix=0.3, blend="screen")
    )
    pictures = [garden(48, 80, seed) for seed in range(2)]
    kept, again = show_of(seeing, *pictures), show_of(seeing, *pictures)
    for _ in range(15):
        made = kept.frame(scene)
        again.network.memory.forget()
        assert np.array_equal(made, again.frame(scene))
