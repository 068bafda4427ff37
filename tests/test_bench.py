"""The benchmark times what it says: every kind of frame runs the stages it names."""

import numpy as np
import pytest

from livebend.bench import bench
from livebend.bench.peers import PROMPT, peers
from livebend.memory import Value
from livebend.opening import open_network
from livebend.operators import OPERATORS
from livebend.scene import Sampling


def test_kinds_of_frames(model_folder):
    figures = bench(str(model_folder("turbo")), (64, 64), 1, frames=4, rounds=2)
    stages = {row["kind"]: row["stages"] for row in figures["frames"]}
    assert stages["everything"] > stages["unet.mid"] > stages["unet.up.1"] > stages["unet.up.2"]
    assert (stages["latent@1"], stages["image"], stages["nothing"]) == (5, 0, 0)
    assert {"model", "size", "steps", "device", "dtype", "threads", "torch"} <= figures.keys()
    assert {row["operator"] for row in figures["operators"]} == set(OPERATORS)
    assert all(row["ms"] > 0 for row in figures["operators"])
    assert figures["four_bends_percent"] > 0


def test_beside_and_stages(model_folder):
    folder = str(model_folder("turbo"))
    figures = bench(folder, (64, 64), 1, beside=True, stages=True, frames=2, rounds=1)
    kinds = [row["kind"] for row in figures["frames"]]
    assert kinds[-2:] == ["diffusers' pipeline", "plain loop"]
    rows = {row["stage"]: row for row in figures["stages"]}
    assert rows["unet.mid"]["mflop"] > 0
    assert 0 < rows["image"]["peak"] < 2
    assert figures["hop_us"] > figures["command_us"] > 0


@pytest.mark.filterwarnings("ignore")
def test_the_peers_paint_the_same_picture(model_folder):
    network = open_network(str(model_folder("turbo")), (64, 64), "torch", print)
    made = peers(network, 1)
    text = Value(-1, network.model.encode([PROMPT]))
    ours = network.paint(network.noise(2)[0], text, (), Sampling("euler", 1)).pixels.tensor.numpy()
    pipe = (made["diffusers' pipeline"](0)[0] * 255).round().astype(np.uint8)
    plain = made["plain loop"](0)
    assert np.abs(ours.astype(int) - plain).max() <= 1
    assert np.abs(pipe.astype(int) - plain).max() <= 1
