"""Presets: those that come with livebend, the way there and back, and what is said of bad ones."""

from pathlib import Path

import pytest

from livebend.core.errors import LivebendError, OutOfRange, PresetError, UnknownName
from livebend.scene import paths, presets
from livebend.scene.commands import Load, Panic
from livebend.scene.presets import Slot
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import Bend, Prompt, Route, Scene, Walk

NAMES = [info.name for info in presets.list_presets()]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's folder of his own."""
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path / "user")
    return tmp_path / "user"


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_loads_and_comes_back_equal(name, tmp_path):
    scene = presets.load(name)
    file = tmp_path / "again.toml"
    presets.save(scene, file)
    assert presets.load(file) == scene
    assert Panic().apply(Load(scene).apply(Scene())) == scene


@pytest.mark.parametrize("info", presets.list_presets(), ids=lambda info: info.name)
def test_every_preset_says_what_it_is_and_moves_with_the_sound(info):
    scene = presets.load(info.name)
    assert info.title == scene.title != info.name
    assert 20 < len(info.about) <= 100
    assert any(scene.prompt.texts)
    assert scene.bends
    if presets.sweep_of(info.name):
        return  # a figure stands still
    assert any(not r.source.startswith(("lfo", "constant", "show")) for r in scene.routes)
    driven = {route.target for route in scene.routes}
    assert all(any(t.startswith(f"bend.{b.name}.") for t in driven) for b in scene.bends)


def test_the_presets_use_many_sites_and_sources():
    scenes = [presets.load(name) for name in NAMES]
    assert len({b.site for s in scenes for b in s.bends}) >= 12
    assert len({r.source for s in scenes for r in s.routes}) >= 10
    assert len({b.operator for s in scenes for b in s.bends}) >= 8
    assert NAMES[0] == "default"


def test_what_differs_from_the_defaults_is_written_and_nothing_else():
    scene = Scene(
        "T",
        prompt=Prompt(text='a "b"\\ü', blend=0.25),
        walk=Walk(normalise=False),
        bends=(Bend("a", "rotate", "unet.mid", {"angle": 0.0, "i": 2}, mute=True),),
        routes=(Route("r", "rms", "bend.a.angle", edge="wrap"),),
    )
    table = table_of(scene)
    assert table["walk"] == {"normalise": False}
    assert table["bend"]["a"] == {
        "operator": "rotate", "site": "unet.mid", "angle": 0.0, "i": 2, "mute": True,
    }  # fmt: skip
    assert "agc" not in table
    assert scene_from(table) == scene


def test_every_parameter_can_stand_in_a_preset():
    bend = {"operator": "rotate", "site": "unet.mid"}
    route = {"source": "rms", "target": "bend.a.angle"}
    table = {"bend": {"a": bend}, "route": {"r": route}}
    for path, spec in paths.every(scene_from(table)):
        *groups, leaf = path.split(".")
        place = table
        for group in groups:
            place = place.setdefault(group, {})
        place.setdefault(leaf, spec.default)
    assert scene_from(table).bends[0].values["angle"] == 0.0


BEND = '[bend.swirl]\noperator = "rotate"\nsite = "unet.mid"\n'
ROUTE = '[route.kick]\nsource = "low"\ntarget = "bend.swirl.angle"\n'
BAD = {
    "angle = 400": (BEND + "angle = 400", "bend.swirl.angle = 400: expected -360..360 deg"),
    "type": (BEND + 'angle = "a"', "bend.swirl.angle = 'a': expected -360..360 deg"),
    "key": (BEND + "angel = 4", "'bend.swirl.angel'; did you mean 'bend.swirl.angle'"),
    "operator": (BEND.replace("rotate", "rotat"), "bend.swirl.operator 'rotat'; did you mean"),
    "no site": ('[bend.x]\noperator = "add"', "bend.x: site is missing"),
    "no target": ('[route.x]\nsource = "rms"', "route.x: target is missing"),
    "target": (ROUTE, "route.kick.target = 'bend.swirl.angle': unknown bend 'swirl'"),
    "target path": (BEND + ROUTE.replace("angle", "angel"), "did you mean 'bend.swirl.angle'"),
    "source": (BEND + ROUTE.replace("low", "lo"), "route.kick.source 'lo'; did you mean 'low'"),
    "choice": (BEND + 'units = "volts"', "unknown bend.swirl.units 'volts'; known: raw, sigma"),
    "group key": ("[walk]\nradios = 1", "'walk.radios'; did you mean 'walk.radius'"),
    "top key": ("sede = 1", "'sede'; did you mean 'seed'"),
    "table": ("walk = 3", "walk = 3: expected a table"),
    "not a table": ("bend = 3", "bend = 3: expected a table"),
    "bend value": ("bend.x = 3", "bend.x = 3: expected a table"),
    "title": ("title = 3", "title = 3: expected text"),
    "about": ("about = 3", "about = 3: expected text"),
    "seed": ("seed = -1", "seed = -1: expected whole number 0..4.29497e+09"),
    "nan": ("[prompt]\nblend = nan", "prompt.blend = nan: expected 0..1"),
    "date": ("seed = 2020-01-01", "seed = datetime.date"),
    "name": ('[bend."../x"]\noperator="add"\nsite="image"', "bend name '../x'"),
    "toml": ("title = ", "not TOML"),
    "deep": ("a = " + "[" * 5000, "not TOML"),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_bad_preset_is_named_with_file_key_and_what_is_allowed(case, tmp_path):
    text, message = BAD[case]
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "dub.toml").write_text(text)
    with pytest.raises(PresetError) as caught:
        presets.load(folder / "dub.toml")
    assert str(caught.value).startswith("presets/dub.toml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(PresetError, match="cannot be read: No such file"):
        presets.load(tmp_path / "nope.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PresetError, match="not text in UTF-8"):
        presets.load(str(tmp_path / "bytes.toml"))


def test_an_unknown_name_offers_the_nearest(home):
    with pytest.raises(UnknownName, match="unknown preset 'defalt'; did you mean 'default'"):
        presets.load("defalt")


def test_a_users_preset_hides_the_built_in_one_and_a_broken_one_says_so(home):
    presets.save(Scene("Mine"), home / "default.toml", "My own.")
    (home / "broken.toml").write_text("=")
    listed = {info.name: info for info in presets.list_presets()}
    assert (listed["default"].title, listed["default"].about) == ("Mine", "My own.")
    assert "not TOML" in listed["broken"].about


def test_the_bank_knows_names_and_slots_but_no_files(home, tmp_path):
    bank = presets.PresetBank()
    presets.save(Scene("Outside"), tmp_path / "outside.toml")
    assert bank.recall(1) == bank.recall("default") == ("default", presets.load("default"))
    for name in ("../outside", str(tmp_path / "outside.toml"), "outside.toml", "", "."):
        with pytest.raises(UnknownName):
            bank.load(name)
    for slot in (0, -1, 64, 65):
        with pytest.raises(OutOfRange):
            bank.recall(slot)


def test_presets_in_a_folder_are_found_by_controllers_and_cues(home):
    assert presets.PresetBank().load("paper/v3") == presets.load("paper/v3")


def test_a_preset_recalled_by_name_reads_one_file(home, monkeypatch):
    bank, looked, read = presets.PresetBank(), [], []
    own_rglob, own_read = Path.rglob, presets.read_text
    monkeypatch.setattr(Path, "rglob", lambda f, *a: looked.append(f) or own_rglob(f, *a))
    monkeypatch.setattr(presets, "read_text", lambda f, n: read.append(f.name) or own_read(f, n))
    assert bank.recall("storm")[0] == "storm"
    assert (looked, read) == ([], ["storm.toml"])
    presets.save(Scene("Later"), presets.user_folder() / "later.toml")
    assert bank.recall("later")[1] == Scene("Later")


def test_a_list_of_some_has_those_alone():
    assert [p.name for p in presets.list_presets(("paper/f2", "storm"))] == ["paper/f2", "storm"]
    with pytest.raises(UnknownName, match="did you mean 'storm'"):
        presets.list_presets(("strom",))


def test_a_stored_scene_takes_its_slot_for_good(home):
    bank = presets.PresetBank()
    scene = Scene("Night", seed=9)
    assert bank.store(3, scene) == presets.user_folder() / "stored-3.toml"
    assert bank.recall(3) == ("stored-3", scene)
    again = presets.PresetBank()
    assert (again.recall(3)[1], again.recall(1)[0]) == (scene, "default")
    with pytest.raises(OutOfRange):
        bank.store(65, scene)


def test_what_slots_hold_is_told_with_titles_and_a_version(home):
    bank = presets.PresetBank()
    assert bank.slots()[1] == Slot("default", presets.load("default").title)
    assert not any("/" in slot.name for slot in bank.slots().values())
    bank.hold(3, Scene("Night"))
    assert (bank.slots()[3], bank.version) == (Slot("stored-3", "Night", stored=True), 1)
    bank.hold(60, Scene("Late"))
    assert [*bank.slots()][-1] == 60


def test_a_slot_that_is_cleared_holds_what_it_held_before(home):
    bank = presets.PresetBank()
    usual = bank.recall(3)
    for slot in (3, 50):
        bank.hold(slot, Scene("Night"))
        file = bank.store(slot, Scene("Night"))
        bank.release(slot)
        bank.clear(slot)
        assert not file.exists()
        with pytest.raises(OutOfRange, match="nothing was stored"):
            bank.release(slot)
    assert bank.recall(3) == presets.PresetBank().recall(3) == usual
    with pytest.raises(OutOfRange):
        bank.recall(50)


def test_a_preset_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LivebendError, match="cannot be written"):
        presets.save(Scene("X"), tmp_path / "file" / "x.toml")
    (tmp_path / "x.toml").mkdir()
    with pytest.raises(LivebendError, match="cannot be written"):
        presets.save(Scene("X"), tmp_path / "x.toml")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["file", "x.toml"]


def test_the_text_of_a_mixed_prompt_that_is_not_there_adds_it():
    changes = [("prompt.mix.sea.text", "ocean"), ("prompt.mix.sea.weight", 0.5)]
    scene = presets.first_scene("storm", [*changes, ("prompt.mix.sea.text", "sea")])
    assert [(one.name, one.text, one.weight) for one in scene.mix] == [("sea", "sea", 0.5)]
    assert scene.home.mix == scene.mix
    for path, value, words in (
        ("prompt.mix.sea.weight", 0.5, "sea"),
        ("prompt.mix.No!.text", "x", "name"),
        ("prompt.mix.sea.text", 3.0, "text"),
    ):
        with pytest.raises(LivebendError, match=words):
            presets.first_scene("storm", [(path, value)])
