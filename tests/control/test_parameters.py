"""The parameter tree: all that can be played or watched, and what became of it."""

from dataclasses import replace

import pytest

from livebend.control.osc_addresses import read
from livebend.control.parameters import (
    Event,
    Trees,
    address_of,
    described,
    events,
    node_of,
    soft_range,
    tree_of,
    value_of,
)
from livebend.control.readings import READINGS, driven
from livebend.control.triggers import TRIGGERS
from livebend.core.errors import LivebendError, UnknownName
from livebend.core.status import BendStatus, Notice, RouteStatus, Status
from livebend.flow import Features
from livebend.outputs.display import SPECS, Display
from livebend.scene import edit, paths
from livebend.scene.tables import scene_from
from livebend.scene.values import Bend, Lora, MixedPrompt, Route, Scene
from tests.fakes.desk import DUB, FakeBank, FakeDesk

FULL = replace(DUB, loras=(Lora("grain"),))
TREE = tree_of(FULL, Display.specs)


def test_all_of_the_scene_and_the_display_is_in_it_as_it_is_declared():
    declared = dict(paths.every(FULL)) | {f"output.{k}": s for k, s in SPECS.items()}
    values = {p.path: p.spec for p in TREE.values()}
    assert values == declared
    for path in ("walk.radius", "bend.swirl.angle", "bend.swirl.mask.x", "route.kick.high",
                 "lora.grain.strength", "prompt.text", "agc.on", "tempo.bpm", "reuse.deep",
                 "sampling.steps", "output.record"):  # fmt: skip
        assert path in values
    assert [*TREE.parameters] == [*declared, *TRIGGERS, *READINGS]


def test_a_preset_file_and_set_take_what_is_in_it_and_nothing_else():
    """They read the declarations that the tree is made of: scene knows nothing of control."""
    scene = replace(FULL, mix=(MixedPrompt("sea", "ocean"),), home=None)
    table = {"title": scene.title, "bend": {"swirl": {"operator": "rotate"}}}
    played = [p for p in tree_of(scene, Display.specs).values() if not p.is_setting]
    for parameter in played:
        value = value_of(FakeDesk(scene).desk, parameter, scene)
        put = edit.put(scene, parameter.path, value)
        assert paths.get(put, parameter.path) == value
        *inner, leaf = parameter.path.split(".")
        nested(table, inner)[leaf] = value
    read_back = scene_from(table)
    assert all(paths.get(read_back, p.path) == paths.get(scene, p.path) for p in played)
    nested(table, ["walk"])["swirl"] = 1.0
    with pytest.raises(UnknownName, match=r"walk\.swirl"):
        scene_from(table)
    with pytest.raises(UnknownName, match=r"walk\.swirl"):
        edit.put(scene, "walk.swirl", 1.0)


def nested(table, names):
    """The table within others that has these names."""
    for name in names:
        table = table.setdefault(name, {})
    return table


def test_nothing_is_a_leaf_and_has_others_below_it():
    """OSCQuery knows nodes and leaves, and no address that is both."""
    for parameter in TREE.parameters.values():
        assert not any(other.startswith(f"{parameter.path}.") for other in TREE.parameters)


def test_every_leaf_is_found_by_its_address_and_has_a_line_about_it():
    for parameter in TREE.parameters.values():
        assert TREE.addresses[parameter.address] is parameter
        assert parameter.address == address_of(parameter.path)
        assert parameter.spec.doc
    assert TREE.addresses["/livebend/prompt"].path == "prompt.text"


@pytest.mark.parametrize("path", TRIGGERS)
def test_a_trigger_says_what_it_takes(path):
    given = {"NAME": "swirl", "OPERATOR": "rotate", "SITE": "image", "SOURCE": "rms",
             "TARGET": "bend.swirl.angle", "SLOT": 1, "INDEX": 1, "PLACE": 1, "PORT": 9001,
             "PATH": "walk.radius", "TEXT": "flames", "POINTS": "0:1 2:5"}  # fmt: skip
    given |= {"NAME": "dub"} if path in ("preset.recall", "crossfade.to") else {}
    arguments = [given[spec.name.upper()] for spec in TRIGGERS[path].takes]
    assert read(address_of(path), arguments, TREE, FakeBank()).action is not None


def test_the_newest_tree_is_remembered_while_the_parts_stay():
    trees = Trees({})
    tree = trees.of(FULL)
    assert trees.of(replace(FULL, seed=7)) is tree
    more = trees.of(replace(FULL, bends=(*FULL.bends, Bend("flash", "add", "image"))))
    assert "bend.flash.amount" in more.parameters
    assert "bend.flash.amount" not in trees.of(FULL).parameters


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (replace(FULL, seed=7), []),
        (replace(FULL, bends=(*FULL.bends, Bend("flash", "add", "image"))),
         [Event("added", "bend.flash")]),
        (replace(FULL, bends=(), routes=()),
         [Event("removed", "bend.swirl"), Event("removed", "route.kick")]),
        (replace(FULL, bends=(Bend("swirl", "add", "image"),)), [Event("changed", "bend.swirl")]),
        (replace(FULL, routes=(Route("hat", "high", "seed"),)),
         [Event("removed", "route.kick"), Event("added", "route.hat")]),
    ],
)  # fmt: skip
def test_changes_of_structure_are_events(after, found):
    assert events(TREE, tree_of(after, Display.specs)) == found


def test_a_node_has_what_is_below_it():
    assert [p.path for p in TREE.below("preset")] == [
        "preset.fade", "preset.unit", "preset.quantise", "preset.waiting",
    ]  # fmt: skip
    assert {p.path for p in TREE.below("bend.swirl.mask")} > {"bend.swirl.mask.x"}
    assert TREE.below("bend.swirl.angl") == []
    assert len(TREE.below("")) == len(TREE.parameters) - len(TRIGGERS)
    assert [node_of(p) for p in ("lora.grain.text", "output.help", "seed")] == [
        "lora.grain", "output", "",
    ]  # fmt: skip


def test_a_value_is_where_its_owner_has_it():
    display, fake = Display(), FakeDesk(FULL)
    status = Status(features=Features(rms=0.25, bpm=120.4), title="Dub", fps=59.96)
    desk = replace(fake.desk, view=display.get, status=lambda: status)
    display.set("brightness", 0.5)
    found = {p.path: value_of(desk, p) for p in TREE.below("")}
    assert (found["bend.swirl.angle"], found["output.brightness"]) == (30.0, 0.5)
    assert (found["meter.rms"], found["meter.tempo"], found["title"]) == (0.25, 120.4, "Dub")
    with pytest.raises(LivebendError, match=r"panic: it is done, and has no value"):
        value_of(desk, TREE.parameters["panic"])
    assert described(FULL, TREE.parameters["bend.swirl.angle"], 30.0)["soft"] == [-180, 180]


def test_a_fader_covers_the_soft_range_and_of_a_route_what_its_target_spans():
    spans = soft_range(FULL, TREE.parameters["route.kick.high"])
    assert (spans.low, spans.high, spans.unit) == (-360, 360, "deg")
    assert soft_range(FULL, TREE.parameters["prompt.text"]) is None
    lost = replace(FULL, routes=(replace(FULL.routes[0], target="bend.gone.angle"),))
    assert soft_range(lost, TREE.parameters["route.kick.high"]).high == 1e6


def test_pulses_are_1_where_a_counter_has_risen():
    now, before = Features(onset_count=3, beat_phase=0.25), Features(onset_count=2)
    read_now = lambda name: READINGS[name].read(Status(features=now), before)  # noqa: E731
    assert (read_now("meter.onset.pulse"), read_now("meter.kick.pulse")) == (1.0, 0.0)
    assert read_now("meter.beat.phase") == 0.25
    said = Status(notices=(Notice(1.0, "old"), Notice(2.0, "new")))
    assert READINGS["notice"].read(said, now) == "new"


def test_what_routes_drive_is_as_it_is_played():
    routes = [RouteStatus("a", "rms", 0.5, target, out) for target, out in (
        ("bend.swirl.angle", 15.0), ("walk.radius", 0.5), ("walk.radius", 9.0),
        ("bend.gone.angle", 1.0),
    )]  # fmt: skip
    bends = (BendStatus("swirl", "rotate", "image", {"angle": 44.0}),)
    found = driven(Scene(bends=DUB.bends), Status(routes=tuple(routes), bends=bends))
    assert found == {"bend.swirl.angle": 44.0, "walk.radius": 4.0}
