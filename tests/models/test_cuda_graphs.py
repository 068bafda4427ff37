"""Captured stages, on a GPU faked on the processor: all but the CUDA calls themselves."""

import pytest
import torch

from livebend.cli.tune import _threads
from livebend.device import gpu
from livebend.device.memory import Versioned
from livebend.device.torch_threads import counts
from livebend.models.backends import aot_compiled, cuda_graphs, engine
from livebend.models.backends.engine import Engine, backends_on
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Inputs
from livebend.models.backends.tuned_choice import USUAL
from livebend.models.checkpoint import lay_out, load_model
from livebend.models.stages import Stage
from livebend.rendering.network import Network, Setup
from livebend.scene.values import Sampling
from tests.fakes.gpu import FakeGpu
from tests.models.test_backends import COMPILER, CPU, F32, GROUPS, picture, swirl


@pytest.fixture
def fake(monkeypatch):
    made = FakeGpu()
    monkeypatch.setattr(cuda_graphs, "gpu_of", lambda device: made)
    return made


@pytest.fixture
def model(model_folder):
    return load_model(str(model_folder("turbo")), CPU, F32)


def captured(model, tmp_path):
    told = []
    engine = Engine("graphs", EngineCache(tmp_path, "key"), notify=told.append)
    network = Network(model, 64, 64, Setup(engine))
    network.prepare()
    network.frame()
    return network, told


def test_a_show_replays_and_captures_nothing(model, fake, tmp_path):
    network, told = captured(model, tmp_path)
    assert fake.calls.count("capture") == len(network.stages) + len(GROUPS)
    fake.calls.clear()
    plain = Network(model, 64, 64)
    for site in ("unet.mid", "unet.text", "unet.attention.up.1", "unet.skip.1", "vae.in"):
        for sampling in (Sampling("euler", 1), Sampling("euler", 2)):
            bends = (swirl(site),)
            got, wanted = picture(network, bends, sampling), picture(plain, bends, sampling)
            assert torch.equal(got, wanted), site
    assert set(fake.calls) == {"replay"}
    assert (told, network.engine.fallbacks) == ([], 0)


def test_what_is_remembered_is_not_written_to_again(model, fake, tmp_path):
    """A replay writes where the one before it wrote; both entries of the memory must stay."""
    network, _ = captured(model, tmp_path)
    turned = [(swirl("unet.in", angle),) for angle in (0.0, 30.0)]
    pictures = [picture(network, bends) for bends in turned]
    kept = [p.clone() for p in pictures]
    fake.calls.clear()
    for bends, before in zip(turned, kept, strict=True):
        assert torch.equal(picture(network, bends), before)
    assert fake.calls == []  # both were remembered
    picture(network, (swirl("unet.in", 60.0),))
    assert all(torch.equal(p, k) for p, k in zip(pictures, kept, strict=True))


def test_another_shape_runs_on_torch_and_says_so(model, fake, tmp_path):
    network, told = captured(model, tmp_path)
    stage = next(s for s in network.stages if s.name == "unet.out")
    double = torch.randn(2, 16, 8, 8)
    runner = network.engine.runner(stage, [Versioned(-1, double)])
    assert torch.equal(runner(double)[0], stage.run(double)[0])
    assert told == ["unet.out: not prepared for this shape, torch runs it"]


def test_a_capture_that_fails_is_told_and_torch_runs_it(model, fake, tmp_path):
    fake.fault = RuntimeError("operation not permitted when stream is capturing\nsecond line")
    network, told = captured(model, tmp_path)
    assert told[0].startswith("backend graphs: unet.in: cannot be captured: ")
    assert "second line" not in told[0]
    assert torch.equal(picture(network), picture(Network(model, 64, 64)))


def test_without_a_gpu_there_is_nothing_to_capture(model, tmp_path):
    network, told = captured(model, tmp_path)
    assert told == ["backend graphs: needs an NVIDIA GPU; torch runs it"]
    assert network.engine.described(s.name for s in network.stages) == "torch"


def test_a_layout_that_changes_leaves_a_graph_its_weights(model, fake):
    stage = Network(model, 64, 64).stages[0]
    runner = cuda_graphs.captured(stage, stage.run, Inputs((torch.randn(1, 4, 8, 8),)))
    before = model.unet.conv_in.weight.data_ptr()
    lay_out(model, torch.contiguous_format)
    assert model.unet.conv_in.weight.data_ptr() != before
    assert before in {w.data_ptr() for w in runner._weights}


@COMPILER
def test_a_compiled_stage_is_captured_on_a_gpu(model, fake, tmp_path, monkeypatch):
    monkeypatch.setattr(aot_compiled, "gpu_of", lambda device: fake)
    told = []
    engine = Engine({"unet.out": "compiled"}, EngineCache(tmp_path, "key"), notify=told.append)
    network = Network(model, 64, 64, Setup(engine))
    network.prepare()
    assert (fake.calls.count("capture"), told) == (1, [])
    x, y = picture(Network(model, 64, 64)), picture(network)
    assert fake.calls[-1] == "replay"
    assert float((x - y).norm() / x.norm()) < 1e-3


def test_a_tensor_that_is_written_twice_is_copied_once(fake):
    stage = Stage("some", ("a",), ("b", "c"), lambda x: (x + 1,) * 2)
    first, second = cuda_graphs.captured(stage, stage.run, Inputs((torch.zeros(2),)))(torch.ones(2))
    assert first is second
    assert torch.equal(first, torch.full((2,), 2.0))


def test_what_is_tried_depends_on_the_device():
    assert backends_on("cpu") == ("torch", "compiled", "onnx")
    assert backends_on("cuda") == ("torch", *engine.TABLE)
    assert backends_on("mps") == ("torch",)
    assert _threads(torch.device("cuda")) == (USUAL.threads,)
    assert _threads(CPU) == counts()


def test_a_thread_enters_the_stream_of_frames(monkeypatch, fake):
    monkeypatch.setattr(gpu, "gpu_of", lambda device: fake)
    gpu.paint_on(CPU)
    assert fake.calls == ["enter"]
