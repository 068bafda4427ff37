"""A bend whose strength is given has that strength, at any site, in every frame."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.cli.sweep import axis
from livebend.core.errors import UnknownName
from livebend.flow import Features
from livebend.rendering.network import Network
from livebend.scene.commands import Set
from livebend.scene.morph import blended
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import Bend, Prompt, Route, Sampling, Scene, Walk
from tests.fakes.networks import picture
from tests.fakes.shows import STILL, Show

LOUD = Features(rms=1.0, silent=False)


@pytest.fixture(scope="module")
def network(model):
    return Network(model, 64, 64)


def strong(site, strength, operator="rotate_pairs", **more):
    values = {"angle": 60.0} if operator == "rotate_pairs" else {}
    return Bend("b", operator, site, values, strength=strength, **more)


def test_it_is_reached_at_every_site(network):
    for site in network.sites:
        for strength in (0.1, 0.5):
            d = float(picture(network, (strong(site, strength),)).strength["b"])
            assert d == pytest.approx(strength, rel=1e-3), site


def test_without_a_strength_the_operator_acts_as_it_is(network):
    free = picture(network, (strong("unet.mid", 0.0),))
    assert float(free.strength["b"]) == pytest.approx(1.0, rel=1e-3)  # 2·sin 30°
    asked = picture(network, (strong("unet.mid", float(free.strength["b"])),))
    assert torch.allclose(asked.image.tensor, free.image.tensor, atol=1e-5)


def test_mix_and_mask_take_their_part_of_it(network):
    half = picture(network, (strong("unet.up.2", 0.4, mix=0.5),)).strength["b"]
    assert float(half) == pytest.approx(0.2, rel=1e-3)
    masked = {"kind": "disc", "size": 0.5}
    part = picture(network, (strong("unet.up.2", 0.4, mask=masked),)).strength["b"]
    assert 0.0 < float(part) < 0.4


def test_an_operator_that_hardly_acts_is_not_driven_far(network):
    bend = replace(strong("unet.mid", 0.5), values={"angle": 0.01})
    assert float(picture(network, (bend,)).strength["b"]) < 0.01


def test_split_depths_share_it(network):
    split = Sampling("euler", 2, 0.0, "split")
    bend = strong("latent@0.4", 0.3)
    painted = picture(network, (bend,), split)
    fresh = picture(Network(network.model, 64, 64), (bend,), split)
    assert torch.equal(painted.image.tensor, fresh.image.tensor)
    assert 0.0 < float(painted.strength["b"]) < 0.3


def test_a_route_may_bring_it_from_nothing(network):
    """Silence is next to no bend, not the bend as it comes."""
    bend = strong("unet.up.3", 0.0)
    route = Route("r", "rms", "bend.b.strength", high=0.5, attack=0.0, release=0.0)
    show, plain = Show(network), Show(network).frame(STILL)
    scene = replace(STILL, bends=(bend,), routes=(route,))
    quiet = show.frame(scene, 0.0)
    assert np.abs(quiet.astype(int) - plain).max() <= 1
    show.frame(scene, 0.1, LOUD)
    status = show.status.get().bends[0]
    assert status.goal > 0.1
    assert status.strength == pytest.approx(status.goal, rel=1e-3)


def test_presets_and_controllers_give_it_as_they_give_mix():
    table = {"bend": {"b": {"operator": "dilate", "site": "unet.mid", "size": 3, "strength": 0.3}}}
    scene = scene_from(table)
    assert scene.bend("b").strength == 0.3
    assert scene_from(table_of(scene)) == scene
    assert Set("bend.b.strength", 9.0).apply(scene).bend("b").strength == 2.0
    assert axis("bend.b.strength=0.1,0.2").values == (0.1, 0.2)


def test_what_reads_its_own_past_has_none():
    scene = scene_from({"bend": {"b": {"operator": "feedback", "site": "image"}}})
    with pytest.raises(UnknownName, match=r"bend\.b\.strength"):
        Set("bend.b.strength", 0.3).apply(scene)
    with pytest.raises(UnknownName, match=r"bend\.b\.strength"):
        scene_from({"bend": {"b": {"operator": "feedback", "site": "image", "strength": 0.3}}})


def test_a_morph_fades_between_given_and_not_given():
    old = Scene(prompt=Prompt("a red orb"), walk=Walk(radius=0.0), bends=(strong("image", 0.0),))
    new = replace(old, bends=(strong("image", 0.4),))
    assert [(b.strength, b.mix) for b in blended(old, new, 0.25).bends] == [
        (0.4, 0.25), (0.0, 0.75),
    ]  # fmt: skip
    other = replace(old, bends=(strong("image", 0.2),))
    (moved,) = blended(other, new, 0.5).bends
    assert moved.strength == pytest.approx(0.3)
