"""Captured stages, on a faked GPU: all but the CUDA calls themselves."""

import pytest
import torch

from livebend.device.memory import Versioned
from livebend.models.backends import cuda_graphs
from livebend.models.backends.engine import Engine
from livebend.models.backends.protocol import Inputs
from livebend.models.stages import Stage
from livebend.rendering.network import Network, Setup
from livebend.rendering.open_network import open_network
from livebend.scene.values import Sampling
from tests.fakes.gpu import FakeGpu
from tests.fakes.networks import CPU, GROUPS, picture, same, swirl


@pytest.fixture
def fake(monkeypatch):
    made = FakeGpu()
    monkeypatch.setattr(cuda_graphs, "gpu_of", lambda device: made)
    return made


def captured(model, store):
    """A network whose stages are captured, and the notices of it."""
    notices = []
    network = Network(model, 64, 64, Setup(Engine("graphs", store, notify=notices.append)))
    network.prepare()
    network.frame()
    return network, notices


def test_a_show_replays_and_captures_nothing(model, fake, store):
    network, notices = captured(model, store)
    assert fake.calls.count("capture") == len(network.stages) + len(GROUPS)
    fake.calls.clear()
    plain = Network(model, 64, 64)
    for site in ("unet.mid", "unet.text", "unet.attention.up.1", "unet.skip.1", "vae.in"):
        for sampling in (Sampling("euler", 1), Sampling("euler", 2)):
            bends = (swirl(site),)
            painted, wanted = (picture(n, bends, sampling) for n in (network, plain))
            assert same(painted, wanted), site
    assert set(fake.calls) == {"replay"}
    assert (notices, network.engine.fallbacks) == ([], 0)


def test_what_is_remembered_is_not_written_to_again(model, fake, store):
    """A replay writes where the one before it wrote; both entries of the memory must stay."""
    network, _ = captured(model, store)
    turned = [(swirl("unet.in", angle),) for angle in (0.0, 30.0)]
    pictures = [picture(network, bends).pixels.tensor for bends in turned]
    kept = [pixels.clone() for pixels in pictures]
    fake.calls.clear()
    for bends, before in zip(turned, kept, strict=True):
        assert torch.equal(picture(network, bends).pixels.tensor, before)
    assert fake.calls == []  # both were remembered
    picture(network, (swirl("unet.in", 60.0),))
    assert all(torch.equal(pixels, k) for pixels, k in zip(pictures, kept, strict=True))


def test_another_shape_runs_on_torch_and_reports_it(model, fake, store):
    network, notices = captured(model, store)
    stage = next(s for s in network.stages if s.name == "unet.out")
    double = torch.randn(2, 16, 8, 8)
    runner = network.engine.runner(stage, [Versioned(-1, double)])
    assert torch.equal(runner(double)[0], stage.run(double)[0])
    assert notices == ["unet.out: not prepared for this shape, torch runs it"]


def test_a_capture_that_fails_is_reported_and_torch_runs_it(model, fake, store):
    fake.fault = RuntimeError("operation not permitted when stream is capturing\nsecond line")
    network, notices = captured(model, store)
    assert notices[0].startswith("backend graphs: unet.in: cannot be captured: ")
    assert "second line" not in notices[0]
    assert same(picture(network), picture(Network(model, 64, 64)))


def test_without_a_gpu_there_is_nothing_to_capture(model, store):
    network, notices = captured(model, store)
    assert notices == ["backend graphs: needs an NVIDIA GPU; torch runs it"]
    assert network.engine.described(tuple(s.name for s in network.stages)) == "torch"


def test_a_tensor_that_is_written_twice_is_copied_once(fake):
    stage = Stage("some", ("a",), ("b", "c"), lambda x: (x + 1,) * 2)
    first, second = cuda_graphs.captured(stage, stage.run, Inputs((torch.zeros(2),)))(torch.ones(2))
    assert first is second
    assert torch.equal(first, torch.full((2,), 2.0))


@pytest.mark.parametrize("fails", [False, True])
def test_a_gpu_captures_without_being_asked(model_folder, fake, tmp_path, monkeypatch, fails):
    """Before the show, in half precision; what cannot be captured is said, and torch runs it."""
    module = "livebend.rendering.open_network"
    monkeypatch.setattr(f"{module}.device_of", lambda name, model: "cuda")
    monkeypatch.setattr(f"{module}.on_torch", lambda device: CPU)
    monkeypatch.setattr(f"{module}.cache_folder", lambda: tmp_path)
    fake.fault = RuntimeError("operation not permitted") if fails else None
    told = []
    network = open_network(str(model_folder("turbo")), (64, 64), "auto", told.append)
    runs = "torch" if fails else "graphs"
    assert network.described.startswith(f"{runs}; ")
    assert network.described.endswith("; float16 on cuda")
    assert bool(told) == fails
    assert all(line.endswith("torch runs it") for line in told)
    captures = fake.calls.count("capture")
    picture(network)
    assert fake.calls.count("capture") == captures
