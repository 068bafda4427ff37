"""Specs come from annotations alone and check what controllers send."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from livebend.core.errors import OutOfRange, UnknownName
from livebend.core.ranges import Degrees, Range, Seed, Unit
from livebend.core.specs import Spec, specs_of


@dataclass(frozen=True)
class Declared:
    level: Annotated[Unit, "how much"] = 0.5
    turn: Degrees = 0.0
    count: Seed = 3
    on: Annotated[bool, "whether"] = True
    shape: Annotated[Literal["a", "b"], "which"] = "a"
    text: str = ""
    other: tuple[int, ...] = ()


SPECS = specs_of(Declared)


def test_a_dataclass_declares_its_specs():
    assert SPECS["level"] == Spec("level", "float", 0.5, Range(0, 1), (), "how much")
    assert SPECS["shape"].choices == ("a", "b")
    assert "other" not in SPECS


def test_a_function_declares_its_keyword_only_parameters():
    def operator(x, *, gain: Annotated[float, Range(0, 2), "factor"] = 1.0): ...

    assert specs_of(operator) == {"gain": Spec("gain", "float", 1.0, Range(0, 2), (), "factor")}


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [("level", 1, 1.0), ("level", True, 1.0), ("count", 5.0, 5), ("on", 0.0, False),
     ("on", 1, True), ("shape", "b", "b"), ("text", "x", "x"), ("turn", -360, -360.0)],
)  # fmt: skip
def test_numbers_and_booleans_stand_in_for_one_another(name, given, taken):
    got = SPECS[name].check(given, name)
    assert (got, type(got)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [("level", 2, "level = 2: expected 0..1"), ("count", 1.5, "whole number"),
     ("level", "x", "expected 0..1"), ("on", "yes", "true or false"), ("text", 1, "text"),
     ("shape", 1, "one of a, b"), ("turn", None, "-360..360 deg")],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_is_allowed(name, given, message):
    with pytest.raises(OutOfRange, match=message):
        SPECS[name].check(given, name)


def test_an_unknown_choice_names_the_nearest():
    with pytest.raises(UnknownName, match="known: a, b"):
        SPECS["shape"].check("zzz", "shape")


@pytest.mark.parametrize(
    ("name", "given", "fitted"),
    [("level", 7, 1.0), ("level", -7, 0.0), ("level", float("nan"), 0.0), ("turn", 400, 40.0),
     ("turn", -400, -40.0), ("count", -3, 0), ("count", 2.6, 3), ("turn", float("inf"), 360.0)],
)  # fmt: skip
def test_fit_brings_numbers_inside(name, given, fitted):
    assert SPECS[name].fit(given, name) == fitted


def test_a_whole_turn_is_the_default_on_a_circle():
    assert SPECS["turn"].is_default(360.0)
    assert not SPECS["turn"].is_default(90.0)
    assert not SPECS["level"].is_default(1.0)
