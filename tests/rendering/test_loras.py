"""LoRAs whose strength moves: what is shown is bit for bit what a network that was opened with that
strength shows, and nothing is compiled on the way."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from livebend.device.memory import Versioned
from livebend.flow import Features
from livebend.models.backends.engine import Engine
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.checkpoint import load_model
from livebend.models.lora_file import WantedLora
from livebend.rendering.network import Network, Setup
from livebend.rendering.open_network import store_of
from livebend.scene.values import Lora, Prompt, Route
from tests.fakes import loras
from tests.fakes.networks import CPU, F32, CountingEngine, off_by, picture, same
from tests.fakes.shows import STILL, Show

DRUM = Route("drum", "kick.pulse", "lora.grain.strength", high=1.0, release=0.2)


@pytest.fixture(scope="module")
def grained(model, tmp_path_factory):
    """The model with two LoRAs: `grain` on the way up and in the text encoder, `ink` on the way
    down."""
    folder = tmp_path_factory.mktemp("loras")
    ends = (*loras.ATTENTION, *loras.CONVOLUTIONS)
    made = {
        "grain": loras.random_layers(model, ends, where="up_blocks.2"),
        "ink": loras.random_layers(model, ends, (), where="down_blocks.1", seed=2),
    }
    files = {name: loras.write(folder / f"{name}.safetensors", made[name]) for name in made}
    wanted = tuple(WantedLora(name, file) for name, file in files.items())
    return load_model(replace(model.wanted, loras=wanted), CPU, F32)


def show(model):
    return Show(Network(model, 64, 64))


def still(grain=0.1, ink=0.3, text=1.0, **more):
    return replace(STILL, loras=(Lora("grain", grain, text), Lora("ink", ink)), **more)


@pytest.mark.parametrize("frames", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_a_drum_plays_a_lora(grained, frames):
    """Each frame of a route that is looked at is what a show begun with that strength paints
    first."""
    kept, seen = show(grained), set()
    for n in range(frames):
        shown = kept.frame(still(routes=(DRUM,)), features=Features(kick_count=n // 5))
        if n % 7 == 0:
            strength = 0.1 + kept.status.get().routes[0].output
            assert np.array_equal(shown, show(grained).frame(still(strength)))
            seen.add(strength)
    assert len(seen) > 4


def test_only_what_it_touches_and_what_lies_behind_runs_again(grained):
    network = Network(grained, 64, 64, Setup(CountingEngine()))
    text = network.model.encode(["a red orb"])

    def ran(grain, ink):
        network.engine.ran.clear()
        picture(network, text=text, loras=(Lora("grain", grain), Lora("ink", ink)))
        return network.engine.ran

    assert ran(0.5, 0.5)[0] == "unet.in"
    assert ran(0.6, 0.5)[0] == "unet.up.2"
    assert ran(0.6, 0.6)[0] == "unet.down.1"
    assert ran(0.6, 0.6) == []
    assert ran(0.0, 0.6)[0] == "unet.up.2"
    assert ran(0.6, 0.6) == []  # remembered


def test_a_lora_on_what_reads_the_time_plays_too(model, tmp_path):
    layers = loras.random_layers(model, ("time_embedding.linear_1",), ())
    file = loras.write(tmp_path / "t.safetensors", layers)
    timed = load_model(replace(model.wanted, loras=(WantedLora("t", file),)), CPU, F32)
    network = Network(timed, 64, 64)
    plain = picture(network)
    moved = picture(network, loras=[Lora("t", 0.5)])
    assert not same(moved, plain)
    assert same(moved, picture(Network(timed, 64, 64), loras=[Lora("t", 0.5)]))
    merged = Network(loras.merge(load_model(model.wanted, CPU, F32), layers, 0.5), 64, 64)
    assert off_by(moved, picture(merged)) < 1e-5


def test_the_prompt_is_read_with_it(grained):
    kept = show(grained)
    first = kept.frame(still(0.5))
    without = kept.frame(still(0.5, text=0.0))
    assert not np.array_equal(first, without)
    assert np.array_equal(without, show(grained).frame(still(0.5, text=0.0)))
    assert np.array_equal(first, kept.frame(still(0.5)))


def test_a_moving_strength_is_no_new_prompt(grained):
    """The fade from one prompt to the next neither begins anew nor ends."""
    kept, fading = show(grained), Prompt("a blue flower", fade=1.0)
    kept.frame(still(0.2), 0.0)
    for n in range(1, 6):
        moved = kept.frame(still(0.2 + 0.1 * n, prompt=fading), 0.3 * n)
    assert np.array_equal(moved, show(grained).frame(still(0.2 + 0.1 * n, prompt=fading)))


def test_no_engine_is_compiled_again(grained, tmp_path):
    """A stage on OpenVINO, whose weights are constants, reads the strength."""
    network = Network(grained, 64, 64)
    stage = next(stage for stage in network.stages if stage.name == "unet.down.1")
    assert stage.reads[-1] == "lora.ink"
    torch.manual_seed(0)
    attention = stage.attention.ones(torch.zeros(1, 16, 4, 4))
    inputs = torch.randn(1, 16, 4, 4), torch.randn(1, 64), torch.randn(1, 16, 32), attention
    store, compiled = EngineCache(tmp_path, "lora"), []
    engine = Engine("openvino", store, notify=pytest.fail)

    def run(strength):
        read = [Versioned(0, x) for x in (*inputs, torch.tensor([strength]))]
        runner = engine.runner(stage, read)
        compiled.append(runner)
        return runner(*[value.tensor for value in read])[0]

    with torch.inference_mode():
        with engine.preparing():
            run(1.0)
        for strength in (0.0, 0.3, -2.0):
            (wanted, *_) = stage.run(*inputs, torch.tensor([strength]))
            assert torch.allclose(run(strength), wanted, rtol=1e-3, atol=1e-3)
    assert len(set(compiled[1:])) == 1


def test_engines_are_those_of_its_loras(model, grained):
    other = replace(grained, wanted=replace(grained.wanted, loras=grained.wanted.loras[:1]))
    keys = {store_of(each).key for each in (model, grained, other)}
    assert len(keys) == 3
    assert store_of(grained, loras=False).key == store_of(model).key


def test_half_precision_plays_it(grained):
    half = load_model(grained.wanted, CPU, torch.bfloat16)
    network = Network(half, 64, 64)
    on = picture(network, loras=[Lora("grain", 0.5)])
    assert bool(on.total.tensor.isfinite())
    assert not same(on, picture(network))
