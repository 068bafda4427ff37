"""The benchmark times what it says: every kind of frame runs the stages it names."""

from livebend.bench import bench
from livebend.operators import OPERATORS


def test_kinds_of_frames(model_folder):
    figures = bench(str(model_folder("turbo")), (64, 64), 1, frames=4, rounds=2)
    stages = {row["kind"]: row["stages"] for row in figures["frames"]}
    assert stages["everything"] > stages["unet.mid"] > stages["unet.up.1"] > stages["unet.up.2"]
    assert (stages["latent@1"], stages["nothing"]) == (5, 0)
    assert {"model", "size", "steps", "device", "dtype", "threads", "torch"} <= figures.keys()
    assert {row["operator"] for row in figures["operators"]} == set(OPERATORS)
    assert all(row["ms"] > 0 for row in figures["operators"])
    assert figures["four_bends_percent"] > 0
