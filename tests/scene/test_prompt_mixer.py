"""The prompt mixer in a scene: its texts and weights are parameters like any other."""

import pytest

from livebend.control.osc_addresses import read
from livebend.control.parameters import tree_of
from livebend.core.errors import OutOfRange, Refused, UnknownName
from livebend.modulation.plan import planned
from livebend.scene import edit, paths, presets
from livebend.scene.commands import Add, Load, Remove, Replace, Set, Undo
from livebend.scene.morph import blended
from livebend.scene.tables import scene_from, table_of
from livebend.scene.values import MixedPrompt, Prompt, Route, Scene

NIGHT = MixedPrompt("night", "northern lights", 0.5)
SEA = MixedPrompt("sea", "ocean waves", 0.0)
SCENE = Scene(prompt=Prompt("flames"), mix=(NIGHT, SEA))
DRUM = Route("drum", "kick.pulse", "prompt.mix.sea.weight")


def test_text_and_weight_are_at_their_paths_and_addresses():
    scene = edit.put(SCENE, "prompt.mix.night.weight", 0.25)
    scene = edit.put(scene, "prompt.mix.sea.text", "a\u00a0storm\n")
    assert paths.get(scene, "prompt.mix.night.weight") == 0.25
    assert paths.get(scene, "prompt.mix.sea.text") == "a storm"
    found = tree_of(SCENE, {}).addresses["/livebend/prompt/mix/night/weight"]
    assert (found.path, found.spec.range.soft) == ("prompt.mix.night.weight", (0, 1))
    assert paths.split("prompt.mix.night.weight") == ("prompt.mix", "night", "weight")
    assert paths.split("prompt.mixing") == ("prompt", "", "mixing")
    with pytest.raises(UnknownName, match="night"):
        edit.put(SCENE, "prompt.mix.nihgt.weight", 1.0)
    with pytest.raises(OutOfRange, match=r"0\.\.10"):
        edit.put(SCENE, "prompt.mix.night.weight", -1.0)


def test_a_route_drives_a_weight():
    scene = edit.check(Scene(mix=(SEA,), routes=(DRUM,)))
    assert planned(scene).passes[0].targets[0].path == "prompt.mix.sea.weight"
    assert planned(scene).structure != planned(Scene(mix=(NIGHT,), routes=(DRUM,))).structure
    with pytest.raises(Refused, match=r"prompt\.mix"):
        edit.check(Scene(mix=(NIGHT,), routes=(DRUM,)))
    with pytest.raises(OutOfRange, match="a number's path"):
        edit.check(Scene(mix=(SEA,), routes=(Route("x", "rms", "prompt.mix.sea.text"),)))


def test_a_preset_holds_it(tmp_path):
    scene = Scene("X", prompt=Prompt("flames", mixing="slerp"), mix=(NIGHT, SEA), routes=(DRUM,))
    assert scene_from(table_of(scene)) == scene
    assert table_of(Scene(mix=(MixedPrompt("a", ""),)))["prompt"] == {"mix": {"a": {"text": ""}}}
    presets.save(scene, tmp_path / "mine.toml")
    assert presets.load(tmp_path / "mine.toml") == scene
    text = '[prompt]\ntext = "flames"\n[prompt.mix.night]\ntext = "aurora"\nweight = 0.3\n'
    (tmp_path / "typed.toml").write_text(text)
    assert presets.load(tmp_path / "typed.toml").mix == (MixedPrompt("night", "aurora", 0.3),)


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        ({"a": {}}, "prompt.mix.a: text is missing"),
        ({"a": {"text": "x", "wieght": 1.0}}, "prompt.mix.a.weight"),
        ({"a": {"text": "x", "weight": 11.0}}, "prompt.mix.a.weight = 11"),
        ({"a": "x"}, "prompt.mix.a = 'x': expected a table"),
        ({"A b": {"text": "x"}}, "mixed prompt name 'A b'"),
        ({f"m{n}": {"text": "x"} for n in range(17)}, "17 mixed prompts: expected up to 16"),
        (3, "prompt.mix = 3: expected a table"),
    ],
)
def test_a_preset_that_is_wrong_says_where(mix, said):
    with pytest.raises(Refused) as why:
        scene_from({"prompt": {"mix": mix}})
    assert said in str(why.value)


def test_the_command_line_sets_a_weight(tmp_path):
    presets.save(SCENE, tmp_path / "mine.toml")
    begun = presets.first_scene(str(tmp_path / "mine.toml"), [("prompt.mix.sea.weight", 0.7)])
    assert [mixed.weight for mixed in begun.mix] == [0.5, 0.7]
    assert begun.home == begun


def test_prompts_are_added_replaced_and_removed_with_their_routes():
    scene = Add(MixedPrompt("sea", "ocean waves")).apply(Scene(mix=(NIGHT,)))
    scene = Add(DRUM).apply(scene)
    with pytest.raises(Refused, match=r"prompt\.mix\.sea: this name is taken"):
        Add(SEA).apply(scene)
    assert Replace(SEA).apply(scene).mix == (NIGHT, SEA)
    without = Remove("prompt.mix", "sea").apply(scene)
    assert (without.mix, without.routes) == ((NIGHT,), ())
    assert Undo().apply(without).mix == scene.mix
    full = Scene(mix=tuple(MixedPrompt(f"m{n}", "") for n in range(16)))
    with pytest.raises(Refused, match="17 mixed prompts"):
        Add(SEA).apply(full)
    with pytest.raises(UnknownName, match="sae"):
        Remove("prompt.mix", "sae").apply(scene)


def test_osc_adds_and_removes_them():
    known = tree_of(SCENE, {})
    for verb in ("add", "replace", "remove"):
        assert known.parameters[f"prompt.mix.{verb}"].access == "trigger"

    def action(address, *arguments):
        return read(f"/livebend/prompt/mix/{address}", arguments, known, None).action

    assert action("add", "sky", "clouds") == Add(MixedPrompt("sky", "clouds"))
    assert action("add", "sky", "clouds", "weight", 0.2) == Add(MixedPrompt("sky", "clouds", 0.2))
    assert action("remove", "night") == Remove("prompt.mix", "night")
    assert action("night/weight", 0.3) == Set("prompt.mix.night.weight", 0.3)
    assert action("night/text", "deep", "sea") == Set("prompt.mix.night.text", "deep sea")
    with pytest.raises(OutOfRange, match=r"expected NAME TEXT \[key value"):
        action("add", "sky")


def test_a_route_to_what_the_next_scene_does_not_mix_ends_at_once():
    """Prompts cross over as a whole, so the old mixer is not in the scene between."""
    old = Scene(mix=(NIGHT, SEA), routes=(DRUM, Route("x", "rms", "walk.radius")))
    half = blended(old, Scene(mix=(NIGHT,)), 0.5)
    assert [route.name for route in half.routes] == ["x"]
    assert half.mix == (NIGHT,)
    assert blended(old, old, 0.5).routes == old.routes


def test_a_load_brings_its_own():
    assert Load(Scene()).apply(SCENE).mix == ()
    assert Load(SCENE).apply(Scene()).mix == SCENE.mix
