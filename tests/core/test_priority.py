"""A show asks for a little more of the processor, and goes on as well without it."""

import os
import sys
import threading

import pytest

from livebend.core import priority

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="asked of the whole process there")


@pytest.fixture
def nice(monkeypatch):
    """What is asked of the system: (thread, niceness), allowed or not."""
    asked = []

    def setpriority(which, thread, niceness):
        asked.append((thread, niceness))
        if niceness < 0 and not nice_allowed:
            raise PermissionError

    nice_allowed = []
    monkeypatch.setattr(os, "setpriority", setpriority)
    return asked, nice_allowed


def test_it_is_raised_for_a_time(nice):
    asked, allowed = nice
    allowed.append(True)
    here = threading.get_native_id() if sys.platform == "linux" else 0
    with priority.raised() as done:
        assert done
        assert asked == [(here, priority.NICENESS)]
    assert asked[-1] == (here, 0)


def test_where_it_is_not_allowed_nothing_else_happens(nice):
    asked, _ = nice
    with priority.raised() as done:
        assert not done
    assert len(asked) == 1


def test_side_work_steps_back(nice):
    asked, _ = nice
    priority.step_back()
    assert [niceness for _, niceness in asked] == [0]
