"""The tree of live parameters follows the scene."""

import json

from livebend.parameters import address_of, matching, parameters
from livebend.scene import paths
from livebend.scene.values import Bend, Route, Scene

SCENE = Scene(
    bends=(Bend("swirl", "rotate", "unet.mid", {"angle": 30.0}),),
    routes=(Route("kick", "low", "bend.swirl.angle"),),
)


def test_every_path_is_listed_once_in_order():
    assert [p.path for p in parameters(SCENE)] == [path for path, _ in paths.every(SCENE)]


def test_a_parameter_tells_all_a_controller_needs():
    (angle,) = matching(SCENE, "swirl.angle")
    assert angle.address == "/livebend/bend/swirl/angle"
    assert (angle.low, angle.high, angle.unit) == (-360, 360, "deg")
    assert (angle.default, angle.value, angle.kind) == (0.0, 30.0, "float")
    assert angle.play == (-180, 180)
    assert angle.doc
    assert matching(SCENE, "prompt.text")[0].play is None


def test_what_a_route_adds_is_played_as_wide_as_its_target():
    high, low = matching(SCENE, "kick.high")[0], matching(SCENE, "kick.low")[0]
    assert high.play == low.play == (-360, 360)
    assert high.high == 1e6


def test_it_can_be_written_as_json():
    rows = [p.as_json() for p in parameters(SCENE)]
    assert json.loads(json.dumps(rows)) == rows


def test_matching_takes_a_star_and_nothing_else_special():
    assert [p.path for p in matching(SCENE, "walk.*ase")] == ["walk.phase"]
    assert not matching(SCENE, "walk.[a-z]")


def test_an_address_is_the_path_with_slashes():
    assert address_of("prompt.fade") == "/livebend/prompt/fade"
