"""Reuse by choice: off it is exact, on it runs what it says, and no change is kept waiting."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livebend.cli.main import parser
from livebend.control.osc_addresses import read
from livebend.control.parameters import tree_of
from livebend.core.errors import LivebendError
from livebend.device.memory import Memory, Versioned
from livebend.flow import Features, Tick
from livebend.rendering.ahead import AheadWork, done
from livebend.rendering.governor import tiers
from livebend.rendering.network import Network, Setup
from livebend.rendering.reuse import Crossing, deep_part, interpolated, labels, read_by
from livebend.scene import paths, presets
from livebend.scene.commands import Load, Set, Undo
from livebend.scene.presets import PresetBank
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import Bend, Prompt, Reuse, Sampling, Scene, Walk
from tests.fakes.networks import CountingEngine
from tests.fakes.shows import Show

MOVING = Scene(prompt=Prompt("a red orb", fade=0.0), walk=Walk(radius=0.5, period=8.0))
DEEP = ["unet.down.2", "unet.down.3", "unet.mid", "unet.up.0", "unet.up.1"]


class ReuseShow(Show):
    """A show whose stages are counted as they run."""

    def __init__(self, model, width=64, height=64, **options):
        super().__init__(Network(model, width, height, Setup(CountingEngine())), **options)
        self.engine = self.network.engine

    def counts(self, scene, frames):
        """How often each stage runs in so many frames of a scene."""
        self.engine.ran.clear()
        for _ in range(frames):
            self.frame(scene)
        return Counter(self.engine.ran)


@pytest.fixture
def show(model):
    return ReuseShow(model)


@pytest.fixture(scope="module")
def names(model):
    every = [stage.name for stage in Network(model, 64, 64).stages]
    cut = every.index("vae.in")
    return every[:cut], every[cut:]


def exact(model, scene, frames):
    """The frames of the scene without reuse."""
    plain = ReuseShow(model)
    scene = replace(scene, reuse=Reuse(), walk=replace(scene.walk, hold=1))
    return [plain.frame(scene).copy() for _ in range(frames)]


def test_sizes_that_no_level_halves_evenly_can_hold_their_deep_stages(model):
    odd = ReuseShow(model, 72, 104)
    scene = replace(MOVING, reuse=Reuse(deep=2))
    frames = [odd.frame(scene).copy() for _ in range(12)]
    assert all(frame.shape == (104, 72, 3) for frame in frames)
    assert len({frame.tobytes() for frame in frames}) > 6


def bent(scene, site, angle):
    return replace(scene, bends=(Bend("b", "rotate_pairs", site, {"angle": angle}),))


# ---- off


@settings(
    max_examples=4,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Reuse(), Reuse(deep=2), Reuse(tween=2), Reuse(2, 3, 3)]),
            st.sampled_from([1, 1, 3]),
            st.sampled_from([1, 2]),
            st.sampled_from(["unet.mid", "latent@1"]),
        ),
        min_size=4,
        max_size=7,
    )
)
def test_off_is_bit_for_bit_what_recomputing_gives_whatever_was_reused_before(model, scenes):
    show = ReuseShow(model)
    for n, (reuse, hold, steps, site) in enumerate(scenes):
        scene = bent(replace(MOVING, reuse=reuse, sampling=Sampling("euler", steps)), site, 9.0 * n)
        scene = replace(scene, walk=replace(scene.walk, hold=hold))
        shown = show.frame(scene)
        if not labels(scene):
            fresh = ReuseShow(model)
            fresh.index = n
            assert np.array_equal(fresh.frame(scene), shown)


def test_the_level_of_the_deep_stages_can_change_while_they_are_reused(show):
    levels = [replace(MOVING, reuse=Reuse(deep=2, level=level)) for level in (2, 3, 1)]
    frames = [show.frame(scene).tobytes() for scene in levels for _ in range(3)]
    assert len(set(frames)) == len(frames)


# ---- tween


def test_a_tween_shows_one_picture_later_what_the_network_would_have_shown(show, model):
    scene = replace(MOVING, reuse=Reuse(tween=3))
    true, shown = exact(model, MOVING, 12), [show.frame(scene) for _ in range(12)]
    for begun in (0, 3, 6):
        assert np.array_equal(shown[begun + 5], true[begun])
    assert len({frame.tobytes() for frame in shown[5:]}) == 7


def test_a_tween_runs_the_network_once_in_n_frames_and_the_decoder_in_all(show, names):
    unet, decoder = names
    scene = replace(MOVING, reuse=Reuse(tween=3))
    show.counts(scene, 6)
    assert show.counts(scene, 9) == dict.fromkeys(unet, 3) | dict.fromkeys(decoder, 9)


def test_a_tween_shares_the_networks_work_out_evenly(show):
    scene = replace(MOVING, reuse=Reuse(tween=3))
    show.counts(scene, 6)
    work = {stage.name: stage.work for stage in show.network.stages}
    parts = [sum(map(work.get, show.counts(scene, 1))) / sum(work.values()) for _ in range(3)]
    assert sum(parts) == pytest.approx(1.0)
    assert max(parts) < 0.6


def test_bends_behind_the_latent_move_on_every_frame_of_a_tween(show):
    still = replace(MOVING, walk=Walk(radius=0.0), reuse=Reuse(tween=4))
    for site in ("latent@1", "vae.up.0", "image"):
        for _ in range(5):
            before = show.frame(bent(still, site, 0.0))
        show.engine.ran.clear()
        after = show.frame(bent(still, site, 90.0))
        assert not np.array_equal(after, before), site
        assert not [name for name in show.engine.ran if name.startswith("unet")]


def test_a_trail_within_a_tween_is_that_of_the_networks_own_pictures(show, model):
    trail = Bend("b", "feedback", "unet.mid", {"trail": 0.5})
    scene = replace(MOVING, bends=(trail,))
    slow = ReuseShow(model)
    true = []
    for index in (0, 3, 6):
        slow.index = index
        tick = Tick(index, 0.1 * index, 0.3, 0.0)
        true.append(slow.render(scene, Features(), tick).pixels)
    tweened = replace(scene, reuse=Reuse(tween=3))
    shown = [show.frame(tweened) for _ in range(12)]
    assert all(np.array_equal(shown[5 + 3 * n], true[n]) for n in range(3))


# ---- deep refresh


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_deep_part_is_a_level_and_its_mirror(show, level):
    unet = tuple(one for one in show.network.stages if one.name.startswith("unet"))
    head, deep, tail = deep_part(unet, level)
    assert (*head, *deep, *tail) == unet
    assert deep[0].name == f"unet.down.{level}"
    assert deep[-1].name == f"unet.up.{3 - level}"
    outside = {name for part in (head,) for one in part for name in one.writes}
    assert set(read_by(deep)) <= outside | {"unet.time", "unet.text"}


def test_deep_stages_run_once_in_n_frames_and_the_others_in_all(show, names):
    unet, decoder = names
    scene = replace(MOVING, reuse=Reuse(deep=3))
    show.counts(scene, 3)
    often = {name: 3 if name in DEEP else 9 for name in unet} | dict.fromkeys(decoder, 9)
    assert show.counts(scene, 9) == often


def test_nothing_is_worked_out_ahead_behind_a_bend_that_moves(show):
    scene = replace(MOVING, reuse=Reuse(deep=3))
    counted = Counter()
    for n in range(12):
        ran = show.counts(bent(scene, "unet.mid", 5.0 * n), 1)
        counted.update(ran if n > 2 else {})
    assert [counted[name] for name in DEEP] == [3, 3, 3, 9, 9]


def test_no_frame_runs_all_deep_stages_once_it_is_under_way(show):
    scene = replace(MOVING, reuse=Reuse(deep=3))
    show.counts(scene, 3)
    parts = [set(show.counts(scene, 1)) & set(DEEP) for _ in range(3)]
    assert set.union(*parts) == set(DEEP)
    assert max(map(len, parts)) < len(DEEP)


def test_what_stands_still_is_exact_with_a_deep_refresh(show, model):
    still = replace(MOVING, walk=Walk(radius=0.0))
    true = exact(model, still, 1)[0]
    scene = replace(still, reuse=Reuse(deep=3))
    assert all(np.array_equal(show.frame(scene), true) for _ in range(7))


def test_the_skips_of_a_deep_refresh_are_live(show):
    scene = replace(MOVING, reuse=Reuse(deep=8))
    assert len({show.frame(scene).tobytes() for _ in range(8)}) == 8


def test_a_bend_among_the_deep_stages_moves_at_once(show, model):
    still = replace(MOVING, walk=Walk(radius=0.0), reuse=Reuse(deep=8))
    show.counts(bent(still, "unet.mid", 10.0), 3)
    show.engine.ran.clear()
    shown = show.frame(bent(still, "unet.mid", 80.0))
    assert show.engine.ran[0] == "unet.up.0"
    assert np.array_equal(shown, exact(model, bent(still, "unet.mid", 80.0), 1)[0])


@pytest.mark.parametrize("reuse", [Reuse(deep=5), Reuse(tween=5), Reuse(deep=3, tween=4)])
@pytest.mark.parametrize(
    "ask",
    [
        {"prompt": Prompt("a blue flower", fade=0.0)},
        {"prompt": Prompt("a red orb", to="a blue flower", blend=1.0, fade=0.0)},
        {"seed": 7},
        {"loads": 1},
    ],
)
def test_what_changes_at_once_is_seen_at_once(show, model, reuse, ask):
    scene = replace(MOVING, reuse=reuse, walk=replace(MOVING.walk, hold=4))
    show.counts(scene, 7)
    asked = replace(scene, **ask)
    fresh = ReuseShow(model)
    fresh.index = 7
    assert np.array_equal(show.frame(asked), fresh.frame(replace(asked, reuse=Reuse())))


def test_another_way_of_sampling_refreshes_the_deep_stages(show, model):
    scene = replace(MOVING, reuse=Reuse(deep=5))
    show.counts(scene, 6)
    for sampling in (Sampling("euler", 2), Sampling("euler", 2, 3.0)):
        fresh = ReuseShow(model)
        fresh.index = show.index
        asked = replace(scene, sampling=sampling)
        assert np.array_equal(show.frame(asked), fresh.frame(asked))


# ---- held walk


def test_a_held_walk_runs_the_network_once_in_k_frames_and_moves_in_all(show, names):
    unet, decoder = names
    scene = replace(MOVING, walk=replace(MOVING.walk, hold=4))
    show.counts(scene, 4)
    assert show.counts(scene, 8) == dict.fromkeys(unet, 2) | dict.fromkeys(decoder, 8)
    assert len({show.frame(scene).tobytes() for _ in range(8)}) == 8


def test_a_held_walk_arrives_at_each_of_its_noises(show, model):
    scene = replace(MOVING, walk=replace(MOVING.walk, hold=4))
    true, shown = exact(model, MOVING, 12), [show.frame(scene) for _ in range(12)]
    for begun in (0, 4, 8):
        assert np.array_equal(shown[begun + 3], true[begun])


def test_a_bend_behind_a_held_noise_runs_its_tail_alone_and_acts_in_full(show):
    scene = replace(MOVING, walk=replace(MOVING.walk, hold=4))
    show.counts(bent(scene, "unet.up.2", 5.0), 5)
    assert next(iter(show.counts(bent(scene, "unet.up.2", 60.0), 1))) == "unet.up.3"


def test_a_noise_that_stands_still_costs_nothing_though_it_is_held(show):
    scene = replace(MOVING, walk=Walk(radius=0.0, hold=2))
    show.frame(scene)
    assert not show.counts(scene, 6)


# ---- the pieces


def test_between_keeps_the_deviation_and_its_ends():
    a, b = torch.randn(2, 1, 4, 32, 32, generator=torch.Generator().manual_seed(1)).unbind()
    for share in (0.0, 0.25, 0.5, 1.0):
        x = interpolated(a, 2.0 * b + 1.0, share)
        expected = torch.lerp(a.std((2, 3), correction=0), 2.0 * b.std((2, 3), correction=0), share)
        assert torch.allclose(x.std((2, 3), correction=0), expected, atol=1e-5)
    assert torch.allclose(interpolated(a, b, 0.0), a, atol=1e-6)
    assert torch.allclose(interpolated(a, b, 1.0), b, atol=1e-6)
    assert torch.allclose(interpolated(a, a, 0.3), a, atol=1e-6)


def test_a_crossing_begins_at_what_was_shown_and_ends_at_what_is():
    memory = Memory()
    old, new = torch.randn(2, 1, 4, 16, 16, generator=torch.Generator().manual_seed(2)).unbind()
    a, b = Versioned(-1, old), Versioned(-2, new)
    crossing = Crossing(memory, "test")
    assert crossing.advance(a, "a", 3, 4) is a
    way = [crossing.advance(b, "b", 4 + n, 4) for n in range(4)]
    expected = [interpolated(old, new, share) for share in (0.25, 0.5, 0.75)]
    assert all(torch.allclose(y.tensor, z, atol=1e-5) for y, z in zip(way, expected, strict=False))
    assert way[3] is b
    assert crossing.advance(b, "b", 8, 4) is b


def test_what_moves_behind_a_crossing_is_seen_in_full():
    x = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(2))
    kick = torch.zeros_like(x)
    kick[..., 4:8, 4:8] = 0.5

    def shown(last):
        crossing = Crossing(Memory(), "test")
        crossing.advance(Versioned(-1, x), "a", 3, 4)
        crossing.advance(Versioned(-2, 0.9 * x), "b", 4, 4)
        return crossing.advance(Versioned(-3, last), "b", 5, 4).tensor

    seen = shown(0.9 * x + kick) - shown(0.9 * x)
    assert float(seen[..., 4:8, 4:8].mean()) == pytest.approx(0.5, abs=0.05)


def counted(log):
    for n in range(10):
        log.append(n)
        yield 1.0
    return "all"


def test_work_ahead_goes_as_far_as_it_is_asked_and_no_further():
    log = []
    work = AheadWork(counted(log), 10.0)
    for share, so_far in ((0.3, 3), (0.25, 3), (0.5, 5), (1.0, 10)):
        work.until(share)
        assert len(log) == so_far
    assert work.result() == "all"
    assert done(counted([])) == "all"


def test_work_ahead_is_finished_though_its_sum_was_guessed_wrong():
    for whole in (0.0, 3.0, 50.0):
        work = AheadWork(counted(log := []), whole)
        work.until(0.5)
        assert work.result() == "all"
        assert len(log) == 10


# ---- engines


def test_no_tier_and_no_reuse_brings_a_shape_that_was_not_prepared(show):
    asked = replace(MOVING, sampling=Sampling("euler", 2, 3.0))
    show.network.prepare(guided=True)
    prepared = [*show.engine.made]
    held = [replace(asked, walk=replace(asked.walk, hold=3))]
    for scene in held + [tier.apply(asked) for tier in tiers(2, guided=True)]:
        show.counts(scene, 5)
    assert show.engine.made == prepared


# ---- faults


def test_a_fault_within_a_tween_is_named_and_its_picture_thrown_away(show, add_operator, model):
    add_operator("explode", lambda x: torch.full_like(x, float("nan")))
    scene = replace(MOVING, reuse=Reuse(tween=3))
    show.counts(scene, 6)
    bad = replace(scene, bends=(Bend("bad", "explode", "unet.mid"),))
    frames = [show.frame(bad) for _ in range(12)]
    assert "bad made values that are not finite" in show.status.get().notices[0].text
    assert show.status.get().counters.nonfinite_frames == 1
    assert all(frame.any() for frame in frames)
    strict = ReuseShow(model, strict=True)
    with pytest.raises(LivebendError, match="bad made values"):
        strict.counts(bad, 6)


# ---- the same everywhere


def test_the_status_says_what_is_reused(show):
    scene = replace(MOVING, reuse=Reuse(deep=3, tween=2), walk=replace(MOVING.walk, hold=5))
    show.frame(scene)
    assert show.status.get().reused == ("held walk 1/5", "deep refresh 1/3", "tween 1/2")
    show.frame(MOVING)
    assert show.status.get().reused == ()


def test_presets_keep_it_and_undo_takes_it_back(tmp_path):
    table = {"walk": {"hold": 6}, "reuse": {"deep": 3, "level": 1, "tween": 2}}
    scene = scene_from(table)
    assert table_of(scene) | {} == {"title": "", "seed": 46, **table}
    assert "reuse" not in table_of(Scene())
    presets.save(scene, tmp_path / "mine.toml")
    assert presets.load(tmp_path / "mine.toml").reuse == scene.reuse
    loaded = Load(scene).apply(Scene())
    assert loaded.reuse == Reuse(3, 1, 2)
    assert Undo().apply(loaded).reuse == Reuse()


@pytest.mark.parametrize(
    ("path", "value", "held"),
    [("walk.hold", 99, 32), ("reuse.deep", 0, 1), ("reuse.level", 7, 3), ("reuse.tween", 2.4, 2)],
)
def test_osc_preset_and_command_line_spell_it_alike(path, value, held):
    address = "/livebend/" + path.replace(".", "/")
    heard = read(address, [value], tree_of(Scene(), {}), PresetBank())
    assert heard.action == Set(path, value)
    assert paths.get(heard.action.apply(Scene()), path) == held
    ((name, number),) = parser().parse_args(["live", "--set", f"{path}={held}"]).sets
    assert paths.get(Set(name, number).apply(Scene()), path) == held
    group, leaf = path.split(".")
    with pytest.raises(LivebendError, match=rf"{path} = {value:g}: expected whole number"):
        scene_from({group: {leaf: value}})
