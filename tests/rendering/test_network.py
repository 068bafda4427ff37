"""Remembered == recomputed, bit for bit; only what changed runs; neutral bends do nothing."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livebend.bending.apply import fraction_of
from livebend.core.errors import OutOfRange, Refused, UnknownName
from livebend.device.memory import Memory
from livebend.models.sampler import Noising, schedule
from livebend.models.stages import time_stage
from livebend.operators.library import all_operators
from livebend.rendering.network import Network, Setup
from livebend.scene.values import Bend, Sampling, Scene
from tests.fakes.networks import ONE_STEP, CountingEngine, picture, swirl, text_of

SIZE = (64, 64)
RULES = ("nearest", "insert", "split")


@pytest.fixture
def network(model):
    return Network(model, *SIZE, Setup(CountingEngine()))


def test_sites_are_in_reading_order(network):
    assert network.sites[:8] == (
        "unet.text", "latent", "unet.time", "unet.in", "unet.skip.0", "unet.text.down.0",
        "unet.attention.down.0", "unet.down.0",
    )  # fmt: skip
    assert [s for s in network.sites if s.startswith("vae")] == [
        "vae.in", "vae.up.0", "vae.up.1", "vae.up.2",
    ]  # fmt: skip
    assert network.sites[-1] == "image"


def test_every_site_can_be_bent_and_keeps_shape_dtype_and_strides(network):
    plain = picture(network).pixels.tensor
    for site in network.sites:
        bent = picture(network, (swirl(site),)).pixels.tensor
        assert bent.shape == plain.shape, site
        assert not torch.equal(bent, plain), site


@pytest.mark.parametrize("sampling", [ONE_STEP, Sampling("euler", 2), Sampling("lcm", 2)])
def test_neutral_bends_leave_the_bytes(network, sampling):
    plain = picture(network, (), sampling).pixels.tensor.clone()
    bends = [swirl(s, 0.0) for s in network.sites] + [swirl("latent@0.5", 360.0)]
    bends += [swirl("unet.mid", mix=0.0), swirl("unet.mid", mute=True)]
    for bend in bends:
        assert torch.equal(picture(network, (bend,), sampling).pixels.tensor, plain), bend.site


@pytest.mark.parametrize(
    ("site", "first"),
    [("unet.mid", "unet.up.0"), ("unet.up.2", "unet.up.3"), ("unet.text.up.2", "unet.up.2"),
     ("unet.text.mid", "unet.mid"), ("unet.attention.up.3", "unet.up.3"),
     ("unet.skip.1", "unet.up.3"), ("latent@1", "vae.in"), ("vae.up.1", "vae.up.2"),
     ("image", "pixels")],
)  # fmt: skip
def test_only_what_lies_behind_a_bend_runs_again(network, site, first):
    picture(network, (swirl(site, 10.0),))
    network.frame()
    picture(network, (swirl(site, 11.0),))
    ran = [s.name for s in network.stages if s.name in network.memory.ran.seconds]
    names = [s.name for s in network.stages]
    assert ran == names[names.index(first) :]


def test_every_block_that_attends_reads_a_text_of_its_own(network):
    own = [s for s in network.sites if s.startswith("unet.text.")]
    assert own == [
        f"unet.text.{b}" for b in ("down.0", "down.1", "down.2", "mid", "up.1", "up.2", "up.3")
    ]
    plain = picture(network).image.tensor
    images = [picture(network, (swirl(site),)).image.tensor for site in own]
    assert all(not torch.equal(image, plain) for image in images)
    together = picture(network, (swirl("unet.text"),)).image.tensor
    each = [replace(swirl(site), name=f"b{n}") for n, site in enumerate(own)]
    assert torch.equal(picture(network, each).image.tensor, together)


def test_nothing_changed_runs_nothing(network):
    picture(network, (swirl("unet.mid"),))
    network.frame()
    picture(network, (swirl("unet.mid"),))
    assert network.memory.ran.seconds == {}


def test_undo_and_a_b_are_free(network):
    for _ in range(2):
        picture(network)
        picture(network, (swirl("unet.up.2"),))
    network.frame()
    picture(network)
    assert not [n for n in network.memory.ran.seconds if n.startswith(("unet", "vae"))]


moves = st.lists(
    st.tuples(
        st.sampled_from(["latent@0", "latent@0.5", "unet.down.1", "unet.skip.1", "unet.mid",
                         "unet.text.up.1", "unet.attention.up.2", "unet.up.2", "latent@1",
                         "vae.up.0"]),
        st.sampled_from([0.0, 15.0, 90.0]),
        st.sampled_from([46, 47]),
        st.sampled_from([ONE_STEP, *(Sampling("euler", 2, 0.0, r) for r in RULES)]),
    ),
    min_size=2, max_size=5,
)  # fmt: skip


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(moves)
def test_remembered_equals_recomputed(model, steps):
    remembering = Network(model, *SIZE)
    for site, angle, seed, sampling in steps:
        bends = (swirl(site, angle),)
        kept = picture(remembering, bends, sampling, seed).pixels.tensor
        fresh = picture(Network(model, *SIZE), bends, sampling, seed).pixels.tensor
        assert torch.equal(kept, fresh)


INSERTING = Sampling("euler", 1, 0.0, "insert")


def test_insert_adds_a_call_where_the_bend_is(network):
    picture(network, (swirl("latent@0.8"),), INSERTING)
    assert network.engine.ran.count("unet.mid") == 2
    plan = schedule("euler", 1, network.model.noising, (0.8,))
    assert plan.t == (999.0, 181.0, 0.0)
    (time,) = network.memory.newest("unet.time", 1)
    embed = time_stage(network.model.unet).run
    assert torch.equal(time.tensor, embed(torch.tensor([181.0]), text_of(network).tensor)[0])


def test_an_insertion_belongs_to_the_scene_not_to_an_active_bend(network):
    neutral = picture(network, (swirl("latent@0.5", 0.0),), INSERTING).pixels.tensor
    assert network.engine.ran.count("unet.mid") == 2
    muted = picture(network, (swirl("latent@0.5", 90.0, mute=True),), INSERTING).pixels.tensor
    assert torch.equal(neutral, muted)


def test_names_of_bends_leave_nothing_behind(network):
    for n in range(30):
        picture(network, (replace(swirl("unet.mid", float(n)), name=f"b{n}"),))
        if n == 3:
            kept = network.memory.bytes
    assert network.memory.bytes == kept


SPLIT = Sampling("euler", 2, 0.0, "split")


@pytest.mark.parametrize("depth", [0.0, 0.1, 0.25, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("sampling", [SPLIT, Sampling("lcm", 3, 0.0, "split")])
def test_shares_of_a_depth_make_one_whole(sampling, depth):
    plan = schedule(sampling.sampler, sampling.steps, Noising())
    shares = plan.neighbours(depth)
    assert sum(w for _, w in shares) == pytest.approx(1.0)
    layers = [plan.layers[k] for k, _ in shares]
    assert sum(w * at for (_, w), at in zip(shares, layers, strict=True)) == pytest.approx(
        max(50 * depth, plan.layers[0])
    )
    assert [k for k, _ in shares] == list(range(shares[0][0], shares[0][0] + len(shares)))


def test_a_depth_on_a_boundary_is_not_split(network):
    for depth in (0.0, 1.0):
        bends = (swirl(f"latent@{depth}"),)
        nearest = picture(network, bends, Sampling("euler", 2)).pixels.tensor
        assert torch.equal(picture(network, bends, SPLIT).pixels.tensor, nearest)


def test_a_split_depth_glides_where_the_nearest_jumps(network):
    def images(rule):
        depths = [k / 40 for k in range(41)]
        sampling = Sampling("euler", 2, 0.0, rule)
        bends = [(swirl(f"latent@{d}", 60.0),) for d in depths]
        return [picture(network, b, sampling).image.tensor for b in bends]

    def largest(pictures):
        return max(float((a - b).abs().mean()) for a, b in pairwise(pictures))

    assert largest(images("split")) < 0.3 * largest(images("nearest"))


@pytest.mark.parametrize(
    ("operator", "values", "w", "expected"),
    [("rotate", {"angle": 300.0}, 0.25, {"angle": 75.0}),
     ("multiply", {"gain": 4}, 0.5, {"gain": 2}), ("multiply", {"gain": 0.0}, 0.5, {"gain": 0.0}),
     ("power", {"exponent": 4}, 0.5, {"exponent": 2}),
     ("transform", {"zoom": 0.25}, 0.5, {"angle": 0, "zoom": 0.5, "x_shift": 0, "y_shift": 0})],
)  # fmt: skip
def test_a_share_is_in_the_terms_of_its_amount(operator, values, w, expected):
    bend = Bend("b", operator, "latent@0.5", values)
    assert fraction_of(bend, w).values == pytest.approx(expected)
    assert fraction_of(bend, 1.0) is bend


def test_a_share_of_what_has_no_amount_is_a_share_of_its_mix():
    for bend in (Bend("b", "sobel", "latent@0.5", mix=0.8), Bend("b", "dilate", "l", mix=0.8)):
        assert fraction_of(bend, 0.25).mix == pytest.approx(0.2)


@pytest.mark.parametrize("operator", sorted(all_operators()))
def test_shares_of_a_neutral_bend_leave_the_bytes(network, operator):
    bend = Bend("b", operator, "latent@0.4", mix=1.0 if all_operators()[operator].amounts else 0.0)
    plain = picture(network, (), SPLIT).image.tensor
    assert torch.equal(picture(network, (bend,), SPLIT).image.tensor, plain)


def test_a_step_confines_a_bend(network):
    two = Sampling("euler", 2)
    both = picture(network, (swirl("unet.mid"),), two).pixels.tensor
    second = picture(network, (swirl("unet.mid#1"),), two).pixels.tensor
    never = picture(network, (swirl("unet.mid#7"),), two).pixels.tensor
    assert not torch.equal(both, second)
    assert torch.equal(never, picture(network, (), two).pixels.tensor)


def test_memory_forgets_beyond_its_cap(model):
    network = Network(model, *SIZE, Setup(memory=Memory(byte_cap=200_000)))
    first = picture(network, (swirl("unet.mid"),)).pixels.tensor
    used, most, evicted = network.memory.state
    assert used <= most == 200_000
    assert evicted > 0
    assert torch.equal(picture(network, (swirl("unet.mid"),)).pixels.tensor, first)


@pytest.mark.parametrize(
    ("site", "channels", "error"),
    [("unet.middle", "all", UnknownName), ("latent@2", "all", Refused),
     ("unet.mid#x", "all", Refused), ("unet.mid", "some", OutOfRange)],
)  # fmt: skip
def test_what_cannot_be_played_is_refused(network, site, channels, error):
    scene = Scene(bends=(replace(swirl(site), channels=channels),))
    with pytest.raises(error):
        network.check(scene)


def test_a_size_that_does_not_fit_is_refused(model):
    with pytest.raises(OutOfRange, match="100x64: expected multiples of 8"):
        Network(model, 100, 64)
