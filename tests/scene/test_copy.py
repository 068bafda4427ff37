"""A value with some fields changed is what dataclasses.replace makes of it."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from livebend.core.ranges import Range
from livebend.flow import Features
from livebend.scene.copy import altered
from livebend.scene.show_values import Crossfade
from livebend.scene.values import Bend, Prompt, Route, Scene

BEND = Bend("b", "rotate", "unet.mid", {"angle": 3.0}, mask={"kind": "disc"})
VALUES = [
    Scene("Dub", bends=(BEND,), home=Scene("Home")),
    BEND,
    Route("r", "rms", "bend.b.angle"),
    Prompt("flames"),
    Crossfade(0.5),  # of one field alone
    Features(1.0, rms=0.5),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_it_is_what_replace_gives(value):
    names = [field.name for field in fields(value)]
    for changes in ({}, {names[-1]: 7}, dict.fromkeys(names, 8)):
        before = replace(value)
        made, wanted = altered(value, changes), replace(value, **changes)
        assert type(made) is type(value)
        assert [getattr(made, n) for n in names] == [getattr(wanted, n) for n in names]
        assert [getattr(value, n) for n in names] == [getattr(before, n) for n in names]
        with pytest.raises(FrozenInstanceError):
            setattr(made, names[0], 9)


def test_it_is_checked_as_a_new_one_is():
    assert altered(Range(0, 1), {"high": 2}) == Range(0, 2)
    with pytest.raises(ValueError, match="expected a part of"):
        altered(Range(0, 1), {"soft": (0, 3)})


def test_a_field_that_is_not_there_is_refused():
    with pytest.raises(KeyError, match="angle"):
        altered(BEND, {"angle": 3.0})
