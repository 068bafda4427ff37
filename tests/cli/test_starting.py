"""What a show does before it imports torch ends with it."""

import gc
import threading

import pytest

from livebend.cli.starting import starting
from livebend.core.errors import Refused


def _refuse():
    with starting({"model": "tiny"}):
        assert not gc.isenabled()
        raise Refused("no")


def test_garbage_is_looked_for_again_and_nothing_is_read_after_a_refusal(tmp_path, monkeypatch):
    monkeypatch.setattr("livebend.cli.starting.cache_folder", lambda: tmp_path)
    before = threading.active_count()
    with pytest.raises(Refused):
        _refuse()
    assert gc.isenabled()
    assert threading.active_count() == before
