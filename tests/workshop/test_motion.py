"""The script that measures how well a preset's picture follows a piece of music."""

import _motion
import numpy as np
import pytest


def shades(*levels):
    return [np.full((32, 32, 3), level, np.uint8) for level in levels]


def test_what_goes_on_does_not_flicker_and_what_comes_back_does():
    assert _motion.flicker(shades(0, 10, 20, 30)) == 0.0
    assert _motion.flicker(shades(0, 10, 0, 10)) == 1.0
    assert _motion.flicker(shades(0, 10, 5, 5)) == pytest.approx(1.0)  # all of a step of 5
    assert _motion.flicker(shades(7, 7, 7)) == 0.0


def test_motion_is_of_255_and_flashes_are_counted():
    still, flashing = shades(*[90] * 20), shades(*[0, 200] * 10)
    assert _motion.motion(still, 20.0) == (
        "a frame goes 0.0 (p95 0.0, most 0.0); flicker 0.00; 0 of 20 frames flash too much"
    )
    assert _motion.motion(flashing, 20.0).startswith("a frame goes 200.0 (p95 200.0, most 200.0)")
    held = int(_motion.motion(flashing, 20.0).split("; ")[2].split()[0])
    assert 5 <= held < 20


def test_a_picture_follows_what_its_route_adds():
    added = {"kick": [0.0, -1.0, -2.0, -1.0]}
    without, full = (
        _motion.Film(shades(50, 50, 80, 80), {}),
        _motion.Film(shades(90, 90, 100, 100), {}),
    )
    driven = _motion.Film(shades(50, 70, 100, 90), added)
    against = _motion.Film(shades(90, 70, 80, 90), added)
    still = _motion.Film(without.pictures, added)
    assert _motion.follows(driven, without, full, "kick") == "follows 1.00, moves 20.0"
    assert _motion.follows(against, without, full, "kick") == "follows -1.00, moves 40.0"
    assert _motion.follows(still, without, full, "kick") == "follows 0.00, moves 0.0"


def test_every_route_from_the_sound_is_left_out_once(model_folder, capsys):
    given = ["demo", "storm", "--begin", "8", "--seconds", "0.5", "--fps", "8"]
    assert _motion.main([*given, "--model", str(model_folder("turbo"))]) == 0
    whole, *routes = capsys.readouterr().out.splitlines()
    assert whole.startswith("storm: a frame goes ")
    assert "0 of 4 frames" in whole
    assert [line.split(":")[0].strip() for line in routes] == ["bass", "lightning", "beat"]


@pytest.mark.parametrize(
    ("given", "said"), [(["none.wav"], "none.wav"), (["demo", "stormy"], "storm")]
)
def test_what_cannot_be_measured_is_said_in_a_line(given, said, model_folder, capsys):
    assert _motion.main([*given, "--seconds", "0.2", "--model", str(model_folder("turbo"))]) == 1
    error = capsys.readouterr().err
    assert error.startswith("motion: ")
    assert said in error
    assert error.count("\n") == 1
