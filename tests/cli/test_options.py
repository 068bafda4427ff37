"""Every command that opens a network takes the same options, with the same meaning."""

from pathlib import Path

import pytest

from livebend.cli.live_options import LiveOptions
from livebend.cli.main import parser
from livebend.core.errors import OutOfRange, UnknownName

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


def test_settings_of_the_display_are_set_on_the_command_line():
    options = LiveOptions(
        sets=[("output.fit", "fill"), ("walk.radius", 0.5), ("output.zoom", 2)], logo=Path("l.png")
    )
    view = options.view({})
    assert (view.fit, view.zoom, view.logo) == ("fill", 2.0, True)
    assert options.changes() == [("walk.radius", 0.5)]
    with pytest.raises(UnknownName, match="unknown display setting 'zom'; did you mean 'zoom'"):
        LiveOptions(sets=[("output.zom", 2)]).view({})
    with pytest.raises(OutOfRange, match=r"output.zoom = 99: expected 0\.1\.\.10"):
        LiveOptions(sets=[("output.zoom", 99)]).view({})


def test_the_square_of_the_embedded_model_fills_a_wide_display_unless_told():
    assert LiveOptions(model="tiny").view({}).fit == "mirror"
    assert LiveOptions(model="tiny", sets=[("output.fit", "fill")]).view({}).fit == "fill"
    assert LiveOptions(model="tiny", size=(448, 256)).view({}).fit == "fit"
    assert LiveOptions(model="random:turbo").view({}).fit == "fit"
