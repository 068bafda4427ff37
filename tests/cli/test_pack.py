"""A show goes from one machine to another in one file: whole, checked, and over nothing."""

import json
import stat
import zipfile

import pytest

from livebend.cli.main import main
from livebend.control.cues import read_cues
from livebend.control.midi.profiles import SHIPPED
from livebend.core import limits
from livebend.core.zip_files import write_zip
from livebend.scene import presets
from livebend.scene.values import Scene
from tests.fakes import loras
from tests.fakes.homes import Homes, picture, write

STORM = """title = "{}"
[prompt]
text = "flames"   # by hand
[bend.swirl]
operator = "rotate"
site = "latent@0.8"
[bend.swirl.mask]
kind = "picture"
picture = "heart"
"""
CUES = """# a show
0.500 preset gale 2.0
1.000 preset tide
1.500 cross gale 4 beats
2.000 walk.radius 0.5
3.000 add bend more rotate unet.mid mask.kind=picture mask.picture=heart
4.000 bend.more.mask.picture heart
"""
NANO = (SHIPPED / "nanokontrol2.toml").read_text()


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Anna, who has a show, and Ben, who has nothing; both are in a folder of their own."""
    made = Homes(tmp_path, monkeypatch)
    anna = made.at("anna")
    write(anna / "presets" / "gale.toml", STORM.format("Gale"))
    write(anna / "presets" / "sets" / "deep.toml", STORM.format("Deep"))
    picture(anna / "presets" / "masks" / "heart.png")
    picture(anna / "presets" / "masks" / "unused.png")
    write(anna / "midi" / "nanokontrol2.toml", NANO)
    write(tmp_path / "show.txt", CUES)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def run(homes, capsys):
    """Run a command as somebody; return its rows by what they are about."""

    def play(who, *arguments):
        with homes.of(who):
            status = main([*map(str, arguments), "--json"])
        said = capsys.readouterr()
        assert status == 0, said.err
        return {row["what"]: row for row in json.loads(said.out)}

    return play


@pytest.fixture
def refused(homes, capsys):
    """Run a command as somebody who is refused; return why, on one line."""

    def play(who, *arguments):
        with homes.of(who):
            assert main([*map(str, arguments)]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert len(said) < 700
        return said

    return play


def below(folder):
    """Every file below a folder, by its path in it."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_a_show_is_packed_and_unpacked_as_it_was(run, homes):
    taken = run("anna", "pack", "show.zip", "--cues", "show.txt", "--model", "tiny")
    assert {what: row["is"] for what, row in taken.items()} == {
        "mask heart": "packed", "preset gale": "packed", "preset sets/deep": "packed",
        "midi nanokontrol2": "packed", "cues show": "packed", "model tiny": "named",
    }  # fmt: skip
    there = run("ben", "unpack", "show.zip")
    assert {what: row["is"] for what, row in there.items()} == {
        "mask heart": "unpacked", "preset gale": "unpacked", "preset sets/deep": "unpacked",
        "midi nanokontrol2": "unpacked", "cues show": "unpacked", "model tiny": "here",
    }  # fmt: skip
    anna, ben = below(homes.at("anna")), below(homes.at("ben"))
    assert ben.pop("cues/show.txt") == CUES.encode()
    assert ben == {name: data for name, data in anna.items() if "unused" not in name}
    with homes.of("ben"):
        assert presets.load("gale").title == "Gale"
    assert str(homes.at("ben") / "cues" / "show.txt") in there["cues show"]["about"]


def test_unpacking_again_changes_nothing(run, homes):
    run("anna", "pack", "show.zip", "--cues", "show.txt", "--model", "tiny")
    run("ben", "unpack", "show.zip")
    before = below(homes.at("ben"))
    again = run("ben", "unpack", "show.zip")
    assert {row["is"] for row in again.values()} == {"here"}
    assert below(homes.at("ben")) == before


def test_the_same_show_is_the_same_bytes(run, homes, tmp_path):
    run("anna", "pack", "a.zip", "--cues", "show.txt", "--model", "tiny")
    (homes.at("anna") / "presets" / "gale.toml").touch()
    run("anna", "pack", "b.zip", "--cues", "show.txt", "--model", "tiny")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_is_there_with_other_contents_stays_and_the_pack_has_another_name(run, homes):
    run("anna", "pack", "show.zip", "--cues", "show.txt", "--model", "tiny")
    ben = homes.at("ben")
    mine = {
        "presets/gale.toml": b'title = "Mine"\n', "presets/gale-2.toml": b'title = "Other"\n',
        "cues/show.txt": b"0 panic\n", "midi/nanokontrol2.toml": b'title = "Mine"\n',
    }  # fmt: skip
    for name, data in mine.items():
        write(ben / name, data)
    heart = picture(ben / "presets" / "masks" / "heart.png", level=10).read_bytes()
    said = run("ben", "unpack", "show.zip")
    after = below(ben)
    assert {name: after[name] for name in mine} == mine
    assert after["presets/masks/heart.png"] == heart
    assert "heart-2.png: another heart is here; cues and" in said["mask heart"]["about"]
    assert "gale-3.toml: another gale is here" in said["preset gale"]["about"]
    assert "your own is played until" in said["midi nanokontrol2"]["about"]
    with homes.of("ben"):
        (bend,) = presets.load("gale-3").bends
        assert (presets.load("gale-3").title, bend.mask["picture"]) == ("Gale", "heart-2")
        assert presets.load("sets/deep").bends[0].mask["picture"] == "heart-2"
        cues = read_cues(ben / "cues" / "show-2.txt", Scene)
    commands = [cue.command for cue in cues]
    recalls = [(one.preset, one.fade, one.unit) for one in commands[:3]]
    assert recalls == [
        ("gale-3", 2.0, "seconds"),
        ("tide", None, "seconds"),
        ("gale-3", 4.0, "beats"),
    ]
    assert (commands[4].part.mask["picture"], commands[5].value) == ("heart-2", "heart-2")
    assert after["cues/show-2.txt"].startswith(b"# a show\n")
    again = run("ben", "unpack", "show.zip")
    assert {row["is"] for row in again.values()} == {"here"}
    assert below(ben) == after


def test_two_of_a_pack_never_get_the_same_name(run, homes):
    write(homes.at("anna") / "presets" / "gale-2.toml", STORM.format("Second"))
    run("anna", "pack", "show.zip", "--model", "tiny")
    write(homes.at("ben") / "presets" / "gale.toml", 'title = "Mine"\n')
    run("ben", "unpack", "show.zip")
    with homes.of("ben"):
        titles = {name: presets.load(name).title for name in ("gale", "gale-2", "gale-3")}
    assert titles == {"gale": "Mine", "gale-2": "Second", "gale-3": "Gale"}


def test_a_preset_of_livebend_is_not_hidden_by_another(run, homes):
    write(homes.at("anna") / "presets" / "storm.toml", STORM.format("Anna's storm"))
    run("anna", "pack", "show.zip", "storm", "tide", "--model", "tiny")
    said = run("ben", "unpack", "show.zip")
    assert "storm-2.toml: another storm is here" in said["preset storm"]["about"]
    assert said["preset tide"]["is"] == "here"
    with homes.of("ben"):
        assert presets.load("storm").title != "Anna's storm"
    assert [*below(homes.at("ben") / "presets")] == ["masks/heart.png", "storm-2.toml"]


def test_a_preset_as_a_file_brings_the_masks_beside_it(run, tmp_path, homes):
    (homes.at("anna") / "presets" / "masks" / "heart.png").unlink()
    write(tmp_path / "tour" / "fog.toml", STORM.format("Fog"))
    picture(tmp_path / "tour" / "masks" / "heart.png", level=3)
    taken = run("anna", "pack", "show.zip", "tour/fog.toml", "--model", "tiny")
    assert [*taken][:2] == ["mask heart", "preset fog"]


def test_what_is_missing_is_said_on_both_sides(run, homes, tmp_path):
    write(homes.at("anna") / "presets" / "broken.toml", "[bend")
    write(
        homes.at("anna") / "presets" / "inky.toml", 'title = "Inky"\n[lora.ink]\nstrength = 1.0\n'
    )
    (homes.at("anna") / "presets" / "masks" / "heart.png").unlink()
    write(tmp_path / "show.txt", "0 preset nothere\n")
    taken = run("anna", "pack", "show.zip", "--cues", "show.txt", "--model", "some/turbo")
    missing = {what: row["about"] for what, row in taken.items() if row["is"] == "MISSING"}
    assert missing.keys() == {
        "preset broken", "preset nothere", "mask heart", "lora ink", "model some/turbo",
    }  # fmt: skip
    assert "not TOML" in missing["preset broken"]
    there = run("ben", "unpack", "show.zip")
    lacks = {what for what, row in there.items() if row["is"] == "MISSING"}
    assert lacks == {"mask heart", "preset nothere", "model some/turbo"}


def test_a_model_and_a_lora_are_known_by_their_hash(run, tmp_path, model_folder, model):
    turbo, ink = model_folder("turbo"), tmp_path / "anna" / "ink.safetensors"
    ink.parent.mkdir(exist_ok=True)
    loras.write(ink, loras.random_layers(model))
    taken = run("anna", "pack", "show.zip", "--model", turbo, "--lora", f"{ink}=0.5")
    assert taken["lora ink.safetensors"]["about"].startswith("sha256 ")
    with zipfile.ZipFile("show.zip") as packed:
        manifest = packed.read("livebend.toml").decode()
        assert not any("safetensors" in name for name in packed.namelist())
    assert str(turbo.parent) not in manifest
    assert str(tmp_path) not in manifest
    there = run("ben", "unpack", "show.zip", tmp_path / "nothing")
    assert there["lora ink.safetensors"]["is"] == "MISSING"
    assert "--lora; sha256 " in there["lora ink.safetensors"]["about"]
    other = tmp_path / "ben" / "weights" / "renamed.safetensors"
    other.parent.mkdir(parents=True)
    loras.write(other.with_name("grain.safetensors"), loras.random_layers(model, seed=2))
    other.write_bytes(ink.read_bytes())
    there = run("ben", "unpack", "show.zip", other.parent, turbo.parent)
    assert there["lora ink.safetensors"] == {
        "what": "lora ink.safetensors", "is": "here", "about": f"--lora {other}",
    }  # fmt: skip
    assert there[f"model {turbo.name}"]["about"] == f"--model {turbo}"


def test_a_model_of_the_hub_that_is_another_here_is_said(run, tmp_path, model_folder, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    kept = tmp_path / "hub" / "models--some--turbo" / "snapshots" / "abc"
    kept.parent.mkdir(parents=True)
    kept.symlink_to(model_folder("turbo"))
    run("anna", "pack", "show.zip", "--model", "some/turbo")
    assert run("ben", "unpack", "show.zip")["model some/turbo"]["is"] == "here"
    kept.unlink()
    kept.symlink_to(model_folder("v1"))
    assert run("ben", "unpack", "show.zip")["model some/turbo"]["is"] == "DIFFERS"


# ---- what a stranger packs ---------------------------------------------------------------------

GOOD = {"livebend.toml": b'livebend = "0.1.0"\n', "presets/fine.toml": b'title = "Fine"\n'}
HOSTILE = {
    "presets/x.toml": [
        (b"[bend", "not TOML"), (b"\xff\xfe", "not text in UTF-8"),
        (b"[walk]\nradius = 1e9", "walk.radius = 1e+09: expected 0..4"),
        (b'[bend.x]\noperator = "os.system"\nsite = "unet.mid"', "unknown bend.x.operator"),
        (b"#" * (limits.PRESET_BYTES + 1), "more than 256 KiB"),
        (b"a." * 99 + b"b = 1", "a key of more than 16 parts"),
    ],
    "masks/x.png": [
        (b"no picture", "cannot be read as a PNG"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0", "65536x65536: expected up to 4096"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1", "cannot be read as a PNG"),
    ],
    "masks/a b.png": [(b"", "a drawn mask is called by")],
    "midi/x.toml": [
        (b"controls = 1", "controls: expected a list"),
        (b'controls = [{ at = "cc.1.1", to = "../x" }]', "target '../x': expected an action"),
    ],
    "cues/x.txt": [(b"0 rm -rf /", "unknown cue 'rm'"), (b"\0", "expected a time in seconds")],
    "cues/x.sh": [(b"", "no file of a pack")],
    "run.py": [(b"", "no file of a pack")],
    "weights/x.safetensors": [(b"", "no file of a pack")],
    "../.bashrc": [(b"", "no name that a file in it may have")],
    "presets/../../x.toml": [(b"", "no name that a file in it may have")],
    "livebend.toml": [
        (b"", "livebend = None: expected a version"), (b"livebend = 1", "expected a version"),
        (b'livebend = "1"\n[[model]]\nname = "../../etc"', "expected a name, sha256 and size"),
        (b'livebend = "1"\n[[model]]\nname = "a/b/../../x.ckpt"', "expected a name, sha256"),
        (b'livebend = "1"\n[[lora]]\nname = "/etc/passwd"', "expected a name, sha256"),
        (b'livebend = "1"\n[[lora]]\nname = "x"\nsha256 = "zz"', "expected a name, sha256"),
        (b'livebend = "1"\n[[lora]]\nname = "x"\nsize = -1', "expected a name, sha256"),
        (b'livebend = "1"\nlora = 3', "lora: expected a list"),
        (b'livebend = "1"\nlora = [' + b"{}," * 99 + b"]", "expected a list of at most 64"),
    ],
}  # fmt: skip
CASES = [(name, data, said) for name, cases in HOSTILE.items() for data, said in cases]


@pytest.mark.parametrize(("name", "data", "said"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
def test_of_a_pack_with_one_bad_file_nothing_is_unpacked(
    name, data, said, refused, homes, tmp_path
):
    write_zip(tmp_path / "bad.zip", {**GOOD, name: data})
    before = below(tmp_path)
    assert said in refused("ben", "unpack", "bad.zip")
    assert below(tmp_path) == before
    assert not homes.at("ben").exists()


def test_a_pack_without_a_manifest_is_none(refused, tmp_path):
    write_zip(tmp_path / "bad.zip", {"presets/fine.toml": GOOD["presets/fine.toml"]})
    assert "no pack of livebend" in refused("ben", "unpack", "bad.zip")


def test_a_later_version_is_named_where_its_pack_is_refused(refused, tmp_path):
    later = {"livebend.toml": b'livebend = "9.0"\nnew = 1\n', "presets/x.toml": b"[later]\n"}
    write_zip(tmp_path / "bad.zip", later)
    said = refused("ben", "unpack", "bad.zip")
    assert "unknown key 'later'" in said
    assert said.endswith("it was made by livebend 9.0\n")


def test_a_link_in_a_pack_is_refused(refused, tmp_path, homes):
    info = zipfile.ZipInfo("presets/link.toml")
    info.external_attr, info.create_system = (stat.S_IFLNK | 0o777) << 16, 3
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as made:
        made.writestr("livebend.toml", GOOD["livebend.toml"])
        made.writestr(info, "/etc/passwd")
    assert "presets/link.toml: no plain file" in refused("ben", "unpack", "bad.zip")
    assert not homes.at("ben").exists()


def test_a_disk_that_fails_half_way_is_left_as_it_was(refused, run, homes, monkeypatch):
    run("anna", "pack", "show.zip", "--cues", "show.txt", "--model", "tiny")
    write(homes.at("ben") / "presets" / "mine.toml", 'title = "Mine"\n')
    before = below(homes.at("ben"))
    moves = []

    def link(part, file):
        moves.append(file)
        if len(moves) == 3:
            raise OSError(28, "No space left on device")
        part.rename(file)

    monkeypatch.setattr("livebend.core.files._move_new", link)
    assert "No space left on device" in refused("ben", "unpack", "show.zip")
    assert below(homes.at("ben")) == before


def test_a_link_of_the_users_is_not_written_through(run, homes, tmp_path):
    run("anna", "pack", "show.zip", "--model", "tiny")
    secret = write(tmp_path / "secret", "mine")
    own = homes.at("ben") / "presets" / "gale.toml"
    own.parent.mkdir(parents=True)
    own.symlink_to(secret)
    said = run("ben", "unpack", "show.zip")
    assert "gale-2.toml" in said["preset gale"]["about"]
    assert secret.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pack", "show.mp4"), "show.mp4: expected a file that ends in .zip"),
        (("pack", "missing/show.zip"), "the folder 'missing' does not exist"),
        (("pack", "show.zip", "gael"), "unknown preset 'gael'; did you mean 'gale'?"),
        (("pack", "show.zip", "bad.toml"), "bad.toml: cannot be read"),
        (("pack", "show.zip", "--cues", "nothere.txt"), "nothere.txt: cannot be read"),
        (("pack", "show.zip", "--lora", "nothere.safetensors"), "nothere.safetensors"),
        (("unpack", "nothere.zip"), "nothere.zip: cannot be read: No such file"),
        (("unpack", "show.txt"), "show.txt: no zip file"),
    ],
)  # fmt: skip
def test_what_cannot_be_packed_is_refused_with_one_line(arguments, said, refused, tmp_path):
    before = below(tmp_path)
    assert said in refused("anna", *arguments)
    assert below(tmp_path) == before
