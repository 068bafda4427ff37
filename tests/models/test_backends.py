"""Every backend runs the same stages at the same sites; one that fails is replaced and reported."""

import shutil
import sys
import threading
from dataclasses import replace

import pytest

from livebend.cli.bench.bends import time_four
from livebend.cli.bench.stages import time_stages
from livebend.cli.site_survey import survey
from livebend.core.errors import BackendError, UnknownName
from livebend.models.backends import engine, protocol
from livebend.models.backends.aot_compiled import CompiledBackend
from livebend.models.backends.engine import Engine, backends_on
from livebend.models.backends.protocol import Inputs
from livebend.models.checkpoint import load_model
from livebend.models.fingerprint import fingerprint
from livebend.rendering.network import Network, Setup
from livebend.scene.values import Sampling
from tests.fakes.networks import (
    CPU,
    F32,
    GROUPS,
    ONE_STEP,
    off_by,
    picture,
    same,
    swirl,
    text_of,
)

COMPILER = pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")
CLOSE = 1e-3  # of single precision, ‖y − x‖/‖x‖ of a picture


class FakeBackend:
    """A backend that is torch, counted; `fault` is raised where it is set."""

    name = "fake"
    own_threads = False
    loads = runs = 0
    fault: BaseException | None = None
    factor = 1.0

    def load(self, stage, inputs, store, *, build):
        FakeBackend.loads += 1
        if isinstance(self.fault, BackendError):
            raise self.fault

        def run(*tensors):
            FakeBackend.runs += 1
            if self.fault is not None:
                raise self.fault
            first, *more = protocol.plain(stage, inputs)(*tensors)
            return (first if self.factor == 1.0 else first * self.factor, *more)

        return run


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setitem(engine.TABLE, "fake", f"{__name__}:FakeBackend")
    monkeypatch.setattr(engine, "BACKENDS", ("torch", *engine.TABLE))
    for name, value in (("loads", 0), ("runs", 0), ("fault", None), ("factor", 1.0)):
        monkeypatch.setattr(FakeBackend, name, value)
    return FakeBackend


def made(model, choice, store, size=(64, 64), **more):
    notices = []
    network = Network(model, *size, Setup(Engine(choice, store, notify=notices.append, **more)))
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
    network, _ = made(model, {"unet.head": "fake"}, store)
    fake.runs = 0
    bends, two = (swirl("unet.down.1#1"),), Sampling("euler", 2)
    assert same(picture(network, bends, two), picture(Network(model, 64, 64), bends, two))
    assert fake.runs == 1


def test_only_what_a_choice_names_is_joined(model, store, fake):
    network, _ = made(model, {"unet.tail": "fake"}, store)
    assert fake.loads == 1
    picture(network)
    ran = network.memory.ran.seconds
    assert [name in ran for name in (*GROUPS, "unet.mid", "image")] == [
        False,
        True,
        False,
        True,
        True,
    ]
    odd, _ = made(model, {"unet.tail": "fake"}, store, (72, 72))
    picture(odd)
    assert "unet.tail" not in odd.memory.ran.seconds


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


def test_a_stage_can_have_a_backend_of_its_own(model, store, fake):
    network, _ = made(model, {"unet.mid": "fake"}, store)
    assert fake.loads == 1
    assert same(picture(network), picture(Network(model, 64, 64)))


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
    assert backends_on("cpu") == ("torch", "compiled", "onnx", "openvino")
    assert backends_on("cuda") == ("torch", "compiled", "graphs", "onnx")
    assert backends_on("mps") == ("torch",)


def test_an_unknown_backend_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'onnx'"):
        Engine("onx")


def test_without_a_compiler_torch_runs_it(model, store, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    _, notices = made(model, {"unet.out": "compiled"}, store)
    assert notices == [
        "backend compiled: needs a C++ compiler (g++, clang++ or cl), and there is none;"
        " torch runs it"
    ]


@pytest.mark.parametrize("name", ["compiled", "onnx"])
def test_what_is_not_built_is_not_built_now(model, store, name):
    if name == "onnx":
        pytest.importorskip("onnxruntime")
    _, notices = made(model, {"unet.out": name}, store, build=False)
    assert "livebend tune" in notices[0]


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


def test_a_compiled_stage_equals_torch_and_is_found_again(model, compiled_store):
    network, notices = made(model, {"unet.out": "compiled"}, compiled_store, build=False)
    assert notices == []
    plain = Network(model, 64, 64)
    for bends in ((), (swirl("unet.up.3"),), (swirl("latent@1"),)):
        assert off_by(picture(network, bends), picture(plain, bends)) < CLOSE
    assert [f.suffix for f in compiled_store.folder.rglob("*.*")] == [".pt2"]


def test_other_threads_go_on_while_a_library_runs(model, compiled_store):
    """With switches this rare the other thread has its turn only where the library gives it one."""
    network, _ = made(model, {"unet.out": "compiled"}, compiled_store, build=False)
    picture(network)
    stage = next(stage for stage in network.stages if stage.name == "unet.out")
    (read,) = network.memory.newest("unet.up.3")
    run = CompiledBackend().load(stage, Inputs((read.tensor,)), compiled_store, build=False)
    go, turns = threading.Event(), []
    other = threading.Thread(target=lambda: (go.wait(), turns.append(1)))
    other.start()
    before = sys.getswitchinterval()
    sys.setswitchinterval(60.0)
    try:
        go.set()
        runs = next((n for n in range(10_000) if (run(read.tensor), turns)[1]), None)
    finally:
        sys.setswitchinterval(before)
        other.join()
    assert runs is not None


def test_a_package_that_is_broken_is_reported(model, compiled_store):
    (file,) = compiled_store.folder.rglob("*.pt2")
    file.write_bytes(file.read_bytes()[:1000])
    _, notices = made(model, {"unet.out": "compiled"}, compiled_store)
    assert "unet.out: cannot be loaded: BadZipFile" in notices[0]


@pytest.mark.slow
@COMPILER
def test_every_compiled_stage_equals_torch(model, store):
    network, notices = made(model, "compiled", store)
    plain = Network(model, 64, 64)
    for site in network.sites:
        bends = (swirl(site),)
        assert off_by(picture(network, bends), picture(plain, bends)) < CLOSE, site
    assert (notices, network.engine.fallbacks) == ([], 0)


@pytest.mark.slow
@COMPILER
def test_the_embedded_model_is_painted_the_same_when_every_stage_is_compiled(store):
    """Minutes of compiling; the times of the stages, beside torch's, are printed."""
    tiny = load_model("tiny", CPU, F32)
    network, notices = made(tiny, "compiled", store, (256, 256))
    assert (notices, network.engine.fallbacks) == ([], 0)
    assert network.engine.described(tuple(s.name for s in network.stages)) == "compiled"
    plain = Network(tiny, 256, 256)
    for bends in ((), (swirl("unet.mid"),), (swirl("unet.up.2"),), (swirl("latent@1"),)):
        assert off_by(picture(network, bends), picture(plain, bends)) < CLOSE
    names = [stage.name for stage in network.stages]
    taken = {name: stage_ms(n, names) for name, n in (("compiled", network), ("torch", plain))}
    for stage in names:
        print(f"{stage:12} {taken['compiled'][stage]:8.2f} ms  torch {taken['torch'][stage]:8.2f}")
    _, again = made(tiny, "compiled", store, (256, 256), build=False)
    assert again == []


def stage_ms(network, names, frames=10):
    """The fastest milliseconds of every stage in fresh frames."""
    text, runs = text_of(network, ""), []
    for seed in range(frames):
        network.frame()
        with network.unjoined():
            network.paint(network.noise(seed)[0], text, (), ONE_STEP)
        runs.append(dict(network.memory.ran.seconds))
    return {name: 1e3 * min(run[name] for run in runs) for name in names}


@pytest.mark.parametrize("name", ["onnx", "openvino"])
@pytest.mark.parametrize("size", [(64, 64), pytest.param((72, 104), marks=pytest.mark.slow)])
def test_every_exported_stage_equals_torch(model, store, size, name):
    for package in {"onnx": ("onnx", "onnxruntime")}.get(name, (name,)):
        pytest.importorskip(package)
    network, notices = made(model, name, store, size)
    plain = Network(model, *size)
    for site in network.sites:
        bends = (swirl(site),)
        assert off_by(picture(network, bends), picture(plain, bends)) < CLOSE, site
    again, again_notices = made(model, name, store, size, build=False)
    assert notices == again_notices == []
    assert same(picture(again), picture(network))
