"""Masks: what holds for every kind, where each lies, and what is refused."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pygame
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livebend.bending.apply import apply_bend
from livebend.core.errors import LivebendError, OutOfRange, PresetError, Refused, UnknownName
from livebend.core.sites import is_picture
from livebend.device.memory import Versioned
from livebend.flow import TRACE_LENGTH, Features
from livebend.models.checkpoint import load_model
from livebend.modulation.feature_history import FeatureHistory
from livebend.operators import masks
from livebend.operators.drawn_masks import DrawnMasks
from livebend.rendering.network import Network, Setup
from livebend.scene import edit, paths, presets
from livebend.scene.commands import Set
from livebend.scene.tables import bend_from, scene_from, table_of
from livebend.scene.values import Bend, Sampling, Scene

CPU = torch.device("cpu")
SIZES = [(32, 32), (9, 5), (8, 24), (1, 1)]
TRACE = tuple(np.linspace(1.0, 0.0, TRACE_LENGTH).tolist())
each = pytest.mark.parametrize("kind", sorted(masks.KINDS))


def drawn(height=64, width=48):
    """Black above, white below."""
    picture = torch.zeros(1, 1, height, width)
    picture[..., height // 2 :, :] = 1.0
    return picture


def built(kind, on=(32, 32), **values):
    chosen = masks.settings({"kind": kind, **values})
    return masks.build(chosen, on, CPU, drawn=drawn() if kind == "picture" else None, trace=TRACE)


def everything(kind):
    """The defaults, then every number at both ends of its range and inside."""
    yield {}
    for name in masks.settings({"kind": kind}):
        if (limits := masks.SPECS[name].range) is not None:
            for position in (0.0, 0.2, 0.5, 0.9, 1.0):
                value = limits.from_unit(position)
                yield {name: int(value) if masks.SPECS[name].kind == "int" else value}


# ---- every kind


@each
@pytest.mark.parametrize("size", SIZES)
def test_it_lies_between_0_and_1_and_is_the_same_again(kind, size):
    for values in everything(kind):
        m = built(kind, size, **values)
        assert m.shape == size, values
        assert m.dtype == torch.float32
        assert m.isfinite().all(), values
        assert m.min() >= 0.0, values
        assert m.max() <= 1.0, values
        assert torch.equal(m, built(kind, size, **values)), values


@each
def test_every_number_it_reads_moves_it(kind):
    plain = built(kind, angle=20.0, aspect=1.7)
    for name in masks.settings({"kind": kind}):
        limits = masks.SPECS[name].range
        if limits is None or name == "span":
            continue
        moved = built(kind, **{"angle": 20.0, "aspect": 1.7, name: int(limits.from_unit(0.53) + 1)})
        assert not torch.equal(moved, plain), name


@each
def test_inverted_is_what_is_left_and_half_way_is_flat(kind):
    m = built(kind)
    assert torch.allclose(built(kind, invert=1.0), 1.0 - m, atol=1e-6)
    assert torch.allclose(built(kind, invert=0.5), torch.full_like(m, 0.5), atol=1e-6)


@each
def test_a_whole_turn_is_no_turn(kind):
    if "angle" in masks.settings({"kind": kind}):
        at = [built(kind, angle=a, x=0.1) for a in (0.0, 360.0, -360.0)]
        assert torch.equal(at[0], at[1])
        assert torch.equal(at[0], at[2])


@each
def test_it_is_documented(kind):
    assert masks.KINDS[kind].__doc__
    assert all(spec.doc for spec in masks.SPECS.values())


# ---- where each lies


def inside(m, u, v):
    """The mask's value at a place of −1..1."""
    H, W = m.shape
    return float(m[round((v + 1) / 2 * (H - 1)), round((u + 1) / 2 * (W - 1))])


@pytest.mark.parametrize("kind", ["disc", "rectangle"])
def test_a_shape_lies_where_it_is_put(kind):
    m = built(kind, (65, 65), x=0.5, y=-0.5, size=0.3, softness=0.0)
    assert inside(m, 0.5, -0.5) == 1.0
    assert inside(m, -0.5, 0.5) == inside(m, 0.9, -0.5) == inside(m, 0.5, 0.0) == 0.0
    assert float(built(kind, (64, 64), size=0.0).amax()) < 1e-5


def test_a_disc_is_round_on_an_oblong_picture_and_covers_what_it_says():
    m = built("disc", (40, 80), size=0.25, softness=0.0)
    area = float(m.sum())
    assert area == pytest.approx(np.pi * (0.25 * 40) ** 2, rel=0.02)
    assert torch.equal(m, m.flip(0))
    assert torch.equal(m, m.flip(1))


def test_a_gradient_grows_to_the_right_and_turns_clockwise():
    m = built("gradient", (64, 64), softness=2.0)
    assert torch.allclose(m[5], torch.linspace(0, 1, 65)[:-1] + 0.5 / 64, atol=1e-5)
    assert torch.allclose(built("gradient", (64, 64), softness=2.0, angle=90.0), m.T, atol=1e-5)


def test_clouds_cover_the_share_they_say():
    for cover in (0.25, 0.5, 0.75):
        shares = [float(built("clouds", cover=cover, seed=s, grain=0.1).mean()) for s in range(20)]
        assert np.mean(shares) == pytest.approx(cover, abs=0.06)


def test_what_was_drawn_fills_the_picture_and_moves():
    m = built("picture", (32, 32))
    assert inside(m, 0.0, -0.5) == 0.0
    assert inside(m, 0.0, 0.5) == 1.0
    assert inside(built("picture", (32, 32), y=0.9), 0.0, 0.5) == 0.0
    assert inside(built("picture", (32, 32), angle=180.0), 0.0, -0.5) == 1.0


def test_a_shape_moves_smoothly_even_on_a_small_site():
    at = [built("disc", (8, 8), x=x, softness=0.0) for x in np.linspace(-0.5, 0.5, 101)]
    assert max(float((a - b).abs().max()) for a, b in pairwise(at)) < 0.1


def test_the_newest_sound_is_at_the_top():
    m = built("scanline", (64, 16))
    assert torch.equal(m[:, 0], m[:, 9])
    assert (m[1:, 0] <= m[:-1, 0]).all()
    assert m[0, 0] == pytest.approx(1.0, abs=0.02)
    assert m[-1, 0] == pytest.approx(0.0, abs=0.02)


# ---- the history of the sound


def test_a_history_is_what_was_heard_newest_first():
    history = FeatureHistory()
    assert history.trace("rms", 4.0) == (0.0,) * TRACE_LENGTH
    for k in range(101):
        history.add(k / 20, Features(rms=k / 200, low=0.25))
    trace = history.trace("rms", 4.0)
    assert trace[0] == 0.5
    assert trace[-1] == pytest.approx(0.1)
    assert set(history.trace("low", 4.0)) == {0.25}
    assert history.trace("rms", 10.0)[-1] == 0.0


def test_a_history_is_bounded_and_the_same_at_every_frame_rate():
    traces = []
    for fps in (20, 60):
        history = FeatureHistory()
        for k in range(60 * fps):
            history.add(k / fps, Features(rms=k / fps / 60))
        traces.append(history.trace("rms", 8.0))
        assert len(history._heard) <= 32 * fps
    assert traces[0] == pytest.approx(traces[1], abs=1.0 / 20 / 60)


# ---- in a bend


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


# ---- drawn masks


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "masks"
    made.mkdir()
    surface = pygame.Surface((6, 4), pygame.SRCALPHA)
    surface.fill((255, 255, 255, 255), (0, 0, 3, 4))
    surface.fill((255, 255, 255, 128), (3, 0, 1, 4))
    pygame.image.save(surface, made / "left.png")
    (made / "broken.png").write_bytes(b"no picture")
    (tmp_path / "secret.png").write_bytes((made / "left.png").read_bytes())
    return made


def test_a_drawing_is_luminance_times_opacity(folder):
    m = DrawnMasks([folder]).get("left")
    assert m.shape == (1, 1, 4, 6)
    assert torch.allclose(m[0, 0, 1], torch.tensor([1, 1, 1, 128 / 255, 0, 0]), atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["", "lefd", "../secret", "/etc/passwd", "left.png", "masks/left", "left\x00", "..", "*"],
)
def test_a_name_never_becomes_a_path(folder, name):
    with pytest.raises(UnknownName, match="drawn mask"):
        DrawnMasks([folder]).get(name)


def test_what_is_no_picture_is_refused(folder, monkeypatch):
    with pytest.raises(Refused, match=r"masks/broken\.png: cannot be read as a PNG"):
        DrawnMasks([folder]).get("broken")
    monkeypatch.setattr("livebend.operators.drawn_masks.LARGEST", 5)
    with pytest.raises(Refused, match="6x4: expected up to 5"):
        DrawnMasks([folder]).get("left")


def test_drawings_lie_beside_a_preset_or_where_one_says(folder):
    beside = DrawnMasks(presets.mask_folders(str(folder.parent / "my.toml")))
    assert beside.names() == ["broken", "left"]
    assert "left" in DrawnMasks(presets.mask_folders("default", folder)).names()
    with pytest.raises(PresetError, match="expected a folder"):
        DrawnMasks(presets.mask_folders("default", folder / "left.png"))


# ---- in the network


@pytest.fixture(scope="module")
def model(model_folder):
    return load_model(str(model_folder("turbo")), CPU, torch.float32)


def trace(name, span):
    return TRACE


def picture(network, bends, sampling=None):
    text = Versioned(-1, network.model.encode(["a red orb"]))
    noise = network.noise(46)[0]
    return network.paint(noise, text, bends, sampling or Sampling("euler", 1), None, trace)


def test_every_kind_acts_at_every_site_that_is_a_picture(model, folder):
    network = Network(model, 64, 64, Setup(drawn=DrawnMasks([folder])))
    plain = picture(network, ())
    for site in network.sites:
        if not is_picture(site):
            continue
        for kind in masks.KINDS:
            mask = {"kind": kind, "picture": "left"}
            bend = replace(SWIRL, site=site, mask=mask)
            network.check(Scene(bends=(bend,)))
            image = picture(network, (bend,))
            assert not torch.equal(image.image.tensor, plain.image.tensor), (site, kind)
            still = replace(bend, values={"angle": 0.0})
            same = picture(network, (still,)).image.tensor
            assert torch.equal(same, plain.image.tensor), (site, kind)
            weak, whole = image.strength["swirl"], picture(network, (replace(bend, mask={}),))
            assert 0.0 < weak < whole.strength["swirl"] * 1.0001


@pytest.mark.parametrize("site", ["unet.text", "unet.time", "unet.text#0"])
def test_a_site_without_height_and_width_has_no_mask(model, site):
    network = Network(model, 64, 64)
    with pytest.raises(Refused, match=r"bend\.swirl\.mask\.kind = 'disc': unet.* expected none"):
        network.check(Scene(bends=(replace(DISC, site=site),)))


def test_a_drawing_that_is_not_there_is_refused_before_it_plays(model, folder):
    network = Network(model, 64, 64, Setup(drawn=DrawnMasks([folder])))
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
def test_remembered_equals_recomputed(model, folder, steps):
    remembering = Network(model, 64, 64, Setup(drawn=DrawnMasks([folder])))
    for site, kind, x, angle, invert in steps:
        mask = {"kind": kind, "x": x, "invert": invert, "picture": "left"}
        bends = (Bend("swirl", "rotate_pairs", site, {"angle": angle}, mask=mask),)
        kept = picture(remembering, bends).pixels.tensor
        fresh = picture(
            Network(model, 64, 64, Setup(drawn=DrawnMasks([folder]))), bends
        ).pixels.tensor
        assert torch.equal(kept, fresh)


def test_a_mask_that_stands_still_runs_nothing(model):
    network = Network(model, 64, 64)
    picture(network, (DISC,))
    network.frame()
    picture(network, (DISC,))
    assert network.memory.ran.seconds == {}
    picture(network, (replace(DISC, mask={**DISC.mask, "x": 0.5}),))
    ran = set(network.memory.ran.seconds)
    assert {"mask", "bend", "unet.up.0"} <= ran
    assert "unet.down.0" not in ran
