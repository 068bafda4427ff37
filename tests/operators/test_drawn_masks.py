"""Drawn masks: PNG files by name, and what is refused."""

from weakref import ref

import pytest
import torch

from livebend.core.errors import PresetError, Refused, UnknownName
from livebend.operators.drawn_masks import KEPT, DrawnMasks
from livebend.scene import presets


def test_a_drawing_is_luminance_times_opacity(mask_folder):
    m = DrawnMasks([mask_folder]).get("left")
    assert m.shape == (1, 1, 4, 6)
    assert torch.allclose(m[0, 0, 1], torch.tensor([1, 1, 1, 128 / 255, 0, 0]), atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["", "lefd", "../secret", "/etc/passwd", "left.png", "masks/left", "left\x00", "..", "*"],
)
def test_a_name_never_becomes_a_path(mask_folder, name):
    with pytest.raises(UnknownName, match="drawn mask"):
        DrawnMasks([mask_folder]).get(name)


def test_what_is_no_picture_is_refused(mask_folder, monkeypatch):
    with pytest.raises(Refused, match=r"masks/broken\.png: cannot be read as a PNG"):
        DrawnMasks([mask_folder]).get("broken")
    monkeypatch.setattr("livebend.core.limits.SIDE", 5)
    with pytest.raises(Refused, match="6x4: expected up to 5"):
        DrawnMasks([mask_folder]).get("left")


def test_drawings_lie_beside_a_preset_or_where_one_says(mask_folder):
    beside = DrawnMasks(presets.mask_folders(str(mask_folder.parent / "my.toml")))
    assert beside.names() == ["broken", "left"]
    assert "left" in DrawnMasks(presets.mask_folders("default", mask_folder)).names()
    with pytest.raises(PresetError, match="expected a folder"):
        DrawnMasks(presets.mask_folders("default", mask_folder / "left.png"))


def test_only_the_last_few_are_kept(mask_folder):
    picture = (mask_folder / "left.png").read_bytes()
    for n in range(3 * KEPT):
        (mask_folder / f"m{n}.png").write_bytes(picture)
    drawn = DrawnMasks([mask_folder])
    always, others = drawn.get("m0"), []
    for n in range(1, 3 * KEPT):
        others.append(ref(drawn.get(f"m{n}")))
        assert drawn.get("m0") is always
    assert [other() is not None for other in others[-KEPT:]] == [False] + [True] * (KEPT - 1)
