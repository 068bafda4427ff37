"""The benchmark times what it says: every kind of frame runs the stages it names."""

import json
import multiprocessing
import sys
from dataclasses import replace

import numpy as np
import pytest

from livebend.cli.bench import farm
from livebend.cli.bench.frames import check_ran
from livebend.cli.bench.hands import time_hands
from livebend.cli.bench.measure import BenchOptions, bench
from livebend.cli.bench.peers import PROMPT, peers
from livebend.cli.bench.start import time_start
from livebend.cli.film import plan
from livebend.cli.film.jobs import Record
from livebend.cli.film.painter import Painter
from livebend.cli.main import main
from livebend.core.errors import LivebendError, OutOfRange, UnknownName
from livebend.models import random_weights
from livebend.models.families import family
from livebend.models.stages import behind
from livebend.operators.library import all_operators
from livebend.rendering.network import Network
from livebend.rendering.open_network import open_network
from tests.fakes import loras
from tests.fakes.networks import picture


@pytest.fixture(autouse=True)
def one_round(monkeypatch):
    monkeypatch.setattr("livebend.cli.bench.frames.ROUNDS", 1)


def measured(model_folder, **options):
    folder = str(model_folder("turbo"))
    return bench(BenchOptions(model=folder, size=(64, 64), **options), print)


def test_kinds_of_frames(model_folder):
    figures = measured(model_folder, frames=4)
    stages = {row["kind"]: row["stages"] for row in figures["frames"]}
    assert stages["everything"] > stages["unet.mid"] > stages["unet.up.1"] > stages["unet.up.2"]
    assert stages["unet.up.2"] > stages["unet.up.3"] > stages["latent@1"]
    assert (stages["latent@1"], stages["image"], stages["nothing"]) == (6, 1, 0)
    first = {row["kind"]: row["first"] for row in figures["frames"]}
    assert (first["unet.mid"], first["unet.up.3"]) == ("unet.up.0", "unet.out")
    assert all(row["stages_ms"] <= row["ms"] for row in figures["frames"])
    parts = {row["part"]: row["percent"] for row in figures["overhead"]}
    assert {"sound", "commands", "modulation", "hand-over"} < set(parts)
    assert figures["overhead_percent"] == pytest.approx(sum(parts.values()), abs=0.02)
    assert {"model", "size", "steps", "device", "dtype", "threads", "torch"} <= figures.keys()
    assert {row["operator"] for row in figures["operators"]} == set(all_operators())
    assert all(row["ms"] > 0 for row in figures["operators"])
    assert figures["four_bends_percent"] > 0


def test_in_two_steps_the_second_call_runs_what_lay_before_the_bend(model_folder):
    figures = measured(model_folder, steps=2, frames=2)
    stages = {row["kind"]: row["stages"] for row in figures["frames"]}
    assert stages["unet.mid"] == stages["unet.up.3"] == stages["everything"] > stages["latent@1"]


def test_a_lora_that_moves_costs_what_reads_it(model_folder, model, tmp_path):
    late, words = tmp_path / "late.safetensors", tmp_path / "words.safetensors"
    loras.write(late, loras.random_layers(model, text=(), where="up_blocks.3"))
    loras.write(words, loras.random_layers(model, where="up_blocks.3"))
    figures = measured(model_folder, frames=2, loras=((late, 1.0), (words, 1.0)))
    stages = {row["kind"]: row["stages"] for row in figures["frames"]}
    first = {row["kind"]: row["first"] for row in figures["frames"]}
    assert stages["lora.late"] == stages["unet.up.2"] > stages["unet.up.3"]
    assert first["lora.late"] == "unet.up.3"
    assert stages["lora.words"] > stages["unet.mid"], "the text is read by the first blocks"


def test_beside_and_stages(model_folder):
    figures = measured(model_folder, beside=True, stages=True, frames=2)
    kinds = [row["kind"] for row in figures["frames"]]
    assert {"diffusers' pipeline", "plain loop", "diffusers' pipeline, OpenVINO"} < set(kinds)
    rows = {row["stage"]: row for row in figures["stages"]}
    assert rows["unet.mid"]["mflop"] > 0
    assert rows["image"]["peak"] > 0  # how much above is the machine's hour, not this test's
    assert figures["hop_us"] > figures["command_us"] > 0


@pytest.mark.filterwarnings("ignore")
def test_the_peers_paint_the_same_picture(played_model):
    network = Network(played_model, 64, 64)
    made = peers(network, 1)
    ours = picture(network, seed=2, words=PROMPT).pixels.tensor.numpy()
    pipe = (made["diffusers' pipeline"](0)[0] * 255).round().astype(np.uint8)
    plain = made["plain loop"](0)
    assert np.abs(ours.astype(int) - plain).max() <= 1
    assert np.abs(pipe.astype(int) - plain).max() <= 1
    compiled = made["plain loop, OpenVINO"](0)
    assert np.abs(compiled.astype(int) - plain).mean() <= 2


def test_a_frame_is_timed_beside_busy_processes(model_folder):
    figures = measured(model_folder, beside_load=1, frames=2)
    assert [row["neighbours"] for row in figures["load"]] == [0, 1]
    assert all(0 < row["p50"] <= row["p95"] <= row["p99"] for row in figures["load"])
    assert not multiprocessing.active_children()
    with pytest.raises(OutOfRange, match="--beside-load 65: expected 1 to 64"):
        measured(model_folder, beside_load=65, frames=2)


def test_the_peers_run_in_our_precision_too(model_folder):
    folder = str(model_folder("turbo"))
    network = open_network(folder, (64, 64), "torch", print, dtype="bfloat16")
    made = peers(network, 1)
    assert list(made)[2:4] == ["diffusers' pipeline, bfloat16", "plain loop, bfloat16"]
    exact, half = (made[name](0).astype(int) for name in ("plain loop", "plain loop, bfloat16"))
    assert 0 < np.abs(exact - half).mean() < 25


def test_a_kind_that_ran_other_stages_is_no_figure(model):
    network = Network(model, 64, 64)
    right = list(behind("unet.up.3", network.stages))
    check_ran(network, "unet.up.3", right, 1)
    with pytest.raises(LivebendError, match=r"bench: unet\.up\.3: .* ran: expected unet\.out"):
        check_ran(network, "unet.up.3", ["unet.up.3", *right], 1)


def test_a_random_model_has_the_shape_and_is_never_written(monkeypatch, tmp_path):
    turbo = family("sd-turbo")
    unet = {"block_out_channels": (32, 64, 64, 64), "cross_attention_dim": 64}
    text = {"hidden_size": 64, "num_hidden_layers": 1, "intermediate_size": 64}
    small = replace(
        turbo,
        unet={**turbo.unet, **unet, "attention_head_dim": 8},
        text_encoder={**turbo.text_encoder, **text},
    )
    monkeypatch.setattr(random_weights, "family", lambda name: small)
    monkeypatch.chdir(tmp_path)
    networks = [
        open_network(f"random:{name}", (64, 64), "torch", print) for name in random_weights.NAMES
    ]
    for network in networks:
        assert network.model.places == ()
        assert network.model.encode(["a red orb"]).shape == (1, 77, 64)
        image = picture(network).image.tensor
        assert image.shape == (1, 3, 64, 64)
        assert image.isfinite().all()
    kinds = [type(network.model.vae).__name__ for network in networks]
    assert kinds == ["AutoencoderKL", "AutoencoderTiny"]
    weights = [network.model.unet.conv_in.weight for network in networks]
    assert (weights[0] == weights[1]).all()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnknownName, match="did you mean 'sd-turbo'"):
        open_network("random:sd-turb", None, "torch", print)


def test_a_start_has_its_phases(model_folder):
    rows = time_start({"model": str(model_folder("turbo")), "size": (64, 64)})
    phases = [row["phase"] for row in rows]
    assert phases[:2] == ["python", "torch"]
    assert phases[-3:] == ["engine, first prompt", "sound, first frame", "first frame presented"]
    assert rows[-1]["s"] == pytest.approx(sum(row["s"] for row in rows[:-1]), abs=0.02)


@pytest.mark.slow
def test_touches_by_osc_midi_and_the_page_are_seen_in_the_picture(model_folder):
    given = {"model": str(model_folder("turbo")), "size": (64, 64)}
    rows = time_hands(given, 3)
    assert [(row["by"], row["touches"], row["seen"]) for row in rows] == [
        ("OSC", 3, 3), ("MIDI", 3, 3), ("page", 3, 3),
    ]  # fmt: skip
    assert all(0.0 < row["p50"] <= row["p95"] <= row["p99"] for row in rows)


@pytest.mark.parametrize("count", [0, 10_001])
def test_as_many_touches_as_make_sense(count):
    with pytest.raises(OutOfRange, match=r"--hands \d+: expected 1\.\.10000 touches"):
        time_hands({}, count)


class Here:
    """A worker in this process; one with a module paints nothing."""

    def __init__(self, _threads, notify, module=()):
        self._painter = None if module else Painter(notify)

    def ready(self):
        pass

    def paint(self, job, told):
        if self._painter is not None:
            return self._painter.paint(job, told)
        return Record(frames=job.segment.painted, sha256="", note="", size=(1, 1))

    def close(self):
        pass


def test_a_farm_is_beside_one_process_and_simulated(monkeypatch, capsys):
    monkeypatch.setattr(farm, "ProcessWorker", Here)
    monkeypatch.setattr(farm, "SECONDS", 0.4)
    monkeypatch.setattr(farm, "SIMULATED", (1, 2))
    monkeypatch.setattr(plan, "SEGMENT", 0.1)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["bench", "--farm", "2", "--model", "tiny", "--size", "64", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["painted by"], row["workers"]) for row in rows] == [
        ("this process", 1), ("workers", 1), ("workers", 2), ("simulated", 1), ("simulated", 2),
    ]  # fmt: skip
    assert all(row["frames/s"] > 0.0 for row in rows)
    assert rows[1]["times"] == rows[3]["times"] == 1.0
