"""One line for every fault."""

import pytest

from livebend.core.errors import BendFault, Refused, one_line


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (ValueError("\n shapes differ\nat line 3"), "ValueError: shapes differ"),
        (RuntimeError(" \n "), "RuntimeError"),
        (KeyError(), "KeyError"),
        (Refused("no such name\nand more"), "no such name"),
    ],
)
def test_a_fault_is_one_line(fault, line):
    assert one_line(fault) == line


def test_a_bend_s_fault_names_the_bend_and_the_fault():
    line = str(BendFault("swirl", "rotate", "unet.mid", ValueError("bad\nworse")))
    assert line == "bend.swirl: rotate at unet.mid: ValueError: bad"
