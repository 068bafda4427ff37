"""What tune measures is what auto plays, under the same conditions and no others."""

import importlib.util
import json

import pytest
import torch

from livebend import opening
from livebend.backends.choices import Choice, choice_file, read_choice, write_choice
from livebend.backends.store import Store
from livebend.cli import main
from livebend.errors import UnknownName
from livebend.opening import open_network
from livebend.tune import HANDICAP, _best, _decided, _Measured, tune

SIZE = (64, 64)
HAVE_ONNX = all(map(importlib.util.find_spec, ("onnx", "onnxruntime")))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "cache_folder", lambda: tmp_path)
    return tmp_path


def test_without_a_measurement_auto_is_torch(model_folder, cache):
    told = []
    network = open_network(str(model_folder("turbo")), SIZE, "auto", told.append)
    assert {network.engine.backend_of(s.name) for s in network.stages} == {"torch"}
    assert told == []
    assert not list(cache.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not HAVE_ONNX, reason="no onnx, onnxruntime")
def test_auto_plays_what_was_measured_and_builds_nothing(model_folder, cache):
    folder, told = str(model_folder("turbo")), []
    choice = tune(folder, SIZE, told.append, backends=("onnx",), rounds=1, frames=2)
    assert {"torch", "onnx", "mixed"} == set(choice.frame_ms)
    made = sorted(cache.rglob("*"))
    told.clear()
    network = open_network(folder, SIZE, "auto", told.append)
    stages = {s.name: network.engine.backend_of(s.name) for s in network.stages}
    assert stages == choice.stages
    assert (told, network.engine.fallbacks) == ([], 0)
    assert sorted(cache.rglob("*")) == made


def test_tune_on_the_command_line(model_folder, cache, capsys):
    folder = str(model_folder("turbo"))
    assert main(["tune", "--model", folder, "--size", "64", "--backends", "torch", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["stages"]["unet.mid"] == "torch"
    assert table["stage_ms"]["unet.mid"]["torch"] > 0


def measured(**ms):
    stages = {"unet.mid": 0, "image": 1}
    return {n: _Measured([sum(v)], {s: [v[k]] for s, k in stages.items()}) for n, v in ms.items()}


def test_every_stage_has_its_winner():
    found = _best(measured(torch=(10.0, 5.0), onnx=(6.0, 9.0)))
    assert found == {"unet.mid": "onnx", "image": "torch"}


def test_compiled_stages_must_win_clearly():
    little, much = 10.0 / HANDICAP["compiled"] + 0.1, 10.0 / HANDICAP["compiled"] - 0.1
    found = _best(measured(torch=(10.0, 10.0), compiled=(little, much)))
    assert found == {"unet.mid": "torch", "image": "compiled"}


def test_a_mixture_that_loses_is_not_kept():
    mixture = {"unet.mid": "onnx", "image": "torch"}
    lost = _decided(mixture, measured(torch=(10.0, 5.0), onnx=(6.0, 9.0), mixed=(9.0, 9.0)))
    kept = _decided(mixture, measured(torch=(10.0, 5.0), onnx=(6.0, 9.0), mixed=(6.0, 5.0)))
    assert set(lost.stages.values()) in ({"torch"}, {"onnx"})
    assert kept.stages == mixture


def test_a_choice_is_kept_whole_and_a_broken_one_is_none(tmp_path):
    file = choice_file(Store(tmp_path, "key"), SIZE, torch.float32)
    assert file != choice_file(Store(tmp_path, "key"), (72, 64), torch.float32)
    assert file != choice_file(Store(tmp_path, "key"), SIZE, torch.bfloat16)
    assert read_choice(file) is None
    made = Choice({"image": "torch"}, {"image": {"torch": 1.0}}, {"torch": 2.0})
    write_choice(file, made)
    assert read_choice(file) == made
    file.write_text('{"stages": 3}')
    assert read_choice(file) is None


def test_an_unknown_backend_is_refused(model_folder):
    with pytest.raises(UnknownName, match="unknown backend 'trt'"):
        open_network(str(model_folder("turbo")), SIZE, "trt", print)
