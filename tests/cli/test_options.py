"""Every command that opens a network takes the same options, with the same meaning."""

from pathlib import Path

import pytest

from livebend.cli.main import parser
from livebend.cli.sweep import SweepOptions, sweep

OPENING = {
    "live": [], "render": ["demo"], "sweep": ["-o", "sheet.png"], "sites": [], "bench": [],
    "presets": [], "operators": [],
}  # fmt: skip
SCENES = ("live", "render", "sweep", "presets")


@pytest.mark.parametrize("command", OPENING)
def test_what_opens_a_network_is_said_alike(command):
    given = [
        "--model", "some/model", "--size", "512x320", "--backend", "onnx", "--operators", "mine.py",
    ]  # fmt: skip
    wishes = parser().parse_args([command, *OPENING[command], *given])
    found = wishes.model, wishes.size, wishes.backend, wishes.operators
    assert found == ("some/model", (512, 320), "onnx", Path("mine.py"))
    plain = parser().parse_args([command, *OPENING[command]])
    assert plain.backend == ("auto" if command == "live" else "torch")
    assert hasattr(plain, "masks") is (command in SCENES)


def test_a_sweep_runs_on_its_backend(tmp_path, model_folder):
    told = []
    wishes = SweepOptions(
        None, tmp_path / "sheet.png", "seed=1,2", "walk.radius=0,1", str(model_folder("turbo")),
        (64, 64), backend="auto",
    )  # fmt: skip
    assert sweep(wishes, quiet=True, tell=told.append) == 4
    with pytest.raises(Exception, match="unknown backend 'onx'"):
        sweep(
            SweepOptions(None, tmp_path / "b.png", "seed=1,2", "seed=1,2", backend="onx"),
            quiet=True,
        )
