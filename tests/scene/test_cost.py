"""The share that a preset runs again, told without a network, is what a network runs."""

import subprocess
import sys
from dataclasses import replace

import pytest

from livebend.core.clock import SystemTime
from livebend.core.mailbox import OnDemand
from livebend.core.statistics import Statistics
from livebend.core.status import Status
from livebend.device.memory import Versioned
from livebend.flow import Features, Tick
from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network
from livebend.rendering.prompts import Prompts
from livebend.rendering.renderer import Renderer
from livebend.scene.cost import DECODER, UNET, cost_of
from livebend.scene.tables import scene_from
from livebend.scene.values import Bend, Sampling

STILL = {"walk": {"radius": 0.0}}
COSTS = {**UNET, **DECODER}


def preset(site, **more):
    route = {"source": "rms", "target": "bend.b.angle"}
    return {**STILL, "bend": {"b": {"operator": "rotate_pairs", "site": site}},
            "route": {"r": route}, **more}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    return Network(load_model("tiny"), 64, 64)


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
    text = Versioned(-1, network.model.encode(["flames"]))
    noise = network.noise(1)[0]
    bend = Bend("b", "rotate_pairs", site, {"angle": 1.0})
    calls = []
    network.memory.forget()
    for angle in (10.0, 20.0):
        run = _counting(network, calls)
        network.paint(noise, text, (replace(bend, values={"angle": angle}),), sampling)
        run.undo()
    whole, again = calls
    told = cost_of(preset(site, sampling={"steps": steps, "depth": depth}))
    assert told == pytest.approx(again / whole, abs=1e-6)


def _counting(network, calls):
    """Sum the costs of the stages that run, each time one runs."""
    patch = pytest.MonkeyPatch()
    recall, calls_at = network.memory.recall, len(calls)
    calls.append(0.0)

    def counted(name, key, compute, *, step=0):
        def run():
            calls[calls_at] += COSTS.get(name, 0.0)
            return compute()

        return recall(name, key, run, step=step)

    patch.setattr(network.memory, "recall", counted)
    return patch


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
    scene = scene_from(table)
    render = Renderer(
        network, Prompts(network.model.encode), Statistics(SystemTime()), OnDemand(Status())
    )
    calls = []
    network.memory.forget()
    for index in range(4 * frames):
        run = _counting(network, calls)
        render(scene, Features(), Tick(index, 0.1 * index, 0.1, 0.0))
        run.undo()
    again = sum(calls[-frames:]) / frames
    assert cost_of(table) == pytest.approx(again / sum(COSTS.values()), abs=1e-6)


def test_movement_of_everything_and_of_nothing():
    assert cost_of({}) == 1.0
    assert cost_of(STILL) == 0.0
    assert cost_of({**STILL, "route": {"r": {"source": "rms", "target": "prompt.blend"}}}) == 1.0


def test_presets_are_listed_without_torch():
    look = (
        "import sys; from livebend.cli.main import main; main(['presets', '--json']);"
        " sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"reruns": "100 %"' in done.stdout
