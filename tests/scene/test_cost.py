"""The share that a preset runs again, told without a network, is what a network runs."""

from functools import partial

import pytest

from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network, Setup
from livebend.scene.cost import DECODER, UNET, cost_of
from livebend.scene.tables import scene_from
from livebend.scene.values import Sampling
from tests.fakes.networks import CPU, F32, CountingEngine, picture, swirl
from tests.fakes.shows import Show

STILL = {"walk": {"radius": 0.0}}
COSTS = {**UNET, **DECODER}


def preset(site, **more):
    route = {"source": "rms", "target": "bend.b.angle"}
    return {**STILL, "bend": {"b": {"operator": "rotate_pairs", "site": site}},
            "route": {"r": route}, **more}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    return Network(load_model("tiny", CPU, F32), 64, 64, Setup(CountingEngine()))


def cost_of_run(network, painted):
    """The costs of the stages that run while something is painted, each time one runs."""
    network.engine.ran.clear()
    painted()
    return sum(COSTS[stage] for stage in network.engine.ran)


def test_the_table_has_the_stages_of_the_embedded_model(network):
    assert [stage.name for stage in network.stages] == list(COSTS)


@pytest.mark.parametrize("depth", ["nearest", "insert"])
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize(
    "site",
    ["unet.in", "unet.down.1", "unet.skip.1", "unet.skip.6", "unet.mid", "unet.up.2", "unet.up.0#1",
     "unet.text.up.1", "unet.attention.mid", "latent@0", "latent@0.8", "latent@1", "unet.text",
     "vae.in", "vae.up.1", "image"],
)  # fmt: skip
def test_it_agrees_with_what_runs(network, site, steps, depth):
    sampling = Sampling("euler", steps, 0.0, depth)
    bends = [(swirl(site, angle),) for angle in (10.0, 20.0)]
    network.memory.forget()
    whole, again = (cost_of_run(network, partial(picture, network, b, sampling)) for b in bends)
    expected = cost_of(preset(site, sampling={"steps": steps, "depth": depth}))
    assert expected == pytest.approx(again / whole, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "frames"),
    [
        ({"reuse": {"tween": 3}}, 9),
        ({"reuse": {"deep": 3, "level": 1}}, 9),
        ({"reuse": {"deep": 2, "tween": 2}}, 8),
        ({"walk": {"hold": 4}}, 8),
        ({"walk": {"hold": 4}, "reuse": {"tween": 2}}, 8),
    ],
)
def test_it_agrees_with_what_runs_where_it_is_reused(network, table, frames):
    scene, show = scene_from(table), Show(network)
    network.memory.forget()
    costs = [cost_of_run(network, partial(show.frame, scene)) for _ in range(4 * frames)]
    again = sum(costs[-frames:]) / frames
    assert cost_of(table) == pytest.approx(again / sum(COSTS.values()), abs=1e-6)


def test_movement_of_everything_and_of_nothing():
    assert cost_of({}) == 1.0
    assert cost_of(STILL) == 0.0
    assert cost_of({**STILL, "route": {"r": {"source": "rms", "target": "prompt.blend"}}}) == 1.0
