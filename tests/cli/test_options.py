"""Every command that opens a network takes the same options, with the same meaning."""

from pathlib import Path

import pytest

from livebend.cli.main import parser

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
    assert plain.backend == plain.device == plain.dtype == "auto"
    assert hasattr(plain, "masks") is (command in SCENES)
