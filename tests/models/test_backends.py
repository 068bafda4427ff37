"""Every backend runs the same stages at the same sites; one that fails is replaced and reported."""

import shutil
import threading
from dataclasses import replace

import pytest
import torch

from livebend.cli.bench.bends import time_four
from livebend.cli.bench.stages import time_stages
from livebend.cli.site_survey import survey
from livebend.core.errors import BackendError, UnknownName
from livebend.device.memory import Versioned
from livebend.models.backends import cuda_graphs, engine, openvino, protocol
from livebend.models.backends.aot_compiled import CompiledBackend
from livebend.models.backends.engine import Engine, backends_on
from livebend.models.backends.protocol import Inputs
from livebend.models.fingerprint import fingerprint
from livebend.rendering.network import Network, Setup
from livebend.scene.values import Sampling
from tests.fakes.gpu import FakeGpu
from tests.fakes.networks import (
    GROUPS,
    off_by,
    picture,
    same,
    swirl,
    text_of,
)

CLOSE = 1e-3  # of single precision, ‖y − x‖/‖x‖ of a picture


class FakeBackend:
    """A backend that is torch, counted; `fault` is raised where it is set."""

    own_threads = strided = copies = False
    packages = ()
    loads = runs = 0
    fault: BaseException | None = None
    factor = 1.0
    only: str | None = None

    def __init__(self, target):
        self.target = target

    def load(self, stage, inputs, store, *, build):
        if isinstance(self.fault, BackendError):
            raise self.fault
        if self.only not in (None, stage.name):
            raise BackendError(f"{stage.name} is not for me")
        FakeBackend.loads += 1

        def run(*tensors):
            FakeBackend.runs += 1
            if self.fault is not None:
                raise self.fault
            first, *more = protocol.plain(stage, inputs)(*tensors)
            return (first if self.factor == 1.0 else first * self.factor, *more)

        return lambda: run


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setitem(engine.TABLE, "fake", f"{__name__}:FakeBackend")
    monkeypatch.setattr(engine, "BACKENDS", ("torch", *engine.TABLE))
    for name, value in (
        ("loads", 0),
        ("runs", 0),
        ("fault", None),
        ("factor", 1.0),
        ("only", None),
    ):
        monkeypatch.setattr(FakeBackend, name, value)
    return FakeBackend


def made(model, backend, store, size=(64, 64), **more):
    notices = []
    network = Network(model, *size, Setup(Engine(backend, store, notify=notices.append, **more)))
    network.prepare()
    network.frame()
    return network, notices


def test_a_prepared_engine_loads_nothing_during_a_show(model, store, fake):
    network, notices = made(model, "fake", store)
    loads = fake.loads
    assert loads == len(network.stages) + len(GROUPS)
    for site in ("unet.mid", "unet.skip.1", "latent@0.5", "vae.up.0", "unet.text"):
        for angle in (0.0, 10.0, 20.0):
            picture(network, (swirl(site, angle),), Sampling("euler", 2))
    assert (fake.loads, network.engine.fallbacks, notices) == (loads, 0, [])


@pytest.mark.parametrize(
    ("bends", "apart"),
    [((), ()), (("unet.mid", "unet.skip.1", "unet.text.up.1", "latent@1", "image"), ("vae",)),
     (("unet.down.1",), ("unet.head",)), (("unet.up.0", "unet.out"), ("unet.tail",)),
     (("vae.in",), ("vae",)), (("unet.in", "unet.up.1", "vae.up.0"), GROUPS)],
)  # fmt: skip
def test_stages_run_as_one_where_nothing_is_bent_inside(model, store, fake, bends, apart):
    network, notices = made(model, "fake", store)
    scene = tuple(replace(swirl(site), name=f"b{n}") for n, site in enumerate(bends))
    assert same(picture(network, scene), picture(Network(model, 64, 64), scene))
    assert {g for g in GROUPS if g not in network.memory.ran.seconds} == set(apart)
    assert not notices


def test_a_bend_at_another_step_leaves_a_group_joined(model, store, fake):
    network, _ = made(model, "fake", store)
    bends, two = (swirl("unet.down.1#1"),), Sampling("euler", 2)
    fake.runs = 0
    assert same(picture(network, bends, two), picture(Network(model, 64, 64), bends, two))
    parts = len(network.groups["unet.head"])
    assert fake.runs == 1 + parts + 2 + 1  # the head once as a whole, once apart; tails; decoder


def test_a_group_whose_size_to_reach_differs_inside_is_not_joined(model, store, fake):
    odd, notices = made(model, "fake", store, (72, 72))
    picture(odd)
    assert "unet.tail" not in odd.memory.ran.seconds
    assert not notices


def test_large_weights_are_not_copied_for_a_group(model, store, fake, monkeypatch):
    monkeypatch.setattr(engine, "JOINED", 1000)
    for copies in (False, True):
        monkeypatch.setattr(fake, "copies", copies)
        fake.loads = 0
        network, _ = made(model, "fake", store)
        assert fake.loads == len(network.stages) + (0 if copies else len(GROUPS))


def test_whoever_looks_at_a_stage_has_it_on_its_own(model, store, fake):
    network, notices = made(model, "fake", store)
    with network.unjoined():
        picture(network)
    assert not network.memory.ran.seconds.keys() & set(GROUPS)
    assert [site.name for site in survey(network)] == list(network.sites)
    rows = time_stages(network, 2)
    assert [row["stage"] for row in rows] == [stage.name for stage in network.stages]
    assert time_four(network, 2) > 0.0
    assert not notices


def test_a_backend_may_run_some_stages_only(model, store, fake):
    fake.only = "unet.mid"
    network, notices = made(model, "fake", store)
    assert fake.loads == 1
    assert same(picture(network), picture(Network(model, 64, 64)))
    assert "backend fake: unet.up.0 is not for me; torch runs it" in notices
    assert network.described.startswith(f"torch {len(network.stages) - 1}, fake 1; ")


def test_a_stage_is_loaded_elsewhere_and_a_stale_one_once_more(model, store, fake, monkeypatch):
    """Loading goes on in other threads while torch runs the stages for the first time."""
    threads, stale, load = set(), ["unet.mid"], fake.load

    def loading(self, stage, inputs, store, *, build):
        run = load(self, stage, inputs, store, build=build)

        def finish():
            threads.add(threading.current_thread())
            if stage.name in stale:
                stale.remove(stage.name)
                raise protocol.StaleEngine(f"{stage.name} is broken")
            return run()

        return finish

    monkeypatch.setattr(fake, "load", loading)
    network, notices = made(model, "fake", store)
    assert threading.current_thread() not in threads
    assert fake.loads == len(network.stages) + len(GROUPS) + 1
    assert notices == []
    assert network.described.startswith("fake; ")


@pytest.mark.parametrize("strided", [False, True])
def test_how_a_tensor_lies_matters_only_to_a_backend_that_says_so(
    model, store, fake, monkeypatch, strided
):
    """What torch made while engines were loaded lies channels-last, what engines make does not."""
    monkeypatch.setattr(fake, "strided", strided)
    network, notices = made(model, "fake", store)
    b, c, h, w = network.shape
    turned = torch.zeros(b, w, h, c).transpose(1, 3)
    network.engine.runner(network.stages[0], [Versioned(-1, turned)])
    assert bool(notices) == strided


def test_a_backend_with_threads_of_its_own_leaves_torch_one(model, store, fake, monkeypatch):
    target = protocol.Target("cpu", 3)
    for own in (True, False):
        monkeypatch.setattr(fake, "own_threads", own)
        network, _ = made(model, "fake", store, target=target)
        assert network.engine.torch_threads == (1 if own else 3)
    monkeypatch.setattr(fake, "own_threads", True)
    fake.fault = BackendError("no")
    network, _ = made(model, "fake", store, target=target)
    assert network.engine.torch_threads == 3


def test_a_shape_that_was_not_prepared_runs_on_torch_and_is_reported_once(model, store, fake):
    network, notices = made(model, "fake", store)
    negative, guided = text_of(network, "", -2), Sampling("euler", 1, 3.0)
    expected = picture(Network(model, 64, 64), (), guided, negative=negative)
    assert same(picture(network, (), guided, negative=negative), expected)
    first_notices = list(notices)
    picture(network, (swirl("unet.mid"),), guided, negative=negative)
    assert notices == first_notices
    assert all("not prepared" in line for line in notices)


def test_guidance_can_be_prepared(model, store, fake):
    notices = []
    network = Network(model, 64, 64, Setup(Engine("fake", store, notify=notices.append)))
    network.prepare(guided=True)
    picture(network, (), Sampling("euler", 1, 3.0), negative=text_of(network, "", -2))
    assert notices == []


def test_a_backend_that_is_not_here_falls_back(model, store, fake):
    fake.fault = BackendError("needs the package x: pip install x")
    network, notices = made(model, "fake", store)
    assert notices == ["backend fake: needs the package x: pip install x; torch runs it"]
    assert same(picture(network), picture(Network(model, 64, 64)))


def test_a_backend_that_paints_something_else_is_refused(model, store, fake):
    fake.factor = 1.01
    network, notices = made(model, "fake", store)
    assert "differs from torch by 0.01" in notices[0]
    assert same(picture(network), picture(Network(model, 64, 64)))


def test_a_backend_that_fails_in_a_show_is_replaced_and_nothing_old_is_shown(model, store, fake):
    network, notices = made(model, "fake", store)
    picture(network)
    fake.fault = ValueError("the engine died\nat line 3")
    bent = (swirl("unet.in"),)
    assert same(picture(network, bent), picture(Network(model, 64, 64), bent))
    assert any("ValueError: the engine died; torch runs it now" in line for line in notices)
    fake.fault = None
    runs = fake.runs
    picture(network, (swirl("unet.in", 50.0),))
    assert fake.runs == runs


def test_a_fall_back_is_reported_once(model, store, fake):
    fake.fault = BackendError("no")
    network, notices = made(model, "fake", store)
    for _ in range(2):
        network.prepare()
    assert notices == ["backend fake: no; torch runs it"]
    assert network.engine.described(tuple(s.name for s in network.stages)) == "torch"


def test_what_is_tried_depends_on_the_device():
    assert backends_on("cpu") == ("torch", "onnx", "openvino")
    assert backends_on("gpu") == backends_on("npu") == ("torch", "openvino")
    assert backends_on("cuda") == ("torch", "compiled", "graphs", "onnx")
    assert backends_on("mps") == ("torch",)


def test_an_unknown_backend_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'onnx'"):
        Engine("onx")


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_what_is_not_built_is_not_built_now(model, store, name):
    if name == "onnx":
        pytest.importorskip("onnxruntime")
    _, notices = made(model, name, store, build=False)
    assert all("livebend tune" in notice for notice in notices)
    assert notices


@pytest.mark.parametrize(("threads", "pinned"), [(1, False), (4, True)])
def test_few_threads_leave_the_first_core_to_others(model, store, monkeypatch, threads, pinned):
    """Every process begins to count at the first core, so that two workers had one core between
    them while the other was idle."""
    monkeypatch.setattr("livebend.device.torch_threads.cores", lambda: 4)
    given = []
    read = openvino.OpenVinoBackend._compile

    def compiled(backend, network, name, config, *more):
        given.append(config["ENABLE_CPU_PINNING"])
        return read(backend, network, name, config, *more)

    monkeypatch.setattr(openvino.OpenVinoBackend, "_compile", compiled)
    made(model, "openvino", store, target=protocol.Target("cpu", threads))
    assert set(given) == {pinned}


def test_a_fingerprint_is_of_the_content(model_folder, tmp_path):
    here = model_folder("turbo")
    copy = tmp_path / "copy"
    shutil.copytree(here, copy)
    assert fingerprint(copy) == fingerprint(here)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    assert fingerprint(copy) != fingerprint(here)


# ---- the real ones


@pytest.mark.slow  # a minute of compiling
def test_a_compiled_stage_is_captured_equals_torch_and_is_found_again(model, store, monkeypatch):
    if not shutil.which("g++"):
        pytest.skip("no C++ compiler")
    monkeypatch.setattr(cuda_graphs, "gpu_of", lambda device: FakeGpu())
    network = Network(model, 64, 64)
    picture(network)
    stage = next(stage for stage in network.stages if stage.name == "unet.out")
    (read,) = network.memory.newest("unet.up.3")
    inputs, backend = Inputs((read.tensor,)), CompiledBackend(protocol.Target("cuda"))
    for build in (True, False):
        run = backend.load(stage, inputs, store, build=build)()
        assert torch.allclose(run(read.tensor)[0], stage.run(read.tensor)[0], atol=CLOSE)
    (file,) = store.folder.rglob("*.pt2")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BackendError, match=r"unet\.out: cannot be loaded"):
        backend.load(stage, inputs, store, build=False)
    file.unlink()
    with pytest.raises(BackendError, match=r"unet\.out is not compiled yet: livebend tune"):
        backend.load(stage, inputs, store, build=False)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BackendError, match=r"needs a C\+\+ compiler"):
        backend.load(stage, inputs, store, build=True)


def test_a_broken_blob_is_made_again(model, store):
    made(model, "openvino", store)
    files = sorted(store.folder.rglob("*.blob"))
    files[0].write_bytes(files[0].read_bytes()[:1000])
    network, notices = made(model, "openvino", store)
    assert notices == []
    assert network.described.startswith("openvino; ")
    assert sorted(store.folder.rglob("*.blob")) == files


def test_joined_stages_are_made_from_their_parts_or_traced_where_those_were_stored(model, store):
    network, _ = made(model, "openvino", store)
    joined = picture(network)
    assert {*GROUPS} <= network.memory.ran.seconds.keys()
    for file in store.folder.rglob("*.blob"):
        if file.name.startswith(GROUPS):
            file.unlink()
    again, notices = made(model, "openvino", store)
    assert off_by(picture(again), joined) < CLOSE
    assert notices == []


def test_a_stage_that_cannot_be_converted_runs_on_torch(model, store, monkeypatch):
    def fail(stage, inputs):
        raise TypeError("at line 1\nNo conversion rule found for operations: aten::some")

    monkeypatch.setattr(openvino, "_converted", fail)
    network, notices = made(model, "openvino", store)
    assert "unet.in: cannot be converted: No conversion rule found" in notices[0]
    assert same(picture(network), picture(Network(model, 64, 64)))


@pytest.mark.parametrize("name", ["onnx", "openvino"])
@pytest.mark.parametrize("size", [(64, 64), pytest.param((72, 104), marks=pytest.mark.slow)])
def test_every_exported_stage_equals_torch(model, store, size, name):
    for package in {"onnx": ("onnx", "onnxruntime")}.get(name, ()):
        pytest.importorskip(package)
    network, notices = made(model, name, store, size)
    plain = Network(model, *size)
    for site in network.sites:
        bends = (swirl(site),)
        assert off_by(picture(network, bends), picture(plain, bends)) < CLOSE, site
    again, again_notices = made(model, name, store, size, build=False)
    assert notices == again_notices == []
    assert same(picture(again), picture(network))
