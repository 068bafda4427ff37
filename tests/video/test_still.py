"""A picture from a file."""

import numpy as np
import pytest
from PIL import Image

from livebend.core.errors import PictureError
from livebend.video import open_picture as opening
from tests.fakes.pictures import garden


def open_picture(name):
    return opening.open_picture(name, (64, 64))


def test_a_png_comes_in_bit_for_bit(tmp_path):
    Image.fromarray(garden(40, 60)).save(tmp_path / "a.png")
    source = open_picture(str(tmp_path / "a.png"))
    shot = source.at(3.0)
    assert np.array_equal(shot.pixels, garden(40, 60))
    assert not shot.pixels.flags.writeable
    assert source.at(7.0) is shot
    source.close()


def test_it_is_turned_as_the_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(garden(40, 60)).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert open_picture(str(tmp_path / "a.jpg")).at(0.0).pixels.shape == (60, 40, 3)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "1"])
def test_every_kind_of_colour_comes_in(tmp_path, mode):
    Image.fromarray(garden(16, 24)).convert("L" if mode == "I;16" else mode).convert(mode).save(
        tmp_path / "a.png"
    )
    assert open_picture(str(tmp_path / "a.png")).at(0.0).pixels.shape == (16, 24, 3)


def test_what_cannot_be_read_is_said_in_a_line(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    Image.new("1", (5000, 4)).save(tmp_path / "wide.png")
    for name, said in {
        "none.png": "no such file", "broken.png": "cannot be read as a picture",
        "wide.png": "5000x4: expected up to 4096 a side", "": "is a folder",
        "camera": "expected a file",
    }.items():  # fmt: skip
        with pytest.raises(PictureError, match=said) as refusal:
            open_picture(name if name == "camera" else str(tmp_path / name))
        assert "\n" not in str(refusal.value)
