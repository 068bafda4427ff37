"""LoRAs in a scene: their strengths are parameters like any other."""

import pytest

from livebend.control.parameters import tree_of
from livebend.core.errors import OutOfRange, Refused, UnknownName
from livebend.modulation.plan import planned
from livebend.scene import edit, paths, presets
from livebend.scene.commands import Load, Panic, Set
from livebend.scene.morph import blended
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import Lora, Route, Scene

GRAIN = Lora("grain", 0.8, first=0.8)
SHOW = Scene(loras=(GRAIN, Lora("ink", 0.0, first=0.0)))
DRUM = Route("drum", "kick.pulse", "lora.grain.strength")


def test_its_strength_is_at_its_path_and_address():
    scene = edit.put(SHOW, "lora.grain.strength", 0.25)
    assert paths.get(scene, "lora.grain.strength") == 0.25
    assert paths.get(scene, "lora.ink.strength") == 0.0
    found = tree_of(SHOW, {}).addresses["/livebend/lora/grain/strength"]
    path, spec = found.path, found.spec
    assert (path, spec.range.soft) == ("lora.grain.strength", (0, 1))
    with pytest.raises(UnknownName, match="grain"):
        edit.put(SHOW, "lora.grian.strength", 1.0)
    with pytest.raises(OutOfRange, match=r"-10\.\.10"):
        edit.put(SHOW, "lora.grain.strength", 11.0)


def test_a_route_drives_it():
    scene = edit.check(Scene(loras=(GRAIN,), routes=(DRUM,)))
    assert planned(scene).passes[0].targets[0].path == "lora.grain.strength"
    with pytest.raises(Refused, match="ink"):
        edit.check(Scene(loras=(GRAIN,), routes=(Route("x", "rms", "lora.ink.strength"),)))


def test_a_preset_holds_it():
    scene = Scene("X", loras=(Lora("grain", 0.3, 0.5), Lora("ink")), routes=(DRUM,))
    assert scene_from(table_of(scene)) == scene
    with pytest.raises(UnknownName, match=r"lora\.grain\.strength"):
        scene_from({"lora": {"grain": {"strengh": 1.0}}})
    with pytest.raises(Refused, match="17 loras"):
        scene_from({"lora": {f"l{n}": {} for n in range(17)}})


def test_a_preset_that_does_not_name_it_has_it_as_the_show_began():
    moved = Set("lora.grain.strength", 0.1).apply(SHOW)
    loaded = Load(Scene("Plain")).apply(moved)
    assert loaded.loras == SHOW.loras
    named = Load(Scene(loras=(Lora("grain", 0.5),))).apply(moved)
    assert [lora.strength for lora in named.loras] == [0.5, 0.0]
    assert Load(Scene()).apply(named).loras == SHOW.loras
    assert Panic().apply(Set("lora.grain.strength", 0.0).apply(named)).loras == named.loras


def test_a_preset_of_a_lora_that_is_not_loaded_is_refused():
    with pytest.raises(Refused, match=r"lora\.fog is not loaded: --lora FILE; loaded: grain, ink"):
        Load(Scene(loras=(Lora("fog", 0.5),))).apply(SHOW)
    driven = Scene(loras=(Lora("fog", 0.0),), routes=(Route("x", "rms", "lora.fog.strength"),))
    with pytest.raises(Refused, match="not loaded"):
        Load(driven).apply(SHOW)
    off = Load(Scene(loras=(Lora("fog", 0.0),))).apply(SHOW)  # off, it is as if it was not there
    assert off.loras == SHOW.loras


def test_a_show_begins_with_them(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[lora.grain]\nstrength = 0.5\n")
    begun = presets.first_scene(str(file), [("lora.ink.strength", 0.7)], SHOW.loras)
    assert [lora.strength for lora in begun.loras] == [0.5, 0.7]
    with pytest.raises(Refused, match="loaded: none"):
        presets.first_scene(str(file), [])


def test_its_strength_crosses_over_with_a_preset():
    half = blended(SHOW, Scene(loras=(Lora("grain", 0.2), Lora("ink", 1.0))), 0.5)
    assert [lora.strength for lora in half.loras] == [0.5, 0.5]
