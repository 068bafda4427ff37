"""A status stands still: whoever has one sees the show as it was."""

from dataclasses import FrozenInstanceError

import pytest

from livebend.core.status import BendStatus, Status


def test_status_and_its_mappings_are_frozen() -> None:
    values = {"angle": 1.0}
    bend = BendStatus("swirl", "rotate", "unet.mid", values)
    status = Status(bends=(bend,), stage_ms={"vae": 2.0})
    values["angle"] = 9.0
    assert bend.values["angle"] == 1.0
    with pytest.raises(FrozenInstanceError):
        status.fps = 3.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        bend.values["angle"] = 2.0  # type: ignore[index]
    with pytest.raises(TypeError):
        status.stage_ms["vae"] = 1.0  # type: ignore[index]
