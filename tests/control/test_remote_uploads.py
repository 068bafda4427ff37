"""Pictures that pages send: decoded, written anew, named by us; nothing else is kept."""

import io
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from livebend.control.remote.uploads import LARGEST, Uploads, decoded
from livebend.core import limits
from livebend.core.errors import Refused


def picture(kind="PNG", size=(40, 30), mode="RGB", **more):
    file = io.BytesIO()
    Image.new(mode, size, 255 if mode == "L" else "white").save(file, kind, **more)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_becomes_a_png_of_ours(kind, mode, tmp_path):
    uploads = Uploads(tmp_path / "masks")
    assert [uploads.take(picture(kind, mode=mode)) for _ in range(2)] == ["remote-1", "remote-2"]
    with Image.open(tmp_path / "masks" / "remote-1.png") as kept:
        assert (kept.format, kept.mode, kept.size) == ("PNG", "RGBA", (40, 30))


def test_what_was_hidden_in_a_picture_is_not_kept(tmp_path):
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "<script>alert(1)</script>")
    data = picture(pnginfo=told) + b"<?php echo 1 ?>" + b"PK\x03\x04"
    Uploads(tmp_path).take(data)
    kept = (tmp_path / "remote-1.png").read_bytes()
    assert b"script" not in kept
    assert b"php" not in kept
    assert b"PK" not in kept[-20:]


def test_a_large_picture_is_made_smaller(tmp_path):
    Uploads(tmp_path).take(picture("JPEG", (3000, 1500)))
    with Image.open(tmp_path / "remote-1.png") as kept:
        assert kept.size == (LARGEST, LARGEST // 2)


def bomb(side):
    """A PNG of a few bytes that says it has millions of pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    whole = struct.pack(">I", len(head)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + whole + picture()[33:]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no picture"),
        (b"GIF89a" + bytes(100), "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"\x89PNG\r\n\x1a\n", "no picture|cannot be read"),
        (picture()[:60], "cannot be read"),
        (picture("JPEG", (400, 300))[:-400], "cannot be read"),
        (bomb(60_000), "cannot be read"),
        (bomb(12_000), "cannot be read|12000x12000"),
        (bomb(9_000), "9000x9000: expected up to 4096"),
        (picture(size=(limits.SIDE + 1, 2)), "4097x2: expected up to 4096"),
        (bytes(limits.UPLOAD + 1), "more than 8 MiB"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused(data, why, tmp_path):
    with pytest.raises(Refused, match=why):
        Uploads(tmp_path).take(data)
    assert list(tmp_path.iterdir()) == []


def test_so_many_are_kept_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "UPLOADS", 2)
    uploads = Uploads(tmp_path)
    uploads.take(picture())
    uploads.take(picture())
    with pytest.raises(Refused, match="2 pictures are kept"):
        uploads.take(picture())
    (tmp_path / "remote-1.png").unlink()
    assert uploads.take(picture()) == "remote-1"


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be kept"):
        Uploads(tmp_path / "file").take(picture())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_bytes_are_a_picture_or_refused(data):
    whole = bytearray(picture(data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"])), (16, 16)))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=12)):
        whole[place] = data.draw(st.integers(0, 255))
    with suppress(Refused):
        assert max(decoded(bytes(whole)).size) <= LARGEST
