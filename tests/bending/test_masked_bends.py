"""Masks in a bend: what lies under one is bent and nothing else, at any site of the network."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livebend.bending.apply import apply_bend
from livebend.core.errors import LivebendError, OutOfRange, Refused, UnknownName
from livebend.core.sites import is_picture
from livebend.operators import masks
from livebend.operators.drawn_masks import DrawnMasks
from livebend.rendering.network import Network, Setup
from livebend.scene import edit, paths, presets
from livebend.scene.commands import Set
from livebend.scene.tables import bend_from, scene_from, table_of
from livebend.scene.values import Bend, Scene
from tests.fakes.masks import built, trace
from tests.fakes.networks import picture

SWIRL = Bend("swirl", "rotate_pairs", "unet.mid", {"angle": 60.0})
DISC = replace(SWIRL, mask={"kind": "disc", "softness": 0.0})


def test_only_what_lies_under_the_mask_is_bent():
    x = torch.randn(2, 8, 16, 16)
    m = built("disc", (16, 16), softness=0.0)
    y, _ = apply_bend(DISC, x, m)
    whole, _ = apply_bend(SWIRL, x)
    assert torch.equal(y[..., m == 0.0], x[..., m == 0.0])
    assert torch.allclose(y[..., m == 1.0], whole[..., m == 1.0], atol=1e-6)
    half, _ = apply_bend(replace(SWIRL, mix=0.5), x, m)
    assert torch.allclose(half, x + 0.5 * (y - x), atol=1e-6)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "half"])
def test_a_masked_bend_gives_back_dtype_and_strides(layout):
    x = torch.randn(2, 8, 16, 16)
    x = x.contiguous(memory_format=torch.channels_last) if layout == "channels_last" else x
    x = x.half() if layout == "half" else x
    before = x.clone()
    for channels in ("all", "0-2"):
        y, _ = apply_bend(replace(DISC, channels=channels), x, built("disc", (16, 16)))
        assert (y.shape, y.dtype, y.stride()) == (x.shape, x.dtype, x.stride())
    assert torch.equal(x, before)


def test_its_parameters_are_paths_like_all_others():
    scene = Scene(bends=(SWIRL,))
    assert paths.get(scene, "bend.swirl.mask.x") == 0.0
    moved = Set("bend.swirl.mask.x", 9.0).apply(edit.put(scene, "bend.swirl.mask.kind", "disc"))
    assert moved.bend("swirl").mask == {"kind": "disc", "x": 2.0}
    limits = paths.find(moved, "bend.swirl.mask.x").range
    assert (limits.low, limits.high, paths.get(moved, "bend.swirl.mask.x")) == (-2, 2, 2.0)
    with pytest.raises(UnknownName, match=r"did you mean 'bend\.swirl\.mask\.softness'"):
        edit.put(scene, "bend.swirl.mask.softnes", 1.0)
    with pytest.raises(UnknownName, match="disc"):
        edit.put(scene, "bend.swirl.mask.kind", "disk")


def test_a_preset_and_a_cue_say_it_alike(tmp_path):
    values = {"operator": "rotate", "site": "image"}
    nested = bend_from("a", {**values, "mask": {"kind": "disc", "x": 0.25}})
    assert nested == bend_from("a", {**values, "mask.kind": "disc", "mask.x": 0.25})
    scene = Scene("T", bends=(nested,))
    assert table_of(scene)["bend"]["a"]["mask"] == {"kind": "disc", "x": 0.25}
    assert scene_from(table_of(scene)) == scene
    presets.save(scene, tmp_path / "t.toml")
    assert presets.load(tmp_path / "t.toml") == scene
    with pytest.raises(OutOfRange, match=r"bend\.a\.mask = 'disc': expected a table"):
        bend_from("a", {**values, "mask": "disc"})
    with pytest.raises(OutOfRange, match=r"bend\.a\.mask\.x = 3: expected -2\.\.2"):
        bend_from("a", {**values, "mask": {"x": 3}})


def masked(network, *bends):
    """The picture, with a sound that fades for masks that show it."""
    return picture(network, bends, trace=trace)


def test_every_kind_acts_at_every_site_that_is_a_picture(model, mask_folder):
    network = Network(model, 64, 64, Setup(drawn=DrawnMasks([mask_folder])))
    plain = masked(network).image.tensor
    for site in filter(is_picture, network.sites):
        whole = masked(network, replace(SWIRL, site=site)).strength["swirl"]
        for kind in set(masks.KINDS) - {"incoming"}:  # the light of a picture, which none is here
            bend = replace(SWIRL, site=site, mask={"kind": kind, "picture": "left"})
            network.check(Scene(bends=(bend,)))
            painted = masked(network, bend)
            assert not torch.equal(painted.image.tensor, plain), (site, kind)
            assert 0.0 < painted.strength["swirl"] < whole * 1.0001, (site, kind)
            still = replace(bend, values={"angle": 0.0})
            assert torch.equal(masked(network, still).image.tensor, plain), (site, kind)


@pytest.mark.parametrize("site", ["unet.text", "unet.time", "unet.text#0"])
def test_a_site_without_height_and_width_has_no_mask(model, site):
    network = Network(model, 64, 64)
    with pytest.raises(Refused, match=r"bend\.swirl\.mask\.kind = 'disc': unet.* expected none"):
        network.check(Scene(bends=(replace(DISC, site=site),)))


def test_a_drawing_that_is_not_there_is_refused_before_it_plays(model, mask_folder):
    network = Network(model, 64, 64, Setup(drawn=DrawnMasks([mask_folder])))
    for name in ("", "lost", "broken"):
        bend = replace(SWIRL, mask={"kind": "picture", "picture": name})
        with pytest.raises(LivebendError):
            network.check(Scene(bends=(bend,)))


moves = st.lists(
    st.tuples(
        st.sampled_from(["latent@0", "latent@0.5", "unet.skip.1", "unet.mid", "vae.up.0"]),
        st.sampled_from(sorted(masks.KINDS)),
        st.sampled_from([0.0, 0.3]),
        st.sampled_from([0.0, 40.0]),
        st.sampled_from([0.0, 1.0]),
    ),
    min_size=2, max_size=5,
)  # fmt: skip


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(moves)
def test_remembered_equals_recomputed(model, mask_folder, steps):
    drawn = DrawnMasks([mask_folder])
    remembering = Network(model, 64, 64, Setup(drawn=drawn))
    for site, kind, x, angle, invert in steps:
        mask = {"kind": kind, "x": x, "invert": invert, "picture": "left"}
        bends = (Bend("swirl", "rotate_pairs", site, {"angle": angle}, mask=mask),)
        kept = masked(remembering, *bends).pixels.tensor
        fresh = masked(Network(model, 64, 64, Setup(drawn=drawn)), *bends).pixels.tensor
        assert torch.equal(kept, fresh)


def test_a_mask_that_stands_still_runs_nothing(model):
    network = Network(model, 64, 64)
    masked(network, DISC)
    network.frame()
    masked(network, DISC)
    assert network.memory.ran.seconds == {}
    masked(network, replace(DISC, mask={**DISC.mask, "x": 0.5}))
    ran = set(network.memory.ran.seconds)
    assert {"mask", "bend", "unet.up.0"} <= ran
    assert "unet.down.0" not in ran
