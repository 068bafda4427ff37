"""Zip files of strangers: every trick is refused before anything is made of it."""

import io
import stat
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livebend.core import limits
from livebend.core.errors import Refused
from livebend.core.zip_files import is_name, read_zip, write_zip

GOOD = {"livebend.toml": b"a = 1\n" * 30, "presets/storm.toml": b"title = 'Storm'\n"}
KIB = 1024


def most(name):
    """Every file may have 64 KiB."""
    return 64 * KIB


def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip of (name or ZipInfo, bytes), whatever they are."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return made.getvalue()


def entry(name, mode=stat.S_IFREG | 0o644, system=3):
    """An entry of a kind."""
    info = zipfile.ZipInfo(name)
    info.external_attr, info.create_system = mode << 16, system
    return info


@pytest.fixture
def read(tmp_path):
    """Read the bytes of a zip."""

    def read_bytes(data, allowed=most):
        (tmp_path / "x.zip").write_bytes(data)
        return read_zip(tmp_path / "x.zip", allowed)

    return read_bytes


def test_what_is_written_is_read_and_the_same_contents_are_the_same_bytes(tmp_path):
    first, again = tmp_path / "a.zip", tmp_path / "b.zip"
    write_zip(first, GOOD)
    write_zip(again, dict(reversed(GOOD.items())))
    assert first.read_bytes() == again.read_bytes()
    assert read_zip(first, most) == GOOD


def test_a_zip_that_somebody_has_packed_again_is_read(read):
    again = zipped(("presets/", b""), *GOOD.items(), method=zipfile.ZIP_STORED)
    assert read(again) == GOOD


NAMES = (
    "../storm.toml", "presets/../../storm.toml", "presets/..", "/etc/passwd", "//host/share/x",
    "C:/x.toml", "C:x.toml", "presets\\storm.toml", "..\\storm.toml", "./storm.toml",
    "presets//storm.toml", "presets/./storm.toml", "~/x.toml/.", ".hidden", "presets/.x.toml",
    "presets/con", "presets/NUL.toml", "presets/com1.toml", "presets/x.toml.", "presets/x.toml ",
    "presets/ x.toml", "presets/x:y.toml", "presets/x\n.toml", "presets/x\x1b[31m.toml",
    "presets/x\u202etoml", "presets/" + "x" * 65, "a/b/c/d/e.toml", "presets/x?.toml", "",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_is_refused(name, read):
    assert not is_name(name)
    with pytest.raises(Refused) as caught:
        read(zipped(*GOOD.items(), (entry(name), b"x")))
    assert "\n" not in str(caught.value)


def test_a_name_that_ends_early_for_one_reader_and_not_for_another_is_refused(read):
    data = zipped(("presets/aXb.toml", b"x")).replace(b"aXb", b"a\0b")
    with pytest.raises(Refused, match="no name that a file in it may have"):
        read(data)


def test_names_of_every_script_are_names():
    assert all(map(is_name, ("presets/gewitter über.toml", "presets/雷雨.toml", "cues/a-b_c.txt")))


@pytest.mark.parametrize(
    "mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644, stat.S_IFDIR | 0o755]
)
def test_links_and_devices_are_refused(mode, read):
    with pytest.raises(Refused, match=r"presets/link.toml: no plain file"):
        read(zipped((entry("presets/link.toml", mode), b"/etc/passwd")))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("presets/storm.toml", "presets/Storm.toml"),
        ("presets/storm.toml", "PRESETS/storm.toml"),
        ("presets/\u00fc.toml", "presets/u\u0308.toml"),
        ("presets/straße.toml", "presets/STRASSE.toml"),
    ],
)
def test_names_that_are_the_same_on_some_systems_are_refused(one, other, read):
    with pytest.raises(Refused, match="the same name on some systems"):
        read(zipped((one, b"1"), (other, b"2")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(read):
    with pytest.raises(Refused, match="the same name"):
        read(zipped(("presets/a.toml", b"1"), ("presets/a.toml", b"2")))


def test_a_file_within_a_file_is_refused(read):
    with pytest.raises(Refused, match=r"within presets/a.toml, which is a file"):
        read(zipped(("presets/a.toml", b"1"), ("presets/A.toml/b.toml", b"2")))


def test_a_bomb_is_refused_before_it_goes_off(read):
    bomb = zipped(("presets/a.toml", bytes(200 << 20)))
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    with pytest.raises(Refused, match=r"presets/a.toml: more than 64 KiB"):
        read(bomb)
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()


def test_a_bomb_that_says_it_is_small_is_unpacked_no_further_than_it_says(read):
    bomb = bytearray(zipped(("presets/a.toml", bytes(200 << 20))))
    place = bomb.index(b"PK\1\2")
    struct.pack_into("<I", bomb, place + 24, 100)
    struct.pack_into("<I", bomb, 22, 100)
    tracemalloc.start()
    with pytest.raises(Refused, match="damaged"):
        read(bytes(bomb))
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()


def test_many_that_are_small_and_large_together_are_refused(read, monkeypatch):
    monkeypatch.setattr(limits, "PACK_UNPACKED", 3 << 20)
    with pytest.raises(Refused, match="more than 3 MiB unpacked"):
        read(zipped(*((f"presets/{n}.toml", bytes(60 * KIB)) for n in range(64))))


def test_too_many_files_are_refused_before_their_names_are_read(read):
    entries = [(f"presets/{n}.toml", b"") for n in range(limits.PACK_FILES + 1)]
    with pytest.raises(Refused, match="more than 512 files"):
        read(zipped(*entries))
    lying = bytearray(zipped(*entries))
    struct.pack_into("<HH", lying, len(lying) - 14, 1, 1)
    with pytest.raises(Refused, match="more than 512 files"):
        read(bytes(lying))


def test_a_directory_that_says_it_is_huge_is_refused(read):
    lying = bytearray(zipped(*GOOD.items()))
    struct.pack_into("<I", lying, len(lying) - 10, 2**31)
    tracemalloc.start()
    with pytest.raises(Refused):
        read(bytes(lying))
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "large.zip").open("wb") as file:
        file.truncate(limits.PACK_BYTES + 1)
    with pytest.raises(Refused, match="more than 64 MiB"):
        read_zip(tmp_path / "large.zip", most)


def test_what_is_expected_nowhere_is_refused(read):
    def picky(name):
        if name != "livebend.toml":
            raise Refused(f"{name}: not here")
        return 10

    with pytest.raises(Refused, match=r"x.zip: run.exe: not here"):
        read(zipped(("run.exe", b"MZ")), picky)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method, read):
    with pytest.raises(Refused, match="packed in a way that is not read"):
        read(zipped(("presets/a.toml", b"x"), method=method))


def test_what_is_encrypted_is_refused(read):
    data = bytearray(zipped(("presets/a.toml", b"x")))
    data[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(Refused, match="encrypted"):
        read(bytes(data))


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"not a zip" * 9, b"PK\5\6" + bytes(18), zipped(("a", b"1")) + b"more",
             zipped(("a", b"1"))[:-9], zlib.compress(b"x" * 99)],
)  # fmt: skip
def test_what_is_no_zip_is_refused_or_empty(data, read):
    if data == b"PK\5\6" + bytes(18):
        assert read(data) == {}
        return
    with pytest.raises(Refused, match=r"x\.zip"):
        read(data)


def test_a_zip64_is_refused(read):
    end = b"PK\6\6" + bytes(52) + b"PK\6\7" + bytes(16) + b"PK\5\6" + b"\xff" * 16 + bytes(2)
    with pytest.raises(Refused, match="zip64"):
        read(end)


def test_a_folder_that_is_none_is_refused(read, tmp_path):
    with pytest.raises(Refused, match="cannot be read"):
        read_zip(tmp_path, most)
    with pytest.raises(Refused, match=r"nothere\.zip: cannot be read: No such file"):
        read_zip(tmp_path / "nothere.zip", most)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_damage_is_refused_or_does_no_harm(read, changes):
    data = bytearray(zipped(*GOOD.items()))
    for place, value in changes:
        data[place % len(data)] = value
    found, said = {}, ""
    try:
        found = read(bytes(data))
    except Refused as why:
        said = str(why)
    assert len(said) < 400
    assert "\n" not in said
    assert all(map(is_name, found))
    assert sum(map(len, found.values())) < 200 * KIB
