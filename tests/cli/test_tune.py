"""What tune measures is what auto plays, under the same conditions and no others."""

import importlib.util
import json
from dataclasses import replace
from threading import Thread

import pytest
import torch

from livebend.cli import tune as tune_module
from livebend.cli.main import main
from livebend.cli.tune import (
    Measured,
    decided,
    picture_off,
    runnable,
    thread_counts,
    tune,
    winners,
)
from livebend.core.errors import UnknownName
from livebend.device.torch_threads import DEFAULT, counts
from livebend.models.backends import tuned_choice
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.tuned_choice import (
    USUAL,
    Choice,
    Conditions,
    choice_file,
    read_choice,
    write_choice,
)
from livebend.models.checkpoint import load_model
from livebend.rendering.open_network import open_network
from livebend.rendering.small_network import open_small_network
from tests.fakes.networks import CPU

SIZE, WIDE = (64, 64), (96, 96)
HAVE_ONNX = all(map(importlib.util.find_spec, ("onnx", "onnxruntime")))


@pytest.fixture(autouse=True)
def one_frame(monkeypatch):
    monkeypatch.setattr(tune_module, "ROUNDS", 1)
    monkeypatch.setattr(tune_module, "FRAMES", 1)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("livebend.rendering.open_network.cache_folder", lambda: tmp_path)
    return tmp_path


def test_without_a_measurement_auto_is_torch(model_folder, cache):
    told = []
    network = open_network(str(model_folder("turbo")), SIZE, "auto", told.append)
    assert {network.engine.backend_of(s.name) for s in network.stages} == {"torch"}
    assert told == []
    assert not list(cache.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not HAVE_ONNX, reason="no onnx, onnxruntime")
def test_auto_plays_what_was_measured_and_builds_nothing(model_folder, cache, monkeypatch):
    single = (torch.device("cpu"), torch.float32)  # ONNX Runtime runs no bfloat16
    monkeypatch.setattr("livebend.models.checkpoint.best_device", lambda: single)
    folder, told = str(model_folder("turbo")), []
    choice = tune(folder, WIDE, told.append, backends=("onnx",))
    assert {"torch", "onnx", "mixed"} == set(choice.frame_ms)
    made = sorted(cache.rglob("*"))
    told.clear()
    network = open_network(folder, WIDE, "auto", told.append)
    names = {s.name for s in network.stages} | (network.groups.keys() & choice.stages.keys())
    assert {name: network.engine.backend_of(name) for name in names} == choice.stages
    assert (told, network.engine.fallbacks) == ([], 0)
    small = open_small_network(network)
    assert small is not None, "made with the rest, for a governor"
    assert (small.width, small.height) == (72, 72)
    assert (told, network.engine.fallbacks) == ([], 0)
    assert sorted(cache.rglob("*")) == made


def test_every_thread_finds_the_same_choice(tmp_path):
    """A worker that computes with one thread leaves its number to the next: a second show in the
    same process, or a thread of its own, must not be another machine for that."""
    found = []

    def look():
        torch.set_num_threads(7)
        found.append(choice_file(EngineCache(tmp_path, "key"), SIZE, "float32"))

    worker = Thread(target=look)
    worker.start()
    worker.join()
    torch.set_num_threads(DEFAULT)
    assert found == [choice_file(EngineCache(tmp_path, "key"), SIZE, "float32")]


def test_threads_and_layout_are_measured_kept_and_applied(model_folder, cache, monkeypatch):
    monkeypatch.setattr(tune_module, "counts", lambda: (1, 2))
    monkeypatch.setattr(tuned_choice, "usable", lambda: 2)
    clock = quickening()  # two threads and contiguous weights win, whatever this machine does
    monkeypatch.setattr(tune_module, "now", lambda: next(clock))
    asked = []  # two threads on a busy machine of two cores are slow: they are only asked for
    monkeypatch.setattr("livebend.rendering.open_network.compute_with", asked.append)
    folder = str(model_folder("turbo"))
    measuring = {"dtype": "float32", "backends": ("torch",)}
    choice = tune(folder, SIZE, lambda _: None, **measuring)
    assert len(choice.conditions_ms) == 4
    assert choice.conditions == Conditions(2, "contiguous")
    network = open_network(folder, SIZE, "auto", print, dtype="float32")
    assert network.setup.conditions == choice.conditions
    assert asked[-1] == 2
    assert set(asked) == {1, 2}
    assert network.model.unet.conv_in.weight.is_contiguous()
    assert network.described.endswith(" on cpu, 2 threads, contiguous")


def quickening():
    """A clock whose every look comes sooner than the last: what is measured later is faster."""
    seconds, pause = 0.0, 1.0
    while True:
        yield seconds
        seconds, pause = seconds + pause, 0.99 * pause


def test_tune_on_the_command_line(model_folder, cache, capsys, monkeypatch):
    monkeypatch.setattr(tune_module, "counts", lambda: (1,))
    folder = str(model_folder("turbo"))
    assert main(["tune", "--model", folder, "--size", "64", "--backends", "torch", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["stages"]["unet.mid"] == "torch"
    assert table["stage_ms"]["unet.mid"]["torch"] > 0


def measured(**ms):
    stages = {"unet.mid": 0, "image": 1}
    return {n: Measured([sum(v)], {s: [v[k]] for s, k in stages.items()}) for n, v in ms.items()}


def test_every_stage_has_its_winner():
    found = winners(measured(torch=(10.0, 5.0), onnx=(6.0, 9.0)), {})
    assert found == {"unet.mid": "onnx", "image": "torch"}


def test_a_mixture_that_loses_is_not_kept():
    mixture = {"unet.mid": "onnx", "image": "torch"}
    usual = (USUAL, {}, ())
    lost = decided(mixture, measured(torch=(10.0, 5.0), onnx=(6.0, 9.0), mixed=(9.0, 9.0)), *usual)
    kept = decided(mixture, measured(torch=(10.0, 5.0), onnx=(6.0, 9.0), mixed=(6.0, 5.0)), *usual)
    assert set(lost.stages.values()) in ({"torch"}, {"onnx"})
    assert kept.stages == mixture


def test_a_group_joins_where_it_is_faster_so_and_a_winner_joins_its_own():
    times = measured(torch=(10.0, 5.0), onnx=(6.0, 9.0), mixed=(6.0, 5.0))
    parts = {"whole": ("unet.mid", "image")}
    times["onnx"].stages["whole"] = [11.5]
    assert "whole" not in winners(times, parts)
    times["onnx"].stages["whole"] = [10.5]
    mixture = winners(times, parts)
    assert mixture == {"unet.mid": "onnx", "image": "torch", "whole": "onnx"}
    times["onnx"].frames[:] = [1.0]
    alone = dict.fromkeys(("unet.mid", "image"), "torch")
    assert set(decided(alone, times, USUAL, {}, parts).stages.items()) == {
        ("unet.mid", "onnx"), ("image", "onnx"), ("whole", "onnx"),
    }  # fmt: skip
    assert decided(alone, times, USUAL, {}, parts).stage_ms["whole"] == {"onnx": 10.5}


def test_a_choice_is_kept_whole_and_a_broken_one_is_none(tmp_path):
    file = choice_file(EngineCache(tmp_path, "key"), SIZE, "float32")
    assert file != choice_file(EngineCache(tmp_path, "key"), (72, 64), "float32")
    assert file != choice_file(EngineCache(tmp_path, "key"), SIZE, "bfloat16")
    assert read_choice(file) is None
    made = Choice(
        {"image": "torch"}, Conditions(1, "contiguous"), {"image": {"torch": 1.0}}, {"torch": 2.0}
    )
    write_choice(file, made)
    assert read_choice(file) == made
    for impossible in (Conditions(10_000), Conditions(1, "upside_down")):
        write_choice(file, replace(made, conditions=impossible))
        assert read_choice(file) is None
    file.write_text('{"stages": 3}')
    assert read_choice(file) is None


def test_an_unknown_backend_is_refused(model_folder):
    with pytest.raises(UnknownName, match="unknown backend 'trt'"):
        open_network(str(model_folder("turbo")), SIZE, "trt", print)


def test_the_fastest_precision_that_paints_the_same_is_played(model_folder, cache, monkeypatch):
    folder, told = str(model_folder("turbo")), []
    fast = {"float32": 9.0, "bfloat16": 5.0, "float16": 1.0}
    off = {"float32": 0.0, "bfloat16": 0.01, "float16": 0.5}

    def tuned(model, size, dtype, notify, backends):
        stages = dict.fromkeys(("unet.mid", "image"), "torch")
        return Choice(stages, frame_ms={"torch": fast[dtype]}, dtype=dtype, off=off[dtype])

    monkeypatch.setattr(tune_module, "tune_precision", tuned)
    monkeypatch.setattr(tune_module, "worth_measuring", lambda: tuple(fast))
    assert tune(folder, SIZE, told.append).dtype == "bfloat16"
    assert "tune: float16: 1 ms a frame, 50.00% off float32" in told
    network = open_network(folder, SIZE, "auto", print)
    assert network.model.dtype == torch.bfloat16
    assert "bfloat16 (1.0% off float32) on cpu" in network.described
    asked = open_network(folder, SIZE, "auto", print, dtype="float32")
    assert asked.model.dtype == torch.float32


def test_what_a_backend_cannot_run_is_told_in_one_line(model_folder):
    model = load_model(str(model_folder("turbo")), CPU, torch.bfloat16)
    told = []
    assert runnable(("torch", "onnx", "torch"), model, told.append) == ["torch"]
    assert told == ["tune: onnx cannot run bfloat16: it is measured in float32"]


def test_what_is_tried_depends_on_the_device():
    assert thread_counts(torch.device("cuda")) == (USUAL.threads,)
    assert thread_counts(CPU) == counts()


def test_a_picture_in_half_the_bits_is_nearly_the_same(model, model_folder):
    half = load_model(str(model_folder("turbo")), CPU, torch.bfloat16)
    assert picture_off(model, model, SIZE) == 0.0
    assert 0.0 < picture_off(half, model, SIZE) < 0.1


def test_an_unknown_precision_is_refused(model_folder):
    with pytest.raises(UnknownName, match="did you mean 'float16'"):
        open_network(str(model_folder("turbo")), SIZE, "torch", print, dtype="float61")
