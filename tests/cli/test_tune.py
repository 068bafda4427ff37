"""What tune measures is what auto plays, on the same device with the same threads."""

import json
from dataclasses import replace
from threading import Thread

import pytest
import torch

from livebend.cli import tune as tune_module
from livebend.cli.main import main
from livebend.cli.tune import thread_counts, tune
from livebend.core.errors import Refused, UnknownName
from livebend.device.torch_threads import DEFAULT, counts
from livebend.models.backends import tuned_choice
from livebend.models.backends.engine_cache import EngineCache
from livebend.models.backends.protocol import Target
from livebend.models.backends.tuned_choice import Choice, choice_file, read_choice, write_choice
from livebend.rendering.open_network import made_by, open_network
from livebend.rendering.small_network import open_small_network

SIZE, WIDE = (64, 64), (96, 96)


@pytest.fixture(autouse=True)
def one_frame(monkeypatch):
    monkeypatch.setattr(tune_module, "ROUNDS", 1)
    monkeypatch.setattr(tune_module, "FRAMES", 1)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("livebend.rendering.open_network.cache_folder", lambda: tmp_path)
    return tmp_path


def test_without_a_measurement_auto_is_the_usual_backend(model_folder, cache):
    told = []
    network = open_network(str(model_folder("turbo")), WIDE, "auto", told.append, device="cpu")
    assert told == []
    assert network.described.startswith("openvino; ")
    assert "openvino 20" in made_by(network)
    again = open_network(str(model_folder("turbo")), WIDE, "auto", told.append, device="cpu")
    assert made_by(again) == made_by(network)


def test_auto_plays_what_was_measured_and_builds_nothing(model_folder, cache):
    folder, told = str(model_folder("turbo")), []
    choice = tune(folder, WIDE, told.append, dtype="float32", device="cpu")
    assert {setting.partition(",")[0] for setting in choice.frame_ms} == {"torch", "openvino"}
    assert choice.off < 1e-3
    made = sorted(cache.rglob("*"))
    told.clear()
    network = open_network(folder, WIDE, "auto", told.append, dtype="float32", device="cpu")
    assert (network.engine.backend, network.engine.target) == (choice.backend, choice.target)
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
        found.append(choice_file(EngineCache(tmp_path, "key"), SIZE, "auto", "float32"))

    worker = Thread(target=look)
    worker.start()
    worker.join()
    torch.set_num_threads(DEFAULT)
    assert found == [choice_file(EngineCache(tmp_path, "key"), SIZE, "auto", "float32")]


def test_threads_are_measured_kept_and_applied(model_folder, cache, monkeypatch):
    monkeypatch.setattr(tune_module, "counts", lambda: (1, 2))
    monkeypatch.setattr(tuned_choice, "usable", lambda: 2)
    clock = quickening()  # two threads win, whatever this machine does
    monkeypatch.setattr(tune_module, "now", lambda: next(clock))
    asked = []  # two threads on a busy machine of two cores are slow: they are only asked for
    monkeypatch.setattr("livebend.rendering.open_network.compute_with", asked.append)
    folder, on = str(model_folder("turbo")), {"dtype": "float32", "device": "cpu"}
    choice = tune(folder, SIZE, lambda _: None, **on, backends=())
    assert len(choice.frame_ms) == 2
    assert choice.target == Target("cpu", 2)
    network = open_network(folder, SIZE, "auto", print, **on)
    assert network.engine.target == choice.target
    assert asked[-1] == 2
    assert set(asked) == {1, 2}
    assert network.described == "torch; euler, 1 step, no guidance; float32 on cpu, 2 threads"


def quickening():
    """A clock whose every look comes sooner than the last: what is measured later is faster."""
    seconds, pause = 0.0, 1.0
    while True:
        yield seconds
        seconds, pause = seconds + pause, 0.99 * pause


def test_tune_on_the_command_line(model_folder, cache, capsys, monkeypatch):
    monkeypatch.setattr(tune_module, "counts", lambda: (1,))
    command = ["tune", "--model", str(model_folder("turbo")), "--size", "64", "--backends", "torch"]
    assert main([*command, "--dtype", "float32", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["backend"], table["target"]) == ("torch", {"device": "cpu", "threads": 1})
    assert table["frame_ms"]["torch, float32, on cpu, 1 thread"] > 0
    assert main([*command, "--dtype", "float32"]) == 0
    assert "torch, float32, on cpu, 1 thread  chosen" in capsys.readouterr().out


def test_a_choice_is_kept_whole_and_a_broken_one_is_none(tmp_path):
    store = EngineCache(tmp_path, "key")
    file = choice_file(store, SIZE, "auto", "float32")
    others = [((72, 64), "auto", "float32"), (SIZE, "cpu", "float32"), (SIZE, "auto", "bfloat16")]
    assert file not in {choice_file(store, *other) for other in others}
    assert read_choice(file) is None
    made = Choice("torch", Target("cpu", 1), "float32", 0.01, {"torch, float32, on cpu": 2.0})
    write_choice(file, made)
    assert read_choice(file) == made
    for impossible in ({"target": Target("cpu", 10_000)}, {"backend": "gone"}):
        write_choice(file, replace(made, **impossible))
        assert read_choice(file) is None
    file.write_text('{"stages": 3}')
    assert read_choice(file) is None


def test_the_fastest_that_paints_the_same_is_chosen(model_folder, cache, monkeypatch):
    monkeypatch.setattr(tune_module, "counts", lambda: (1,))
    clock = quickening()  # what is measured last is the fastest: bfloat16
    monkeypatch.setattr(tune_module, "now", lambda: next(clock))
    monkeypatch.setattr(tune_module, "best_dtype", lambda device: torch.bfloat16)
    folder = str(model_folder("turbo"))
    choice = tune(folder, SIZE, lambda _: None, device="cpu", backends=())
    assert (choice.dtype, choice.off > 0.0) == ("bfloat16", True)
    network = open_network(folder, SIZE, "auto", print, device="cpu")
    assert network.model.dtype == torch.bfloat16
    assert f"bfloat16 ({choice.off:.1%} off float32) on cpu" in network.described
    asked = open_network(folder, SIZE, "torch", print, dtype="float32")
    assert asked.model.dtype == torch.float32
    monkeypatch.setattr(tune_module, "ALIKE", choice.off / 2)
    assert tune(folder, SIZE, lambda _: None, device="cpu", backends=()).dtype == "float32"


def test_what_is_tried_depends_on_the_device():
    assert len(thread_counts("cuda")) == 1
    assert thread_counts("cpu") == counts()


def test_what_cannot_run_is_refused(model_folder):
    folder = str(model_folder("turbo"))
    with pytest.raises(UnknownName, match="unknown backend 'trt'"):
        open_network(folder, SIZE, "trt", print)
    with pytest.raises(UnknownName, match="did you mean 'float16'"):
        open_network(folder, SIZE, "torch", print, dtype="float61")
    with pytest.raises(UnknownName, match="did you mean 'cuda'"):
        open_network(folder, SIZE, "torch", print, device="cudo")
    with pytest.raises(Refused, match="device = npu: not here; expected cpu"):
        open_network(folder, SIZE, "torch", print, device="npu")
